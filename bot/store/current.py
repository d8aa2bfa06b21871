"""Reading and changing what belongs to a run, inside a transaction that `the_run` makes hold its lane."""

import time
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Select, Table, and_, select, update
from sqlalchemy.exc import NoResultFound

from bot.domain.lanes import Lease
from bot.domain.messages import MESSAGE_MOVES, Message, MessageStatus
from bot.domain.record import Record
from bot.domain.runs import Run, RunStatus, Usage, check_move
from bot.domain.steps import STEP_MOVES, RunStep, StepStatus
from bot.domain.turns import Turn, TurnState
from bot.errors import IllegalTransition
from bot.store.connections import Transaction
from bot.store.lanes import hold, lease_parameters
from bot.store.rows import change, changed, record, records
from bot.store.schema import messages, run_steps, runs, turns
from bot.store.statements import HOLD_RUN

R = TypeVar("R", bound=Record)


async def the_run(tx: Transaction, lease: Lease, run_id: str) -> Run:
    """A run of the lease's thread, with the lane locked for this transaction.

    Raises:
        Fenced: the lane is not ours.
        IllegalTransition: the thread has no such run.
    """
    row = (await tx.execute(HOLD_RUN, {**lease_parameters(lease), "run": run_id})).mappings().first()
    if row is None:
        await hold(tx, lease)
        raise IllegalTransition(f"The lane's thread has no run {run_id}.")
    return record(Run, row)


async def the_working_run(tx: Transaction, lease: Lease, run_id: str) -> Run:
    """A run that may be worked on: in progress, or about to be cancelled by somebody who was quicker.

    Raises:
        Fenced: the lane is not ours.
        IllegalTransition: it has not begun, waits for its caller, or has ended.
    """
    run = await the_run(tx, lease, run_id)
    if run.status not in {RunStatus.IN_PROGRESS, RunStatus.CANCELLING}:
        raise IllegalTransition(f"Nothing can be done in a run that is {run.status}.")
    return run


async def the_started_turn(tx: Transaction, turn: Turn) -> Turn:
    """The turn as it is stored.

    Raises:
        IllegalTransition: it is not going on any more.
    """
    row = (await tx.execute(select(turns).where(_started(turn)))).mappings().first()
    if row is None:
        raise _not_going_on(turn)
    return record(Turn, row)


def _started(turn: Turn) -> ColumnElement[bool]:
    return and_(turns.c.run_id == turn.run_id, turns.c.number == turn.number, turns.c.state == TurnState.STARTED)


def _not_going_on(turn: Turn) -> IllegalTransition:
    return IllegalTransition(f"Turn {turn.number} of {turn.run_id} is not going on.")


def open_messages(run_id: str | BindParameter[str]) -> Select[Any]:
    """The query for the message that the run is writing; there is one at most."""
    return select(messages).where(messages.c.run_id == run_id, messages.c.status == MessageStatus.IN_PROGRESS)


async def open_message(tx: Transaction, run_id: str) -> Message | None:
    """The message that the run is writing."""
    row = (await tx.execute(open_messages(run_id))).mappings().first()
    return None if row is None else record(Message, row)


async def open_steps(tx: Transaction, run_id: str, *conditions: ColumnElement[bool]) -> tuple[RunStep, ...]:
    """The steps that are in progress, in order of creation."""
    query = select(run_steps).where(
        run_steps.c.run_id == run_id, run_steps.c.status == StepStatus.IN_PROGRESS, *conditions
    )
    return records(RunStep, (await tx.execute(query.order_by(run_steps.c.seq))).mappings())


async def move_run(tx: Transaction, run: Run, status: RunStatus, *, due: bool = False, **changes: object) -> Run:
    """Give a run its next status.

    Args:
        tx: The transaction.
        run: As it is now.
        status: As it shall be.
        due: Let it rest no longer.
        changes: Further fields.

    Raises:
        IllegalTransition: the table of moves does not allow it.
    """
    check_move(run.status, status)
    after = changed(run, {**changes, "status": status})
    columns = {**changes, "status": status, **({"not_before": None} if due else {})}
    await tx.execute(update(runs).where(runs.c.id == run.id).values(columns))
    return after


async def move_message(tx: Transaction, message: Message, status: MessageStatus, **changes: object) -> Message:
    """End a message that was in progress.

    Raises:
        IllegalTransition: it had ended before.
    """
    if status not in MESSAGE_MOVES[message.status]:
        raise IllegalTransition(f"A message cannot go from {message.status} to {status}.")
    return await amend(tx, messages, message, messages.c.id == message.id, status=status, **changes)


async def move_step(tx: Transaction, step: RunStep, status: StepStatus, **changes: object) -> RunStep:
    """End a step that was in progress.

    Raises:
        IllegalTransition: it had ended before.
    """
    if status not in STEP_MOVES[step.status]:
        raise IllegalTransition(f"A step cannot go from {step.status} to {status}.")
    return await amend(tx, run_steps, step, run_steps.c.id == step.id, status=status, **changes)


async def complete_step(tx: Transaction, turn: Turn, kind: str, usage: Usage | None) -> RunStep:
    """Complete the step of this kind that the turn has in progress."""
    where = and_(
        run_steps.c.run_id == turn.run_id,
        run_steps.c.turn == turn.number,
        run_steps.c.kind == kind,
        run_steps.c.status == StepStatus.IN_PROGRESS,
    )
    changes = {"status": StepStatus.COMPLETED, "ended_at": int(time.time()), "usage": usage}
    return await change(tx, run_steps, RunStep, where, **changes)


async def end_turn(tx: Transaction, turn: Turn, state: TurnState, **changes: object) -> Turn:
    """End a turn. Returns it as it is stored.

    Raises:
        IllegalTransition: it is not going on any more.
    """
    try:
        return await change(tx, turns, Turn, _started(turn), state=state, **changes)
    except NoResultFound:
        raise _not_going_on(turn) from None


async def amend(tx: Transaction, table: Table, item: R, where: ColumnElement[bool], **changes: Any) -> R:
    """Change the row and the record alike."""
    await tx.execute(update(table).where(where).values(changes))
    return changed(item, changes)
