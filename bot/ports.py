"""The doors between the rooms: what the engine and the relay ask of store, models, toolbox and each other.

Every write that belongs to a run takes the `Lease` under which it is made and raises `bot.errors.Fenced` when that
lease is no longer the lane's. Writes that change what a run looks like return the facts as events, in order.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.domain.assistants import Assistant, FunctionDefinition
from bot.domain.deliveries import Acceptance, Delivery, DeliveryState, Event, Segment
from bot.domain.events import RunEvent
from bot.domain.files import File
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Attachment, Author, Message, Part
from bot.domain.runs import RUN_LIFETIME, LastError, Run, RunStatus
from bot.domain.steps import CallState, Effect, RunStep, ToolCall
from bot.domain.threads import Summary
from bot.domain.turns import ModelEvent, ModelRequest, Turn, TurnResult

# --- time -------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time, so that pacing and expiry can be tested without waiting."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


# --- store ------------------------------------------------------------------------------------------------------


class Intake(Protocol):
    """Accepting what people say, before it is acknowledged to the platform."""

    async def accept(self, event: Event, assistant: Assistant, lifetime: int = RUN_LIFETIME) -> Acceptance:
        """Store dedupe keys, thread, message, queued run, delivery and lane in one transaction.

        The run expires `lifetime` seconds from now. A duplicate changes nothing but the keys and names the run that the
        first delivery made.

        Raises:
            StoreUnavailable: nothing was stored; the event must not be acknowledged.
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


