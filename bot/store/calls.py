"""The ledger of tool calls: intent before the call, outcome after it."""

from sqlalchemy import and_, bindparam, exists, select, update
from sqlalchemy.exc import NoResultFound

from bot.domain.events import CallChanged, RunEvent, StepChanged
from bot.domain.lanes import Lease
from bot.domain.steps import CALL_MOVES, OPEN_CALLS, CallState, Decision, Effect, ToolCall
from bot.domain.turns import Turn
from bot.errors import IllegalTransition
from bot.store.connections import Transaction
from bot.store.current import complete_step, the_working_run
from bot.store.rows import change, record
from bot.store.schema import tool_calls, turns
from bot.store.text import clean

_FINISHED_TURN = select(turns).where(
    turns.c.run_id == bindparam("run"),
    turns.c.number == bindparam("turn"),
    ~exists().where(
        tool_calls.c.run_id == turns.c.run_id,
        tool_calls.c.turn == turns.c.number,
        tool_calls.c.state.in_(sorted(OPEN_CALLS)),
    ),
)
"""The turn, if none of its calls is open."""
_INTERRUPTED = (
    tool_calls.c.state == CallState.STARTED,
    tool_calls.c.effect == Effect.ONCE,
    tool_calls.c.decision.is_(None),
)
"""`ToolCall.interrupted`, and nobody has decided."""
_NOT_RUN = "This call was not carried out: the run ended first."
_UNKNOWN = "The run ended while this call was being carried out; whether it took effect is not known."


async def begin(tx: Transaction, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
    """Write down that the call is about to be made, by whom, and that it is once more."""
    await the_working_run(tx, lease, call.run_id)
    begun = {"started_fence": lease.fence, "begins": tool_calls.c.begins + 1, "decision": None}
    return (CallChanged(await _move(tx, call, CallState.STARTED, **begun)),)


async def end(tx: Transaction, lease: Lease, call: ToolCall, state: CallState, output: str) -> tuple[RunEvent, ...]:
    """Write down what came of it; the last call of a turn completes the turn's step."""
    await the_working_run(tx, lease, call.run_id)
    call = await _move(tx, call, state, output=clean(output))
    row = (await tx.execute(_FINISHED_TURN, {"run": call.run_id, "turn": call.turn})).mappings().first()
    if row is None:
        return (CallChanged(call),)
    turn = record(Turn, row)
    usage = turn.usage if turn.message_id is None else None  # else the message's step has it
    return (CallChanged(call), StepChanged(await complete_step(tx, turn, "tool_calls", usage)))


async def undecided(tx: Transaction, call: ToolCall) -> bool:
    """Whether the call was interrupted and nobody has said yet what became of it."""
    place = (tool_calls.c.run_id == call.run_id, tool_calls.c.turn == call.turn, tool_calls.c.position == call.position)
    return (await tx.execute(select(tool_calls.c.id).where(*place, *_INTERRUPTED))).first() is not None


async def decide(tx: Transaction, run_id: str, turn: int, position: int, begins: int, decision: Decision) -> bool:
    """Write down what a person says. Returns False when the call does not wait for that."""
    place = (tool_calls.c.run_id == run_id, tool_calls.c.turn == turn, tool_calls.c.position == position)
    statement = update(tool_calls).where(*place, tool_calls.c.begins == begins, *_INTERRUPTED).values(decision=decision)
    return (await tx.execute(statement.returning(tool_calls.c.id))).first() is not None


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
    allowed = [before for before, after in CALL_MOVES.items() if state in after]
    try:
        return await change(
            tx, tool_calls, ToolCall, and_(key, tool_calls.c.state.in_(allowed)), state=state, **changes
        )
    except NoResultFound:
        found = (await tx.execute(select(tool_calls.c.state).where(key))).scalar_one()
        raise IllegalTransition(f"A tool call cannot go from {found} to {state}.") from None
