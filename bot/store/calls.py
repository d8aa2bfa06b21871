"""The ledger of tool calls: intent before the call, outcome after it."""

import time

from sqlalchemy import and_, select

from bot.domain.events import CallChanged, RunEvent, StepChanged
from bot.domain.lanes import Lease
from bot.domain.steps import CALL_MOVES, CallState, Effect, StepStatus, ToolCall
from bot.domain.turns import Turn
from bot.errors import IllegalTransition
from bot.store.connections import Transaction
from bot.store.current import amend, move_step, open_steps, the_working_run
from bot.store.rows import record
from bot.store.schema import run_steps, tool_calls, turns
from bot.store.text import clean

OPEN_CALLS = frozenset({CallState.PLANNED, CallState.STARTED})
_NOT_RUN = "This call was not carried out: the run ended first."
_UNKNOWN = "The run ended while this call was being carried out; whether it took effect is not known."


async def begin(tx: Transaction, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
    """Write down that the call is about to be made, by whom."""
    await the_working_run(tx, lease, call.run_id)
    return (CallChanged(await _move(tx, call, CallState.STARTED, started_fence=lease.fence)),)


async def end(tx: Transaction, lease: Lease, call: ToolCall, state: CallState, output: str) -> tuple[RunEvent, ...]:
    """Write down what came of it; the last call of a turn completes the turn's step."""
    await the_working_run(tx, lease, call.run_id)
    call = await _move(tx, call, state, output=clean(output))
    still_open = select(tool_calls.c.position).where(
        tool_calls.c.run_id == call.run_id, tool_calls.c.turn == call.turn, tool_calls.c.state.in_(OPEN_CALLS)
    )
    if (await tx.execute(still_open.limit(1))).first() is not None:
        return (CallChanged(call),)
    return (CallChanged(call), await _complete_step(tx, call))


async def settle(tx: Transaction, run_id: str) -> tuple[RunEvent, ...]:
    """Settle the calls of a run that ends: nobody will carry them out any more."""
    query = select(tool_calls).where(tool_calls.c.run_id == run_id, tool_calls.c.state.in_(OPEN_CALLS))
    rows = (await tx.execute(query.order_by(tool_calls.c.turn, tool_calls.c.position))).mappings().all()
    return tuple([CallChanged(await _settle(tx, record(ToolCall, row))) for row in rows])


async def _settle(tx: Transaction, call: ToolCall) -> ToolCall:
    if call.state is CallState.STARTED and call.effect is Effect.ONCE:
        return await _move(tx, call, CallState.UNKNOWN, output=_UNKNOWN)
    return await _move(tx, call, CallState.FAILED, output=_NOT_RUN)


async def _move(tx: Transaction, call: ToolCall, state: CallState, **changes: object) -> ToolCall:
    key = and_(
        tool_calls.c.run_id == call.run_id,
        tool_calls.c.turn == call.turn,
        tool_calls.c.position == call.position,
    )
    stored = record(ToolCall, (await tx.execute(select(tool_calls).where(key))).mappings().one())
    if state not in CALL_MOVES[stored.state]:
        raise IllegalTransition(f"A tool call cannot go from {stored.state} to {state}.")
    return await amend(tx, tool_calls, stored, key, state=state, **changes)


async def _complete_step(tx: Transaction, call: ToolCall) -> StepChanged:
    of_turn = (run_steps.c.turn == call.turn, run_steps.c.kind == "tool_calls")
    (step,) = await open_steps(tx, call.run_id, *of_turn)
    row = await tx.execute(select(turns).where(turns.c.run_id == call.run_id, turns.c.number == call.turn))
    turn = record(Turn, row.mappings().one())
    usage = turn.usage if turn.message_id is None else None  # else the message's step has it
    return StepChanged(await move_step(tx, step, StepStatus.COMPLETED, ended_at=int(time.time()), usage=usage))
