"""What a chat platform has to offer (`Adapter`), what it is told (`Outbound`) and what it may call (`Reception`).

Everything that a platform cannot do or limits is data in `Capabilities`, so the relay never asks which platform it is.
Adapters translate their SDK's errors into `bot.errors.PlatformError` and its six kinds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import Field

from bot.domain.deliveries import Address, Event, RemoteFile
from bot.domain.messages import Author
from bot.domain.record import Record

# --- what a platform can do -------------------------------------------------------------------------------------


class Pacing(Record):
    """The start values of the governor for one platform; it learns the rest from `RateSignal`s."""

    limit: int
    """Requests per window and bucket."""
    window: float
    """Seconds."""
    reserve: int = 1
    """Requests per window that interim edits never use, so that a final edit goes out at once."""
    min_interval: float
    """Least seconds between two edits of one message."""
    max_interval: float = 10.0
    """Beyond this the interval does not grow."""


class Capabilities(Record):
    """One platform's limits and abilities."""

    platform: str
    """Name of the adapter and of `Address.platform`."""
    label: str
    """What people call it."""
    soft_limit: int
    """Where the splitter aims, in units of `measure`."""
    hard_limit: int
    """What the platform refuses, in units of `measure`."""
    measure: Literal["code_points", "utf16", "utf8"]
    max_segments: int
    """An answer of more messages than this is attached as a file after the first two."""
    pacing: Pacing
    """Of edits, and of creates too unless `posts` is given."""
    posts: Pacing | None = None
    """Of creates, for a platform that limits them apart from edits: `limit` at once, then one every
    `window / limit` seconds, in order of asking."""
    buttons: bool = True
    files_out: bool = True
    max_file_bytes: int
    """Largest file taken in or sent."""
    status_refresh: float | None = None
    """Seconds after which the platform forgets a working status; None when it has no such status."""


class Dialect(Protocol):
    """How Markdown is written on a platform.

    Prefix-stable: longer Markdown never changes the text of finished blocks.
    """

    def convert(self, markdown: str) -> str:
        """The model's Markdown in the platform's own, with everything that could ping anyone made harmless."""
        ...


# --- what comes in ----------------------------------------------------------------------------------------------


class Inbound(Record):
    """Something a person said, as the adapter understood it."""

    event: Event
    addressed: bool
    """Mention, direct message or command: answered in any case. Otherwise only in conversations the bot is part of."""


CommandName = Literal["new", "stop", "help"]

