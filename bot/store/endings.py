"""The end of a run, with everything that is still open in it, in one transaction."""

import time
from dataclasses import replace

from sqlalchemy import select

from bot.domain.events import MessageChanged, RunChanged, RunEvent, StepChanged
from bot.domain.lanes import Lease
from bot.domain.messages import IncompleteReason, Message, MessageStatus, TextPart
from bot.domain.runs import Run, RunStatus, check_move, total_usage
from bot.domain.steps import StepStatus
from bot.domain.turns import Turn, TurnState
from bot.errors import IllegalTransition
from bot.ports import Ending
from bot.store import calls
from bot.store.connections import Transaction
from bot.store.current import end_turn, move_message, move_run, move_step, open_message, open_steps, the_run
from bot.store.rows import records
from bot.store.schema import turns
from bot.store.text import clean

_MESSAGE_REASONS: dict[RunStatus, IncompleteReason] = {
    RunStatus.CANCELLED: "run_cancelled",
    RunStatus.EXPIRED: "run_expired",
    RunStatus.FAILED: "run_failed",
    RunStatus.INCOMPLETE: "max_tokens",
}
_STEP_STATUSES = {
    RunStatus.CANCELLED: StepStatus.CANCELLED,
    RunStatus.EXPIRED: StepStatus.EXPIRED,
    RunStatus.FAILED: StepStatus.FAILED,
    RunStatus.INCOMPLETE: StepStatus.FAILED,
}
_MOMENTS = {
    RunStatus.COMPLETED: "completed_at",
    RunStatus.CANCELLED: "cancelled_at",
    RunStatus.FAILED: "failed_at",
}


async def end(tx: Transaction, lease: Lease, run_id: str, ending: Ending) -> tuple[RunEvent, ...]:
    """End the run.

    Raises:
        IllegalTransition: the run cannot end like this, or would be completed with something still open.
    """
    run, ending = await the_run(tx, lease, run_id), _cleaned(ending)
    status = _status(run, ending)
    check_move(run.status, status)
    message, steps = await open_message(tx, run_id), await open_steps(tx, run_id)
    if status is RunStatus.COMPLETED and (message is not None or steps):
        raise IllegalTransition(f"{run_id} cannot be completed: a message or step of it is still open.")
    happened: list[RunEvent] = []
    if message is not None:
        happened.append(MessageChanged(await _end_message(tx, message, status, ending)))
    happened += await calls.settle(tx, run_id)
    for step in steps:
        ended = {"ended_at": int(time.time()), "last_error": ending.last_error}
        happened.append(StepChanged(await move_step(tx, step, _STEP_STATUSES[status], **ended)))
    happened.append(RunChanged(await _end_run(tx, run, status, ending)))
    return tuple(happened)


def _cleaned(ending: Ending) -> Ending:
    if ending.last_error is None:
        return ending
    error = ending.last_error.model_copy(update={"message": clean(ending.last_error.message)})
    return replace(ending, last_error=error)


def _status(run: Run, ending: Ending) -> RunStatus:
    """A stop that came while the run was ending incomplete wins: there is no way from cancelling to incomplete."""
    if run.status is RunStatus.CANCELLING and ending.status is RunStatus.INCOMPLETE:
        return RunStatus.CANCELLED
    return ending.status


async def _end_message(tx: Transaction, message: Message, status: RunStatus, ending: Ending) -> Message:
    changes: dict[str, object] = {"incomplete_reason": ending.message_reason or _MESSAGE_REASONS[status]}
    if ending.open_text is not None:
        changes["content"] = (TextPart(value=clean(ending.open_text)),)
    return await move_message(tx, message, MessageStatus.INCOMPLETE, **changes)


async def _end_run(tx: Transaction, run: Run, status: RunStatus, ending: Ending) -> Run:
    query = select(turns).where(turns.c.run_id == run.id).order_by(turns.c.number)
    all_turns = records(Turn, (await tx.execute(query)).mappings())
    for turn in all_turns:
        if turn.state is TurnState.STARTED:
            await end_turn(tx, turn, TurnState.FAILED, error=f"The run ended: {status}.")
    changes: dict[str, object] = {"usage": total_usage(turn.usage for turn in all_turns)}
    if status in _MOMENTS:
        changes[_MOMENTS[status]] = int(time.time())
    if ending.last_error is not None:
        changes["last_error"] = ending.last_error
    if status is RunStatus.INCOMPLETE:
        changes["incomplete_reason"] = ending.incomplete_reason
    return await move_run(tx, run, status, due=True, **changes)
