"""Runs with their turns, steps, messages and tool calls. Every write checks the lane, except what a person asks for."""

import re
import time
from collections.abc import Sequence

from sqlalchemy import TextClause, select, text, update

from bot.domain.events import RunChanged, RunEvent
from bot.domain.lanes import Lease
from bot.domain.messages import Message
from bot.domain.runs import DECIDED, Run, RunStatus
from bot.domain.steps import INTERRUPTION, CallState, Decision, RunStep, ToolCall
from bot.domain.turns import Turn, TurnResult
from bot.ports import Ending, PlannedCall
from bot.store import calls, endings, turns
from bot.store.bells import Bells
from bot.store.connections import Engines, Transaction
from bot.store.current import move_run, the_run
from bot.store.lanes import hold
from bot.store.rows import record, records
from bot.store.schema import ACTIVE_RUN, messages, run_steps, runs, tool_calls
from bot.store.schema import turns as turn_table
from bot.store.statements import statements
from bot.store.transactions import reading, writing

_CANCELLABLE = {RunStatus.QUEUED, RunStatus.IN_PROGRESS, RunStatus.REQUIRES_ACTION}
_DECIDABLE = _CANCELLABLE
"""Queued too: another call of the run was decided a moment ago."""
_MOST_METADATA = 16
_LONGEST_VALUE = 512
"""The limits of the Assistants API."""
_NAMED = re.compile(INTERRUPTION)
"""In numbers that every database takes."""


