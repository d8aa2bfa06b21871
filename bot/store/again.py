"""Answering a question anew: a new run takes the place of an answered one, with its question and its chat messages."""

import time
from typing import Any, cast

from sqlalchemy import and_, exists, insert, select, update

from bot.domain.assistants import Assistant
from bot.domain.deliveries import Acceptance, Delivery, DeliveryState, NotAgain
from bot.domain.ids import new_id
from bot.domain.messages import DELETED
from bot.domain.runs import DECIDED, VERSION, Run, RunStatus
from bot.domain.steps import Effect
from bot.store.connections import Transaction
from bot.store.heard import BESIDE
from bot.store.rows import record
from bot.store.schema import deliveries, lanes, messages, runs, segments, tool_calls
from bot.store.statements import Statements

_OF_THE_OLD_ONE = {
    "seq",
    "id",
    "created_at",
    "status",
    "last_error",
    "incomplete_reason",
    "expires_at",
    "started_at",
    "cancelled_at",
    "failed_at",
    "completed_at",
    "usage",
    "metadata",
    "not_before",
}
"""What the new run does not have of the old one. Who answers, and with what, is said anew."""


async def answer_again(
    tx: Transaction, sql: Statements, teller: str, run_id: str, assistant: Assistant, lifetime: int
) -> Acceptance | NotAgain:
    """Make the new run, or say why not. The lane is locked first: of several at once, one finds the run answered."""
    thread_id = (await tx.execute(select(runs.c.thread_id).where(runs.c.id == run_id))).scalar_one_or_none()
    if thread_id is None:
        return NotAgain.UNKNOWN
    await tx.execute(select(lanes.c.fence).where(lanes.c.thread_id == thread_id).with_for_update())
    row = (await tx.execute(select(runs).where(runs.c.id == run_id))).mappings().first()
    origin = (await tx.execute(select(deliveries).where(deliveries.c.run_id == run_id))).mappings().first()
    if row is None or origin is None:
        return NotAgain.UNKNOWN
    run, delivery = record(Run, row), record(Delivery, origin)
    if (reason := await _reason_against(tx, run, delivery)) is not None:
        return reason
    await tx.execute(sql.wake_lane, {"thread": thread_id, "teller": teller})
    return await _repeat(tx, sql, run, delivery, dict(row), dict(origin), assistant, lifetime)


async def _reason_against(tx: Transaction, run: Run, delivery: Delivery) -> NotAgain | None:
    if not run.ended or delivery.state is DeliveryState.OPEN:
        return NotAgain.GOING_ON
    if (newer := await _newer(tx, run, delivery)) is not None:
        return newer
    address = delivery.address
    if address.private and not set(address.secrets) <= set(address.place):
        return NotAgain.NO_WAY_BACK
    question = select(messages.c.metadata).where(messages.c.id == delivery.message_id)
    metadata: dict[str, str] | None = (await tx.execute(question)).scalar_one_or_none()
    if metadata is None or DELETED in metadata:
        return NotAgain.DELETED
    harmful = (tool_calls.c.run_id == run.id, tool_calls.c.effect == Effect.ONCE, tool_calls.c.begins > 0)
    return NotAgain.NOT_TWICE if (await tx.execute(select(exists().where(*harmful)))).scalar_one() else None


async def _newer(tx: Transaction, run: Run, delivery: Delivery) -> NotAgain | None:
    """What is there after the run: another version of its answer, or what was said next."""
    theirs = and_(runs.c.thread_id == run.thread_id, runs.c.seq > run.seq)
    query = (
        select(deliveries.c.message_id, deliveries.c.state)
        .join_from(runs, deliveries, deliveries.c.run_id == runs.c.id, isouter=True)
        .where(theirs)
        .order_by(runs.c.seq.desc())
        .limit(1)
    )
    newest = (await tx.execute(query)).first()
    if newest is None:
        return None
    same = newest.message_id == delivery.message_id and newest.state == DeliveryState.OPEN
    return NotAgain.GOING_ON if same else NotAgain.NOT_NEWEST


async def _repeat(
    tx: Transaction,
    sql: Statements,
    old: Run,
    delivery: Delivery,
    run_row: dict[str, Any],
    delivery_row: dict[str, Any],
    assistant: Assistant,
    lifetime: int,
) -> Acceptance:
    run_id = new_id("run_")
    kept = {name: value for name, value in old.metadata.items() if not name.startswith(DECIDED)}
    row = {
        **{name: value for name, value in run_row.items() if name not in _OF_THE_OLD_ONE},
        "id": run_id,
        "assistant_id": assistant.id,
        "model": assistant.model,
        "own_model": assistant.own_model,
        "instructions": assistant.instructions or "",
        "tools": assistant.tools,
        "temperature": assistant.temperature,
        "top_p": assistant.top_p,
        "status": RunStatus.QUEUED,
        "lifetime": lifetime,
        "metadata": {**kept, VERSION: str(old.version + 1)},
    }
    new_run = insert(runs).values(created_at=sql.created_at, expires_at=sql.expires_at)
    result = await tx.execute(new_run, row)
    seq = cast("tuple[int]", result.inserted_primary_key)[0]
    await _move(tx, old, delivery, run_id, seq)
    opened = {
        **delivery_row,
        "run_id": run_id,
        "run_seq": seq,
        "state": DeliveryState.OPEN,
        "files": (),
        "created_at": int(time.time()),
    }
    await tx.execute(insert(deliveries), opened)
    return Acceptance(run_id=run_id, thread_id=old.thread_id)


async def _move(tx: Transaction, old: Run, delivery: Delivery, run_id: str, seq: int) -> None:
    """The question with what was heard beside it, and the chat messages, belong to the new run from now on."""
    answers = and_(messages.c.run_id == old.id, messages.c.role == "assistant")
    await tx.execute(update(messages).where(answers).values(superseded=True))
    question = messages.c.id == delivery.message_id
    await tx.execute(update(messages).where(question).values(run_seq=seq, run_id=run_id))
    beside = and_(messages.c.thread_id == old.thread_id, messages.c.run_seq == old.seq, messages.c.place == BESIDE)
    await tx.execute(update(messages).where(beside).values(run_seq=seq))
    await tx.execute(update(segments).where(segments.c.run_id == old.id).values(run_id=run_id))
