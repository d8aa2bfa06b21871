"""The database, one door per aggregate."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.assistants import Assistant
from bot.domain.deliveries import Acceptance, Delivery, DeliveryState, Event, Segment
from bot.domain.files import File
from bot.domain.lanes import Lease
from bot.domain.messages import Attachment, Author, Message, Part
from bot.domain.runs import RUN_LIFETIME, Run
from bot.domain.steps import ToolCall
from bot.domain.threads import Summary
from bot.ports.leases import Duties, Lanes, Workers
from bot.ports.runs import Runs


class Intake(Protocol):
    """Accepting what people say, before it is acknowledged to the platform."""

    async def accept(self, event: Event, assistant: Assistant, lifetime: int = RUN_LIFETIME) -> Acceptance:
        """Store dedupe keys, thread, message, queued run, delivery and lane in one transaction.

        The run expires `lifetime` seconds after its turn has come. A duplicate changes nothing but the keys and names
        the run that the first delivery made.

        Raises:
            StoreUnavailable: nothing was stored; the event must not be acknowledged.
        """
        ...

    async def first_time(self, key: str) -> bool:
        """Remember a key that belongs to no message, as long as other dedupe keys. Returns whether it was new.

        Raises:
            StoreUnavailable: nobody knows.
        """
        ...

    async def thread_of(self, conversation: str) -> str | None:
        """The thread of a conversation, or None when the bot was never part of it."""
        ...

    async def join(self, conversation: str, thread_id: str) -> None:
        """Let a further conversation key lead to the same thread (a follow-up to a message that the bot opened)."""
        ...

    async def leave(self, conversation: str) -> bool:
        """Start over: the next message under this key gets a new thread. Returns whether there was one."""
        ...

    async def last_conversation(self, channel: str, person: Author) -> str | None:
        """Where this person last said something to the assistant in a channel (`Event.channel`)."""
        ...

    async def live_conversations(
        self, since: float, within: Sequence[str], without: str, limit: int
    ) -> tuple[str, ...]:
        """Conversations in which a message was accepted since then (Unix seconds).

        Of those whose key begins with the first of `within` so many, the newest first, then of the next, and so on.
        Keys that contain `without` are left out.
        """
        ...


class History(Protocol):
    """What was said in a thread, in the order in which the assistant read it."""

    async def up_to(self, run: Run, limit: int, before: int | None = None) -> tuple[Message, ...]:
        """The newest `limit` messages that `run` may read, oldest first.

        A user message stands at its run's place and is followed by that run's answers, also when it was sent while an
        earlier run was still going on. Superseded messages are left out. `before` pages backwards: only messages of
        runs with a smaller sequence number.
        """
        ...

    async def seq_of(self, messages: Sequence[Message]) -> dict[str, int]:
        """Sequence number of the run at whose place each message stands, by message id (0 = before any run)."""
        ...

    async def calls_of(self, run_ids: Sequence[str]) -> tuple[ToolCall, ...]:
        """The finished tool calls of earlier runs, so that the model sees what it did."""
        ...

    async def summary(self, thread_id: str) -> Summary | None:
        """The kept summary, if there is one."""
        ...

    async def keep_summary(self, lease: Lease, summary: Summary) -> None:
        """Keep a summary unless one that reaches as far is there."""
        ...


class Deliveries(Protocol):
    """Which chat messages carry a run's answer."""

    async def get(self, run_id: str) -> Delivery | None:
        """The delivery of a run, or None when the run did not come from a chat."""
        ...

    async def first_in(self, conversation: str) -> Delivery | None:
        """The delivery that began a conversation's thread, or None when the bot is not part of it."""
        ...

    async def segments(self, run_id: str) -> tuple[Segment, ...]:
        """All segments in order of position."""
        ...

    async def begin_segment(self, lease: Lease, run_id: str) -> Segment:
        """Record the intent to post the next segment, with its key."""
        ...

    async def posted(self, lease: Lease, segment: Segment, ref: dict[str, str]) -> Segment:
        """Record what the platform called the posted message."""
        ...

    async def abandon_segment(self, lease: Lease, segment: Segment) -> Segment:
        """Record that the platform lost it."""
        ...

    async def attach(self, lease: Lease, run_id: str, attachments: Sequence[Attachment], parts: Sequence[Part]) -> None:
        """Add taken-in files to the user message (`parts` for images) and clear the delivery's list of files."""
        ...

    async def close(self, lease: Lease, run_id: str, state: DeliveryState) -> None:
        """The end of the run was seen in the chat, or never can be. The secrets of the address are forgotten."""
        ...


class Assistants(Protocol):
    """The operator's assistants."""

    async def upsert(self, assistant: Assistant) -> Assistant:
        """Insert or replace by name; the id and the creation time of an existing one stay."""
        ...

    async def get(self, assistant_id: str) -> Assistant | None:
        """One assistant."""
        ...


class Files(Protocol):
    """Stored files and their bytes."""

    async def add(
        self, filename: str, content: bytes, media_type: str, purpose: str = "assistants", *, claimed: bool = True
    ) -> File:
        """Store content under its SHA-256 and a file record that names it.

        With `claimed=False` the file is an orphan until `Deliveries.attach` names it in a message, and cleaned away by
        `Upkeep.forget_files` when that never happens.
        """
        ...

    async def get(self, file_id: str) -> File | None:
        """One file record."""
        ...

    async def read(self, file: File) -> bytes:
        """The file's bytes."""
        ...


class Collections(Protocol):
    """Small JSON records that tools keep in the bot's own database."""

    async def add(self, collection: str, fields: dict[str, str], idempotency_key: str) -> tuple[int, bool]:
        """Add a record; the same key gives the first record again. Returns its number and whether it is new."""
        ...

    async def get(self, collection: str, number: int) -> dict[str, str] | None:
        """One record's fields."""
        ...

    async def change(self, collection: str, number: int, fields: dict[str, str]) -> dict[str, str] | None:
        """Replace the named fields; None when there is no such record."""
        ...

    async def list(self, collection: str, limit: int = 100) -> tuple[tuple[int, dict[str, str]], ...]:
        """The newest records first."""
        ...


class Notes(Protocol):
    """Single values that a process wants to remember (a hash of registered commands, for example)."""

    async def read(self, name: str) -> str | None:
        """The value, if there is one."""
        ...

    async def write(self, name: str, value: str) -> None:
        """Insert or replace."""
        ...

    async def raise_to(self, name: str, value: int) -> None:
        """Insert a number, or replace one that is smaller; of several writers at once the greatest is right."""
        ...


class Upkeep(Protocol):
    """What has to be cleaned from time to time. Each call does a bounded piece of work and says how much it did."""

    async def wake_expired(self) -> int:
        """Make the lanes of runs ready whose time is over and that nobody works on, so that somebody ends them."""
        ...

    async def forget_keys(self, age: float) -> int:
        """Delete the dedupe keys of events that came more than `age` seconds ago."""
        ...

    async def forget_threads(self, idle: float) -> int:
        """Delete threads in which nothing was said for `idle` seconds and nothing is going on, with their files."""
        ...

    async def forget_files(self, age: float) -> int:
        """Delete files that no message claimed within `age` seconds, and bytes that no file names."""
        ...


class Store(Protocol):
    """The database, one attribute per aggregate."""

    intake: Intake
    workers: Workers
    lanes: Lanes
    duties: Duties
    runs: Runs
    history: History
    deliveries: Deliveries
    assistants: Assistants
    files: Files
    collections: Collections
    notes: Notes
    upkeep: Upkeep
