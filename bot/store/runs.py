"""Runs with their turns, steps, messages and tool calls; every write but a person's stop checks the lane."""

import time
from collections.abc import Sequence

from sqlalchemy import select, text

from bot.domain.events import RunChanged, RunEvent
from bot.domain.lanes import Lease
from bot.domain.messages import Message
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import CallState, RunStep, ToolCall
from bot.domain.turns import Turn, TurnResult
from bot.ports import Ending, PlannedCall
from bot.store import calls, endings, turns
from bot.store.connections import Engines, Transaction
from bot.store.current import move_run, the_run
from bot.store.lanes import Bell, dialect, hold
from bot.store.rows import record, records
from bot.store.schema import ACTIVE_RUN, messages, run_steps, runs, tool_calls
from bot.store.schema import turns as turn_table
from bot.store.transactions import reading, writing

_CANCELLABLE = {RunStatus.QUEUED, RunStatus.IN_PROGRESS, RunStatus.REQUIRES_ACTION}


class Runs:
    """`bot.ports.Runs` on both databases."""

    def __init__(self, engines: Engines, bell: Bell) -> None:
        """Use these connections and wake this process by this bell."""
        self.engines = engines
        self._bell = bell
        self._sql = dialect(engines)

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
    async def start(self, tx: Transaction, lease: Lease, run_id: str) -> tuple[RunEvent, ...]:
        """Move a queued run to in_progress; any other status stays and gives no event."""
        run = await the_run(tx, lease, run_id)
        if run.status is not RunStatus.QUEUED:
            return ()
        started_at = int(time.time()) if run.started_at is None else run.started_at
        return (RunChanged(await move_run(tx, run, RunStatus.IN_PROGRESS, started_at=started_at)),)

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

    # --- stopping ---

    async def request_cancel(self, run_id: str) -> RunStatus | None:
        """Move an active run to cancelling. Returns the status now."""
        status = await self._request_cancel(run_id)
        self._bell.ring()
        return status

    @writing
    async def _request_cancel(self, tx: Transaction, run_id: str) -> RunStatus | None:
        thread = (await tx.execute(select(runs.c.thread_id).where(runs.c.id == run_id))).scalar_one_or_none()
        if thread is None:
            return None
        await tx.execute(self._sql.wake_lane, {"thread": thread})  # locks it: nobody changes the run now
        run = record(Run, (await tx.execute(select(runs).where(runs.c.id == run_id))).mappings().one())
        if run.status in _CANCELLABLE:
            run = await move_run(tx, run, RunStatus.CANCELLING, due=True)
        return run.status