class Runs:
    """`bot.ports.Runs` on both databases."""

    def __init__(self, engines: Engines, bells: Bells) -> None:
        """Use these connections and wake this process by these bells."""
        self.engines = engines
        self._bells = bells
        self._sql = statements(postgres=engines.postgres)

    # --- looking ---

    @reading
    async def get(self, tx: Transaction, run_id: str) -> Run | None:
        """One run."""
        row = (await tx.execute(select(runs).where(runs.c.id == run_id))).mappings().first()
        return None if row is None else record(Run, row)

    @reading
    async def active(self, tx: Transaction, thread_id: str) -> tuple[Run, ...]:
        """All runs of a thread that have not ended, in order of acceptance."""
        query = select(runs).where(runs.c.thread_id == thread_id, text(ACTIVE_RUN)).order_by(runs.c.seq)
        return records(Run, (await tx.execute(query)).mappings())

    @reading
    async def turns(self, tx: Transaction, run_id: str) -> tuple[Turn, ...]:
        """All turns in order, failed ones too."""
        query = select(turn_table).where(turn_table.c.run_id == run_id).order_by(turn_table.c.number)
        return records(Turn, (await tx.execute(query)).mappings())

    @reading
    async def calls(self, tx: Transaction, run_id: str) -> tuple[ToolCall, ...]:
        """The run's ledger, in order of turn and position."""
        query = select(tool_calls).where(tool_calls.c.run_id == run_id)
        query = query.order_by(tool_calls.c.turn, tool_calls.c.position)
        return records(ToolCall, (await tx.execute(query)).mappings())

    @reading
    async def steps(self, tx: Transaction, run_id: str) -> tuple[RunStep, ...]:
        """All steps in order of creation, superseded ones too."""
        query = select(run_steps).where(run_steps.c.run_id == run_id).order_by(run_steps.c.seq)
        return records(RunStep, (await tx.execute(query)).mappings())

    @reading
    async def messages(self, tx: Transaction, run_id: str) -> tuple[Message, ...]:
        """The messages that the run's turns wrote, in order, superseded ones too."""
        query = select(messages).where(messages.c.run_id == run_id, messages.c.role == "assistant")
        return records(Message, (await tx.execute(query.order_by(messages.c.seq))).mappings())

    # --- working ---

    @writing
    async def start(self, tx: Transaction, lease: Lease, run_id: str, now: float | None = None) -> tuple[RunEvent, ...]:
        """Move a queued run to in_progress; any other status stays and gives no event."""
        run = await the_run(tx, lease, run_id)
        if run.status is not RunStatus.QUEUED:
            return ()
        if run.started_at is not None:
            return (RunChanged(await move_run(tx, run, RunStatus.IN_PROGRESS)),)
        begun = await move_run(tx, run, RunStatus.IN_PROGRESS, started_at=int(time.time()), expires_at=_end(run, now))
        return (RunChanged(begun),)

    @writing
    async def begin_turn(self, tx: Transaction, lease: Lease, run_id: str) -> Turn:
        """Record that the next model turn begins."""
        return await turns.begin(tx, lease, run_id)

    @writing
    async def begin_message(self, tx: Transaction, lease: Lease, turn: Turn) -> tuple[RunEvent, ...]:
        """Record the turn's message and its message_creation step, at the first text."""
        return await turns.begin_message(tx, lease, turn)

    @writing
    async def checkpoint(self, tx: Transaction, lease: Lease, message_id: str, text: str) -> None:
        """Keep the partial text of a message in progress."""
        await hold(tx, lease)
        await turns.checkpoint(tx, message_id, text)

    @writing
    async def finish_turn(
        self, tx: Transaction, lease: Lease, turn: Turn, result: TurnResult, calls: Sequence[PlannedCall]
    ) -> tuple[RunEvent, ...]:
        """Record a whole turn in one transaction."""
        return await turns.finish(tx, lease, turn, result, calls)

    @writing
    async def break_turn(self, tx: Transaction, lease: Lease, turn: Turn, error: str) -> tuple[RunEvent, ...]:
        """Record that a started turn broke: step failed, message incomplete, both superseded."""
        return await turns.break_off(tx, lease, turn, error)

    @writing
    async def begin_call(self, tx: Transaction, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
        """Move a call to started with the lease's fence."""
        return await calls.begin(tx, lease, call)

    @writing
    async def end_call(
        self, tx: Transaction, lease: Lease, call: ToolCall, state: CallState, output: str
    ) -> tuple[RunEvent, ...]:
        """Move a call to done, failed or unknown."""
        return await calls.end(tx, lease, call, state, output)

    @writing
    async def postpone(self, tx: Transaction, lease: Lease, run_id: str, seconds: float) -> None:
        """Let the run, and so its lane, rest for so long."""
        await hold(tx, lease)
        await tx.execute(self._sql.postpone, {"run": run_id, "thread": lease.thread_id, "seconds": seconds})

    @writing
    async def end(self, tx: Transaction, lease: Lease, run_id: str, ending: Ending) -> tuple[RunEvent, ...]:
        """End a run, with everything that is still open in it, and sum up its usage."""
        return await endings.end(tx, lease, run_id, ending)

    # --- deciding and stopping ---

    @writing
    async def wait_for_decision(self, tx: Transaction, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
        """Move a run to requires_action because a person has to say what became of this call."""
        run = await the_run(tx, lease, call.run_id)
        if run.status is not RunStatus.IN_PROGRESS or not await calls.undecided(tx, call):
            return ()
        return (RunChanged(await move_run(tx, run, RunStatus.REQUIRES_ACTION)),)

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        """Write a person's decision down with the call and let the run go on."""
        if _NAMED.fullmatch(call) is None:  # it comes out of a button
            return False
        if not await self._decide(run_id, *map(int, call.split(".")), decision=decision, by=by):
            return False
        self._bells.lanes.ring()
        return True

    @writing
    async def _decide(
        self, tx: Transaction, run_id: str, turn: int, position: int, begins: int, *, decision: Decision, by: str
    ) -> bool:
        run = await self._locked(tx, run_id, self._sql.wake_lane)
        if run is None or run.status not in _DECIDABLE:
            return False
        if not await calls.decide(tx, run_id, turn, position, begins, decision):
            return False
        metadata = _with_decision(run, f"{turn}.{position}.{begins}", decision, by)
        if run.status is RunStatus.REQUIRES_ACTION:
            await move_run(tx, run, RunStatus.QUEUED, due=True, metadata=metadata)
        else:
            await tx.execute(update(runs).where(runs.c.id == run_id).values(metadata=metadata))
        return True

    async def request_cancel(self, run_id: str) -> RunStatus | None:
        """Move an active run to cancelling. Returns the status now."""
        status = await self._request_cancel(run_id)
        self._bells.ring_all()
        return status

    @writing
    async def _request_cancel(self, tx: Transaction, run_id: str) -> RunStatus | None:
        run = await self._locked(tx, run_id, self._sql.stop_lane)
        if run is not None and run.status in _CANCELLABLE:
            run = await move_run(tx, run, RunStatus.CANCELLING, due=True)
        return None if run is None else run.status

    @reading
    async def cancelling(self, tx: Transaction, run_ids: Sequence[str]) -> frozenset[str]:
        """Which of these runs somebody wants to stop."""
        query = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.status == RunStatus.CANCELLING)
        return frozenset((await tx.execute(query)).scalars())

    async def wait_for_stop(self, seconds: float) -> None:
        """Return as soon as somebody wants to stop a run, or after `seconds`. One task of a process at a time."""
        await self._bells.stops.wait(seconds)
        self._bells.stops.silence()  # before the look that follows, so none gets lost, and this returns once a stop

    async def _locked(self, tx: Transaction, run_id: str, wake: TextClause) -> Run | None:
        """The run, with its lane awake, and locked: nobody changes the run now."""
        thread = (await tx.execute(select(runs.c.thread_id).where(runs.c.id == run_id))).scalar_one_or_none()
        if thread is None:
            return None
        await tx.execute(wake, {"thread": thread, "teller": self.engines.teller})
        row = (await tx.execute(select(runs).where(runs.c.id == run_id))).mappings().first()
        return None if row is None else record(Run, row)


def _with_decision(run: Run, call: str, decision: Decision, by: str) -> dict[str, str]:
    """The run's metadata with a person's decision, as long as there is room for it."""
    if len(run.metadata) >= _MOST_METADATA:
        return run.metadata
    return {**run.metadata, f"{DECIDED}{call}": f"{decision} {by}"[:_LONGEST_VALUE]}


def _end(run: Run, now: float | None) -> int | None:
    """When the time of a run that begins now is over."""
    if now is None or run.expires_at is None:
        return run.expires_at
    return int(now) + run.expires_at - run.created_at
