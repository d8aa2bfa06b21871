"""Chat bookkeeping that has to survive a crash: where a run's answer goes, and which messages already carry it.

Nothing here knows a platform: `place` and `ref` hold the adapter's own words, which only that adapter reads.
"""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from bot.domain.channels import Manner
from bot.domain.messages import Author
from bot.domain.record import Record


def _usual(value: object) -> bool:
    """Not written down, so that code that does not know the field yet can read the record."""
    return value in ("stream", False)


class Address(Record):
    """Where an answer goes."""

    platform: str
    """Name of the adapter: `slack`, `discord`, `console`."""
    place: dict[str, str]
    scope: str = ""
    """Where moderators have their say (`slack:T1`, `discord:GUILD`); empty when nobody but the asker has one."""
    secrets: tuple[str, ...] = ()
    """Keys of `place` whose values let somebody speak there (tokens, reply addresses): forgotten when the delivery
    closes."""
    manner: Manner = Field(default="stream", exclude_if=_usual)
    """How the answer comes."""
    private: bool = Field(default=False, exclude_if=_usual)
    """Only the person who asked sees the answer."""


STORED: Final = "relay.file_id"
"""Key in `RemoteFile.source` of a file that is stored already: all of a message's text, where that is too long."""
BELONGS_TO: Final = "relay.message_id"
"""Key in `RemoteFile.source` of a file that came with another message than the question, by that message's id."""


class RemoteFile(Record):
    """A file that came with a message and is still only at the platform."""

    name: str
    size: int | None = None
    """Bytes, as the platform claims."""
    source: dict[str, str]
    """What the adapter needs to download it."""
    refused: str | None = None
    """Set when the adapter already knows that it cannot be had; a sentence for the person and the model."""


class Heard(Record):
    """Something that was said beside the question: material that the assistant reads, not a wish that it fulfils."""

    key: str
    """The dedupe key that every delivery of the message has, so that edits and deletions find it."""
    author: Author
    text: str
    files: tuple[RemoteFile, ...] = ()


class Event(Record):
    """Something a person said to the assistant, ready to be accepted in one transaction."""

    keys: tuple[str, ...] = Field(min_length=1)
    """Dedupe keys; the event is a duplicate when any of them was seen before."""
    source: str = ""
    """The one of `keys` that every delivery of the message has, by which `Edited` and `Deleted` name it. Empty means
    the first of them."""
    conversation: str
    """Key of the conversation; the same key is the same thread."""
    address: Address
    author: Author
    text: str
    files: tuple[RemoteFile, ...] = ()
    scope: str = ""
    """As `Address.scope`, which it becomes when it is given here."""
    channel: str = ""
    """Where it was said, in the adapter's words: a person's last conversation there can be asked for."""
    parent: str = ""
    """Of a channel that is a thread: the channel that it is in, named likewise. Its rules hold in the thread."""
    pointed_at: tuple[Heard, ...] = ()
    """What the person refers to: the message that is replied to, forwarded, or that a menu was opened on."""
    assistant: str = ""
    """Name of the assistant that the person has chosen; empty means the one of the channel."""
    gaps: bool = False
    """Others may have spoken here, unanswered, since the last question. Set by the relay, by the channel's rules."""

    @model_validator(mode="after")
    def _source_is_a_key(self) -> Self:
        if self.source and self.source not in self.keys:
            raise ValueError("the source has to be one of the keys")
        return self

    @property
    def ruled_by(self) -> str:
        """The channel whose rules hold (`bot.relay.contract.Reception.policy`)."""
        return self.parent or self.channel

    @property
    def known_as(self) -> str:
        """What edits and deletions call the message."""
        return self.source or self.keys[0]


class Acceptance(Record):
    """What became of an event."""

    run_id: str
    thread_id: str
    duplicate: bool = False
    ahead: int = 0
    """How many unfinished runs of the thread come first; above zero the message is queued."""


class NotAgain(StrEnum):
    """Why a question cannot be answered anew."""

    UNKNOWN = "unknown"
    """There is no such run, or it did not come from a chat."""
    GOING_ON = "going on"
    """Its answer is still being written, or the next version of it is."""
    NOT_NEWEST = "not newest"
    """The conversation went on since."""
    NOT_TWICE = "not twice"
    """It has begun tool calls that must not be made twice."""
    NO_WAY_BACK = "no way back"
    """The answer was private, and what was needed to show another one to the same person is forgotten."""
    DELETED = "deleted"
    """The question was deleted."""


class DeliveryState(StrEnum):
    """Whether a run's answer has reached the chat."""

    OPEN = "open"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    """The channel or the permission is gone; the log says so."""


class Delivery(Record):
    """The promise that a run's end will be seen in the chat. One per run that came from a chat."""

    run_id: str
    conversation: str
    address: Address
    asker: Author
    message_id: str
    """The user message that set the run off."""
    state: DeliveryState = DeliveryState.OPEN
    files: tuple[RemoteFile, ...] = ()
    """Files still to be taken in; empty once they are attachments of the message."""
    created_at: int
    channel: str = ""
    """As `Event.channel`."""


class SegmentState(StrEnum):
    """Where a posted message is."""

    STARTED = "started"
    """A create was begun; look it up by its key before creating again."""
    POSTED = "posted"
    ABANDONED = "abandoned"
    """The platform lost it (deleted, expired token); another segment took its place."""


class Segment(Record):
    """One chat message that carries a part of a run's answer.

    Posting is a step: intent first, then the platform's id.
    """

    run_id: str
    position: int
    """Counts from 0 over the run; an abandoned segment keeps its number, its successor takes the next."""
    state: SegmentState
    key: str
    """Nonce of at most 25 characters, the same for every try of this create."""
    ref: dict[str, str] = Field(default_factory=dict)
    """What the adapter needs to edit it; empty until posted."""
