"""Model turns: begun, written down whole, or broken."""

import time
from collections.abc import Sequence

from sqlalchemy import and_, bindparam, insert, select, update

from bot.domain.events import MessageChanged, MessageCreated, RunEvent, StepChanged, StepCreated
from bot.domain.ids import new_id
from bot.domain.lanes import Lease
from bot.domain.messages import Message, MessageStatus, Part, RefusalPart, TextPart
from bot.domain.runs import Run
from bot.domain.steps import CallState, MessageCreation, RunStep, StepDetails, StepStatus, ToolCall, ToolCalls
from bot.domain.turns import FinishReason, Turn, TurnResult, TurnState
from bot.errors import IllegalTransition
from bot.ports import PlannedCall
from bot.store.connections import Transaction
from bot.store.current import (
    amend,
    complete_step,
    end_turn,
    move_message,
    move_step,
    open_message,
    open_messages,
    open_steps,
    the_started_turn,
    the_working_run,
)
from bot.store.rows import change, store, values
from bot.store.schema import messages, run_steps, tool_calls, turns
from bot.store.text import clean

_ANSWER = 1
_LAST_TURN = (
    select(turns.c.number, turns.c.state, open_messages(bindparam("run")).exists().label("message_is_open"))
    .where(turns.c.run_id == bindparam("run"))
    .order_by(turns.c.number.desc())
    .limit(1)
)
_CUT_OFF = {FinishReason.LENGTH, FinishReason.CONTENT_FILTER}


async def begin(tx: Transaction, lease: Lease, run_id: str) -> Turn:
    """Number and record the next turn.

    Raises:
        IllegalTransition: the run is not being worked on, another of its turns still goes on, or the last one was cut
            off and its message waits for the run's end.
    """
    run = await the_working_run(tx, lease, run_id)
    last = (await tx.execute(_LAST_TURN, {"run": run.id})).first()
    if last is not None and last.state == TurnState.STARTED:
        raise IllegalTransition(f"Turn {last.number} of {run.id} still goes on.")
    if last is not None and last.message_is_open:
        raise IllegalTransition(f"A message of {run.id} is still open.")
    turn = Turn(run_id=run.id, number=1 if last is None else last.number + 1, state=TurnState.STARTED)
    await store(tx, turns, turn)
    return turn


async def begin_message(tx: Transaction, lease: Lease, turn: Turn) -> tuple[RunEvent, ...]:
    """Record the turn's message and its step, both in progress. A message that is there already gives no event."""
    run = await the_working_run(tx, lease, turn.run_id)
    turn = await the_started_turn(tx, turn)
    return () if turn.message_id is not None else (await _create_message(tx, run, turn))[1]


async def checkpoint(tx: Transaction, message_id: str, text: str) -> None:
    """Keep partial text; nothing happens when the message has ended meanwhile."""
    where = (messages.c.id == message_id, messages.c.status == MessageStatus.IN_PROGRESS)
    await tx.execute(update(messages).where(*where).values(content=(TextPart(value=text),)))


async def finish(
    tx: Transaction, lease: Lease, turn: Turn, result: TurnResult, calls: Sequence[PlannedCall]
) -> tuple[RunEvent, ...]:
    """Record a whole turn."""
    run = await the_working_run(tx, lease, turn.run_id)
    opaque = tuple(clean(item) for item in result.opaque)
    turn = await end_turn(tx, turn, TurnState.DONE, opaque=opaque, finish=result.finish, usage=result.usage)
    turn, happened = await _write_message(tx, run, turn, result)
    if calls:
        happened = (*happened, await _plan_calls(tx, run, turn, calls))
    return happened


async def break_off(tx: Transaction, lease: Lease, turn: Turn, error: str) -> tuple[RunEvent, ...]:
    """Record that a turn broke: what it wrote is superseded."""
    await the_working_run(tx, lease, turn.run_id)
    turn = await end_turn(tx, turn, TurnState.FAILED, error=clean(error))
    happened: list[RunEvent] = []
    message = await open_message(tx, turn.run_id)
    if message is not None:
        incomplete = MessageStatus.INCOMPLETE
        message = await move_message(tx, message, incomplete, incomplete_reason="run_failed", superseded=True)
        happened.append(MessageChanged(message))
    for step in await open_steps(tx, turn.run_id, run_steps.c.turn == turn.number):
        failed = await move_step(tx, step, StepStatus.FAILED, ended_at=int(time.time()), superseded=True)
        happened.append(StepChanged(failed))
    return tuple(happened)


async def _create_message(tx: Transaction, run: Run, turn: Turn) -> tuple[Turn, tuple[RunEvent, ...]]:
    message = Message(
        id=new_id("msg_"),
        created_at=int(time.time()),
        thread_id=run.thread_id,
        role="assistant",
        status=MessageStatus.IN_PROGRESS,
        assistant_id=run.assistant_id,
        run_id=run.id,
    )
    await store(tx, messages, message, run_seq=run.seq, place=_ANSWER)
    step = await _create_step(tx, run, turn, MessageCreation(message_id=message.id))
    where = and_(turns.c.run_id == turn.run_id, turns.c.number == turn.number)
    turn = await amend(tx, turns, turn, where, message_id=message.id)
    return turn, (StepCreated(step), MessageCreated(message))


async def _create_step(tx: Transaction, run: Run, turn: Turn, details: StepDetails) -> RunStep:
    step = RunStep(
        id=new_id("step_"),
        created_at=int(time.time()),
        run_id=run.id,
        thread_id=run.thread_id,
        assistant_id=run.assistant_id,
        turn=turn.number,
        status=StepStatus.IN_PROGRESS,
        details=details,
    )
    await store(tx, run_steps, step, kind=details.type)
    return step


async def _write_message(
    tx: Transaction, run: Run, turn: Turn, result: TurnResult
) -> tuple[Turn, tuple[RunEvent, ...]]:
    happened: tuple[RunEvent, ...] = ()
    if turn.message_id is None and (result.text or result.refusal):
        turn, happened = await _create_message(tx, run, turn)
    if turn.message_id is None:
        return turn, happened
    content = _content(result)
    if result.finish in _CUT_OFF:
        await tx.execute(update(messages).where(messages.c.id == turn.message_id).values(content=content))
        return turn, happened
    where = and_(messages.c.id == turn.message_id, messages.c.status == MessageStatus.IN_PROGRESS)
    message = await change(tx, messages, Message, where, status=MessageStatus.COMPLETED, content=content)
    step = await complete_step(tx, turn, "message_creation", result.usage)
    return turn, (*happened, MessageChanged(message), StepChanged(step))


def _content(result: TurnResult) -> tuple[Part, ...]:
    text = (TextPart(value=clean(result.text)),) if result.text or not result.refusal else ()
    refusal = (RefusalPart(refusal=clean(result.refusal)),) if result.refusal else ()
    return (*text, *refusal)


async def _plan_calls(tx: Transaction, run: Run, turn: Turn, calls: Sequence[PlannedCall]) -> StepCreated:
    planned = [
        ToolCall(
            run_id=run.id,
            turn=turn.number,
            position=position,
            id=new_id("call_"),
            provider_call_id=call.call_id,
            name=call.name,
            arguments=call.arguments,
            extra=call.extra,
            effect=call.effect,
            state=CallState.PLANNED,
        )
        for position, call in enumerate(calls)
    ]
    await tx.execute(insert(tool_calls), [values(call) for call in planned])
    return StepCreated(await _create_step(tx, run, turn, ToolCalls()))