COMMANDS: dict[CommandName, str] = {
    "new": "Start over: the next message begins a new conversation",
    "stop": "Stop the answer that is being written here",
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


Operation = Literal["stop", "worked", "again", "skip"]
"""What a button under an answer does to its run: end it, or decide about a call whose outcome nobody knows."""


class Press(Record):
    """A button was pressed."""

    op: Operation
    run_id: str
    call: str = ""
    """As `Button.call`."""
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
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    """Not for us."""


class RateSignal(Record):
    """What a platform's reply said about its limits."""

    bucket: str
    limit: int | None = None
    remaining: int | None = None
    reset_after: float | None = None
    """Seconds until the window starts anew."""
    retry_after: float | None = None
    """Seconds to wait after a 429."""


class Reception(Protocol):
    """The relay as an adapter sees it."""

    async def receive(self, inbound: Inbound) -> Verdict:
        """Accept a message durably. Acknowledge it to the platform only after this returned.

        Raises:
            StoreUnavailable: not accepted; let the platform send it again, or tell the person.
        """
        ...

    async def command(self, command: Command) -> str:
        """Carry out a command. Returns what to show to the person only."""
        ...

    async def press(self, press: Press) -> str | None:
        """Carry out a button press. Returns a note for the person only, or None when the message itself shows it."""
        ...

    async def last_conversation(self, channel: str, person: Author) -> str | None:
        """Where the person last said something to us in a channel, named as in `Event.channel`.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def takes_part(self, conversation: str) -> bool:
        """Whether we are part of a conversation.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    async def live_conversations(self, since: float, within: Sequence[str], without: str) -> tuple[str, ...]:
        """Keys of conversations in which something was said to us: for catching up after nobody has listened.

        Args:
            since: Unix seconds.
            within: beginnings of keys, each with a share of its own: many conversations of one server, say, do not
                push those of another out. The answer has them in this order, and of each the newest first.
            without: a part that is found only in keys of conversations in whose place nothing can be read.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...


# --- what goes out ----------------------------------------------------------------------------------------------


class Button(Record):
    """A button under an answer; its identity holds all its state, so it works after a restart."""

    op: Operation
    run_id: str
    call: str = ""
    """`ToolCall.interruption` of the call that is decided about; empty for operations on the whole run."""
    label: str
    danger: bool = False


class OutboundFile(Record):
    """A file to attach to an answer."""

    name: str
    content: bytes = Field(repr=False)
    media_type: str


class Outbound(Record):
    """One chat message, in full: every edit carries the whole text."""

    text: str
    """In the platform's dialect, not empty, within the hard limit."""
    buttons: tuple[Button, ...] = ()
    continuation: bool = False
    """A later message of an answer that has begun in an earlier one: nobody is notified again."""
    final: bool = False
    """The answer is complete with this; nothing more will be edited or posted for its run."""
    files: tuple[OutboundFile, ...] = ()
    """With the final edit of the last message only."""


class Posted(Record):
    """A message that exists at the platform now."""

    ref: dict[str, str]
    """What `Adapter.edit` needs, JSON-safe, stored with the segment."""
    conversation: str | None = None
    """A further conversation key under which follow-ups to this message will arrive, if there is one."""


class Adapter(Protocol):
    """One chat platform. Errors: only `bot.errors.PlatformError` and its kinds leave these methods."""

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How Markdown is written there."""
        ...

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        """From now on tell what replies say about limits. A 429 is told by raising `RateLimited`, not here as well."""
        ...

    async def connections(self) -> tuple[str, ...]:
        """Names of the connections that a whole deployment keeps to this platform, however many its processes.

        Each is kept by one process at a time; the names are the same in all of them. Waits for a platform that does
        not answer.

        Raises:
            OperatorError: a token is refused; the text names the variable.
        """
        ...

    def connected(self, name: str, reception: Reception) -> AbstractAsyncContextManager[asyncio.Future[None]]:
        """Keep one of the `connections` and hand its events to `reception` until the context is left.

        Gives a future that is done only when the platform will never deliver anything again; it then raises the reason.

        Entered when the platform is ready to deliver events. Reconnects by itself for as long as it is open. Leaving it
        ends receiving only: answers that are being written go on until `close`. Before and between two keepers nobody
        listened for a while: what was said meanwhile is read and handed over, once.

        Raises:
            OperatorError: a token is refused; the text names the variable.
        """
        ...

    async def close(self) -> None:
        """Close what is needed for writing, after the last answer."""
        ...

    def bucket(self, address: Address) -> str:
        """Name of the rate-limit bucket that edits at this address share."""
        ...

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message. Never repeats the request by itself unless the platform makes that safe by `key`.

        Raises:
            Unreachable: it may or may not have been created: call `find` before trying again.
        """
        ...

    async def find(self, address: Address, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        """Look for a message that a `post` with this key may have created since then.

        Args:
            address: where it would be.
            key: of the `post`.
            since: Unix seconds by our own clock, a day early. Only a bound for adapters that know nothing better: when
                the place tells which message or interaction is answered, look from that one on, in the platform's own
                order, so that it does not matter whose clock is right.
            known: references of all other messages of the answer: for platforms where not every message carries its
                key, one that belongs to the answer and is none of these is the one.
        """
        ...

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> None:
        """Replace a message's text, buttons and files.

        Raises:
            Gone: the message cannot be edited any more; post its text anew.
        """
        ...

    async def status(self, address: Address, text: str | None) -> None:
        """Show that work is going on ("is thinking…"), or clear it. Best effort."""
        ...

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces, only from the platform's own hosts.

        Raises:
            Refused: with a sentence for the person.
        """
        ...