class Lanes(Protocol):
    """Who works on which thread."""

    async def enrol(self, worker_id: str, role: str) -> None:
        """Write this process's heartbeat row."""
        ...

    async def beat(self, worker_id: str) -> None:
        """Renew the heartbeat and free the lanes of dead processes.

        Raises:
            Fenced: the row is gone; the process must start again under a new id.
        """
        ...

    async def claim(self, worker_id: str, limit: int) -> tuple[Lease, ...]:
        """Take at most `limit` lanes that are ready and due."""
        ...

    async def next_work(self, lease: Lease) -> Work | None:
        """The lane's first unfinished run in order of acceptance; None, and the lane is free, when none is due."""
        ...

    async def hand_back(self, worker_id: str) -> int:
        """Free all lanes of this worker and remove its row. Returns how many lanes it had."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return as soon as there may be something to claim, or after `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A tool call as it will stand in the ledger: what the model asked for plus the effect that the toolbox names."""

    call_id: str
    name: str
    arguments: str
    effect: Effect
    extra: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends. An open message ends incomplete and open steps end likewise, in the same transaction."""

    status: RunStatus
    last_error: LastError | None = None
    incomplete_reason: str | None = None
    """`max_completion_tokens` or `max_prompt_tokens`."""
    message_reason: str | None = None
    """Reason for the open message, when the status alone does not tell (`content_filter`, `max_tokens`)."""
    open_text: str | None = None
    """The last known text of the open message."""


class Runs(Protocol):
    """Runs with their turns, steps, messages and tool calls. Fenced writes."""

    async def get(self, run_id: str) -> Run | None:
        """One run."""
        ...

    async def active(self, thread_id: str) -> tuple[Run, ...]:
        """All runs of a thread that have not ended, in order of acceptance."""
        ...

    async def turns(self, run_id: str) -> tuple[Turn, ...]:
        """All turns in order, failed ones too."""
        ...

    async def calls(self, run_id: str) -> tuple[ToolCall, ...]:
        """The run's ledger, in order of turn and position."""
        ...

    async def steps(self, run_id: str) -> tuple[RunStep, ...]:
        """All steps in order of creation, superseded ones too."""
        ...

    async def messages(self, run_id: str) -> tuple[Message, ...]:
        """The messages that the run's turns wrote, in order, superseded ones too."""
        ...

    async def start(self, lease: Lease, run_id: str) -> tuple[RunEvent, ...]:
        """Move a queued run to in_progress; any other status stays and gives no event."""
        ...

    async def begin_turn(self, lease: Lease, run_id: str) -> Turn:
        """Record that the next model turn begins."""
        ...

    async def begin_message(self, lease: Lease, turn: Turn) -> tuple[RunEvent, ...]:
        """Record the turn's message and its message_creation step, at the first text."""
        ...

    async def checkpoint(self, lease: Lease, message_id: str, text: str) -> None:
        """Keep the partial text of a message in progress; at most once a second."""
        ...

    async def finish_turn(
        self, lease: Lease, turn: Turn, result: TurnResult, calls: Sequence[PlannedCall]
    ) -> tuple[RunEvent, ...]:
        """Record a whole turn in one transaction: text, opaque items, usage, planned calls and their step.

        The turn's message becomes completed, except when `result.finish` is `length` or `content_filter`: then it stays
        open for `end`.
        """
        ...

    async def break_turn(self, lease: Lease, turn: Turn, error: str) -> tuple[RunEvent, ...]:
        """Record that a started turn broke: step failed, message incomplete, both superseded."""
        ...

    async def begin_call(self, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
        """Move a call to started (again, for a repeat that its effect allows) with the lease's fence."""
        ...

    async def end_call(self, lease: Lease, call: ToolCall, state: CallState, output: str) -> tuple[RunEvent, ...]:
        """Move a call to done, failed or unknown. The last call of a turn completes the turn's tool_calls step."""
        ...

    async def postpone(self, lease: Lease, run_id: str, seconds: float) -> None:
        """Let the run, and so its lane, rest for so long; `next_work` then gives None until it is due."""
        ...

    async def request_cancel(self, run_id: str) -> RunStatus | None:
        """Move an active run to cancelling. Not fenced: a person may press Stop at any time. Returns the status now."""
        ...

    async def end(self, lease: Lease, run_id: str, ending: Ending) -> tuple[RunEvent, ...]:
        """End a run, with everything that is still open in it, and sum up its usage."""
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

    async def add(self, filename: str, content: bytes, media_type: str, purpose: str = "assistants") -> File:
        """Store content under its SHA-256 and a file record that names it."""
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


class Store(Protocol):
    """The database, one attribute per aggregate."""

    intake: Intake
    lanes: Lanes
    runs: Runs
    history: History
    deliveries: Deliveries
    assistants: Assistants
    files: Files
    collections: Collections
    notes: Notes


# --- models -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What the engine has to know about the connected model."""

    name: str
    """Shown to people."""
    context_tokens: int
    """How many tokens a request and its answer may have together."""
    images: bool
    reads_authors: bool = True
    """Names of authors may stand before their words; a provider that reads commands wants the words as typed."""
    summarises: bool = True
    """It can condense a conversation; otherwise an extract has to do."""


class ModelClient(Protocol):
    """A model behind one of the wires."""

    traits: ModelTraits

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """One model turn. Tries again by itself only before the first event.

        Raises:
            ModelError: and its subclasses, see `bot.errors`.
            ModelRefusedAccess: key, permission or model name.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


# --- tools ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and for which call a tool runs."""

    person: Author | None
    run_id: str
    thread_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool call came to. `state` is done, failed, or unknown when it was cut off after it began."""

    state: CallState
    output: str


class Toolbox(Protocol):
    """The functions that the model may call."""

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        """What is offered to the model."""
        ...

    def effect(self, name: str) -> Effect:
        """The effect of a tool; `read` for a name that does not exist, since calling it does nothing."""
        ...

    def refuse(self, name: str, arguments: str) -> str | None:
        """Why this call must not be begun (unknown tool, broken or invalid arguments), as a text for the model."""
        ...

    async def run(self, name: str, arguments: str, asking: Asking) -> ToolOutcome:
        """Run one call within its time limit and output cap. Raises nothing but cancellation."""
        ...


# --- between engine and relay -----------------------------------------------------------------------------------


class RunSink(Protocol):
    """Who listens to one run while it is worked on."""

    async def prepare(self) -> None:
        """Before the first turn: take in files that came with the message."""
        ...

    def publish(self, event: RunEvent) -> None:
        """Something happened. Returns at once; nothing here may wait."""
        ...

    async def finish(self, run: Run) -> None:
        """The run ended: show its end and close the delivery. Called again after a crash until it succeeded once."""
        ...


class Outlet(Protocol):
    """Opens a sink for a run that somebody waits for."""

    def open(self, work: Work, lease: Lease) -> AbstractAsyncContextManager[RunSink]:
        """The sink lives as long as this process works on the run; leaving it early (crash, fence) loses nothing."""
        ...


class RunControl(Protocol):
    """What the chat may ask of the engine."""

    @property
    def alive(self) -> bool:
        """Whether this process still holds its lanes.

        Look before every request to a chat platform: a process that was frozen longer than its lease must not speak,
        because another one has taken over.
        """
        ...

    async def cancel(self, run_id: str) -> RunStatus | None:
        """Stop a run as soon as possible. Returns its status now, None when there is no such run."""
        ...
