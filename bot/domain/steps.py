"""Run steps as the Assistants API shows them, and the ledger of tool calls behind them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.domain.record import Record
from bot.domain.runs import LastError, Usage


class StepStatus(StrEnum):
    """Where a run step is."""

    IN_PROGRESS = "in_progress"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    EXPIRED = "expired"


STEP_MOVES: dict[StepStatus, frozenset[StepStatus]] = {
    StepStatus.IN_PROGRESS: frozenset(
        {StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.EXPIRED}
    ),
    StepStatus.COMPLETED: frozenset(),
    StepStatus.FAILED: frozenset(),
    StepStatus.CANCELLED: frozenset(),
    StepStatus.EXPIRED: frozenset(),
}


class Effect(StrEnum):
    """What running a tool twice would do."""

    READ = "read"
    """Nothing: it only looks."""
    IDEMPOTENT = "idempotent"
    """Nothing more, as long as the idempotency key is the same."""
    ONCE = "once"
    """Harm: it is never begun a second time."""


class CallState(StrEnum):
    """Where a tool call is in the ledger."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was begun and nobody knows whether it took effect; never begun again when its effect is `once`."""


INTERRUPTION = r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}"
"""What `ToolCall.interruption` looks like, as a regular expression: for whoever gets it back out of a button."""


class Decision(StrEnum):
    """What a person says about a call whose outcome nobody knows."""

    WORKED = "worked"
    AGAIN = "again"
    SKIP = "skip"


CALL_MOVES: dict[CallState, frozenset[CallState]] = {
    CallState.PLANNED: frozenset({CallState.STARTED, CallState.FAILED}),
    CallState.STARTED: frozenset({CallState.STARTED, CallState.DONE, CallState.FAILED, CallState.UNKNOWN}),
    CallState.DONE: frozenset(),
    CallState.FAILED: frozenset(),
    CallState.UNKNOWN: frozenset(),
}

OPEN_CALLS = frozenset(state for state, moves in CALL_MOVES.items() if moves)
"""States in which something has still to be done about a call."""


class ToolCall(Record):
    """One call that a model turn asked for. Its key is (run, turn, position); the provider's id is data."""

    run_id: str
    turn: int
    position: int
    id: str
    """Our own id, shown by the Assistants API."""
    provider_call_id: str
    """What the provider called it: may be empty or repeated."""
    name: str
    arguments: str
    """The JSON text as the model wrote it, valid or not."""
    extra: dict[str, str] = Field(default_factory=dict)
    """Unknown keys of the provider's call as JSON texts, sent back verbatim (Gemini's thought signatures)."""
    effect: Effect
    state: CallState
    output: str | None = None
    started_fence: int | None = None
    begins: int = 0
    """How often it was begun, in all processes together."""
    decision: Decision | None = None
    """What a person said after it was interrupted; forgotten when it is begun again."""

    @property
    def place(self) -> str:
        """Where it stands in its run: the number of the turn, a point, the position."""
        return f"{self.turn}.{self.position}"

    @property
    def interruption(self) -> str:
        """Names the question what became of it: its place, and how often it was begun until then.

        So the answer to an earlier question decides nothing about a later interruption of the same call.
        """
        return f"{self.place}.{self.begins}"

    @property
    def running(self) -> bool:
        """Whether it may be being carried out now, as far as the ledger knows.

        One that a person declared done, or wants to skip, only waits for that to be written down.
        """
        return self.state is CallState.STARTED and self.decision in {None, Decision.AGAIN}

    @property
    def interrupted(self) -> bool:
        """Whether it was begun, may have taken effect, and must not be begun again without a person's word."""
        return self.state is CallState.STARTED and self.effect is Effect.ONCE

    @property
    def idempotency_key(self) -> str:
        """The same for every try of this call, after a crash too."""
        return f"{self.run_id}:{self.turn}:{self.position}"


class MessageCreation(Record):
    """The step wrote a message."""

    type: Literal["message_creation"] = "message_creation"
    message_id: str


class ToolCalls(Record):
    """The step called tools; the calls themselves are in the ledger under the step's run and turn."""

    type: Literal["tool_calls"] = "tool_calls"


StepDetails = Annotated[MessageCreation | ToolCalls, Field(discriminator="type")]


class RunStep(Record):
    """One step of a run as the Assistants API lists it."""

    id: str
    created_at: int
    run_id: str
    thread_id: str
    assistant_id: str
    turn: int
    """Number of the model turn that it belongs to."""
    status: StepStatus
    details: StepDetails
    last_error: LastError | None = None
    ended_at: int | None = None
    """When it completed, failed, was cancelled or expired, whichever its status says."""
    usage: Usage | None = None
    superseded: bool = False
    """It belongs to a model turn that broke and was asked again; the HTTP surface does not list it."""
