"""Runs with their turns, steps, messages and tool calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.events import RunEvent
from bot.domain.lanes import Lease
from bot.domain.messages import Message
from bot.domain.runs import LastError, Run, RunStatus
from bot.domain.steps import CallState, Decision, Effect, RunStep, ToolCall
from bot.domain.turns import Turn, TurnResult


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

    async def start(self, lease: Lease, run_id: str, now: float | None = None) -> tuple[RunEvent, ...]:
        """Move a queued run to in_progress; any other status stays and gives no event.

        With `now` (Unix seconds by the database's clock) the time of a run that starts for the first time begins then.
        """
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

    async def wait_for_decision(self, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
        """Move a run to requires_action because a person has to say what became of this call.

        Nothing happens, and there is no event, when the run is no longer in progress or the call is not undecided any
        more: `decide` was quicker. Other calls do not matter: nobody has been asked about them yet.
        """
        ...

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        """Write a person's decision down with the call and let the run go on: requires_action becomes queued.

        Not fenced: a person may press a button at any time. `call` is `ToolCall.interruption`, `by` the person's name,
        which stays with the run (`Run.decisions`).

        Returns False when the call is not waiting for a decision: the first one stands.
        """
        ...

    async def cancelling(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Which of these runs somebody wants to stop."""
        ...

    async def wait_for_stop(self, seconds: float) -> None:
        """Return as soon as somebody, in whichever process, wants to stop a run, or after `seconds`."""
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
