"""The database, one door per aggregate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.assistants import Assistant
from bot.domain.deliveries import Acceptance, Delivery, DeliveryState, Event, Heard, NotAgain, Segment
from bot.domain.feedback import Account, Forgotten
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

    async def again(self, run_id: str, assistant: Assistant, lifetime: int = RUN_LIFETIME) -> Acceptance | NotAgain:
        """Let the question of an answered run be answered anew, by a new run of `assistant`, in one transaction.

        The newest exchange of a thread only. The question, and what was heard beside it, moves to the new run's place;
        the old answer is superseded. The new run has the chat messages of the old one, whose text its own replaces, and
        a delivery to the same address. Its number is `Run.version`. Of several at once one succeeds.
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

    async def revision(self, thread_id: str) -> int:
        """How often something that was said in the thread was changed or taken back since."""
        ...

    async def keep_summary(self, lease: Lease, summary: Summary, revision: int | None = None) -> None:
        """Keep a summary unless one that reaches as far is there.

        With `revision`, as it was before the summarised messages were read, it is not kept when that has changed.
        """
        ...

    async def known(self, run: Run, keys: Sequence[str]) -> frozenset[str]:
        """Those of these dedupe keys whose messages need not be heard beside the run's question.

        They are in its thread, were said to the assistant in the same conversation before somebody began anew, or
        have been forgotten or deleted.
        """
        ...


@dataclass(frozen=True, slots=True)
class Overheard:
    """A message that was said before the assistant was called, with its files as far as they were taken in."""

    heard: Heard
    attachments: tuple[Attachment, ...] = ()


class Corrections(Protocol):
    """What people change about what they said. Messages are named by `Event.known_as` and `Heard.key`."""

    async def edit(self, key: str, words: str, whole: File | None = None, at: float = 0) -> bool:
        """Give a message another text. Summaries that contain it are dropped.

        Args:
            key: which message.
            words: what the assistant reads from now on.
            whole: all of it, when `words` are only its beginning; claimed then.
            at: when it was changed, by the platform's clock; older than a change before, it changes nothing.

        Returns:
            False when no such message is known.
        """
        ...

    async def delete(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Forget what messages said, with their files and the summaries that contain them; a short marker stays.

        Their runs that have not ended are cancelled; of those that were not begun the delivery is closed, so that
        nothing is shown. A message that is not known yet will be a duplicate when it comes.

        Returns:
            Ids of the runs that are being cancelled.
        """
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

    async def attach(
        self,
        lease: Lease,
        run_id: str,
        attachments: Sequence[Attachment],
        parts: Sequence[Part],
        beside: Mapping[str, Sequence[Attachment]] | None = None,
    ) -> None:
        """Add taken-in files to the user message (`parts` for images) and clear the delivery's list of files.

        `beside` has the files of other messages of the thread, by the messages' ids.
        """
        ...

    async def hear(self, lease: Lease, run_id: str, overheard: Sequence[Overheard]) -> None:
        """Put what was said before beside the run's question, oldest first, in one write.

        What is `History.known` is left out, so that doing it again changes nothing.
        """
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


class Feedback(Protocol):
    """What people think of answers."""

    async def give(self, run_id: str, person: Author, *, good: bool, comment: str | None = None) -> bool:
        """Write a person's opinion down; their newest one counts.

        A verdict that is only repeated keeps its comment. Returns False when there is no such run.
        """
        ...


class Accounts(Protocol):
    """What questions took."""

    async def of_person(self, person: Author, since: float) -> Account:
        """What a person asked since then (Unix seconds)."""
        ...

    async def of_thread(self, thread_id: str) -> Account:
        """What was asked in a thread."""
        ...


class Installations(Protocol):
    """Where the app is installed, when one deployment serves many workspaces. Only sealed text is kept.

    Names begin with the platform: `slack:T…`, `slack:E…`.
    """

    async def save(self, name: str, sealed: str) -> None:
        """Insert or replace."""
        ...

    async def replace(self, name: str, sealed: str, instead_of: str) -> bool:
        """Replace it if it is still as it was read (`instead_of`), and say whether it was: of several one succeeds."""
        ...

    async def remove(self, name: str, sealed: str) -> bool:
        """Delete it if it is still as it was read, and say whether it was."""
        ...

    async def read(self, name: str) -> str | None:
        """One of them, if it is there."""
        ...

    async def all(self, beginning: str) -> Mapping[str, str]:
        """All whose names begin so, by name."""
        ...

    async def version(self) -> str:
        """Another one after every change, in whichever process: cheap to ask for."""
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

    async def forget_thread(self, thread_id: str) -> Forgotten | None:
        """Delete a thread with everything that hangs on it. None, and nothing is deleted, while it is worked on."""
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
    corrections: Corrections
    deliveries: Deliveries
    assistants: Assistants
    files: Files
    collections: Collections
    notes: Notes
    installations: Installations
    feedback: Feedback
    accounts: Accounts
    upkeep: Upkeep
