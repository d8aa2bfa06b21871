"""What people do, as the adapters understood it."""

from enum import StrEnum
from typing import Literal

from bot.domain.deliveries import Event
from bot.domain.messages import Author
from bot.domain.record import Record


class Inbound(Record):
    """Something a person said, as the adapter understood it."""

    event: Event
    addressed: bool
    """Mention, direct message or command: answered in any case. Otherwise only in conversations the bot is part of."""


CommandName = Literal["new", "stop", "forget", "usage", "model", "help"]

COMMANDS: dict[CommandName, str] = {
    "new": "Start over: the next message begins a new conversation",
    "stop": "Stop the answer that is being written here",
    "forget": "Forget this conversation: what was said and its files are deleted here",
    "usage": "What you and this conversation have used",
    "model": "Which assistant and which model answer here",
    "help": "What the assistant can do",
}
"""Every command beside `ask`, with the description that platforms show."""


class Command(Record):
    """A command that is not a question."""

    name: CommandName
    conversation: str
    elsewhere: bool = False
    """It was typed outside of the conversation, which is merely the person's `last_conversation`."""
    person: Author
    moderator: bool = False
    """The person may act on other people's answers within `scope`."""
    scope: str = ""
    """Where it was typed, in the words of `Address.scope`; without it nobody is a moderator."""
    channel: str = ""
    """Where it was typed, named as in `Event.ruled_by`, so that it can be said who answers there."""


Operation = Literal["stop", "worked", "again", "skip", "regenerate", "up", "down"]
"""What a button under an answer does: end its run; decide about a call whose outcome nobody knows; have the
question answered anew; say that the answer was good, or that it was not,
which opens a form for a comment where there are forms."""


class Press(Record):
    """A button was pressed."""

    op: Operation
    run_id: str
    call: str = ""
    """As `Button.call`."""
    comment: str | None = None
    """With `down`: what the person wrote into the form. It comes as a press of its own, after the one of the button."""
    person: Author
    moderator: bool = False
    """The person may act on other people's answers within `scope`."""
    scope: str = ""
    """Where it was pressed, in the words of `Address.scope`; without it nobody is a moderator."""


class Verdict(StrEnum):
    """What became of an inbound message."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    """Accepted behind a run that is still going on; the adapter marks the message (a reaction)."""
    HELD = "held"
    """Queued behind an answer that waits for somebody to press one of its buttons: the adapter marks the message, and
    tells the person so (`HELD_NOTE`), privately where that is possible. Of several messages only the first is held."""
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    """Not for us."""


HELD_NOTE = (
    "I have read this, but my last answer waits for a decision: please press one of the buttons under it. "
    "Then I go on with your message."
)
"""What a person is told who types instead of pressing."""


class Edited(Record):
    """Somebody changed a message of theirs."""

    key: str
    """As `Event.known_as`, or `Heard.key`."""
    text: str
    """All of it, as it is now."""
    at: float = 0
    """When it was changed, by the platform's clock, in Unix seconds; an edit that is older than one that was taken
    changes nothing. 0 = the platform does not say."""


class Deleted(Record):
    """Messages were deleted, by their authors or by somebody who may."""

    keys: tuple[str, ...] = ()
    """As `Event.known_as` or `Heard.key`, of each."""
    conversations: tuple[str, ...] = ()
    """Keys of conversations whose place was deleted with all that was said in it (a thread), when the platform does not
    name the messages."""
