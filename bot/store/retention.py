"""Threads that have been idle for too long: which they are, and what goes with them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, delete, exists, func, or_, select, text, type_coerce

from bot.domain.runs import NOTE_OF_TURNED_AWAY
from bot.store.connections import Transaction
from bot.store.files import named_files
from bot.store.schema import ACTIVE_RUN, OPEN_DELIVERY, deliveries, files, lanes, messages, notes, runs, threads

_SOME: Final = 500
"""Parameters of a statement at a time."""


def idle_threads(before: ColumnElement[float]) -> Select[Any]:
    """The query for threads in which nothing was said since then and nothing is going on."""
    newest = (
        select(messages.c.created_at)
        .where(messages.c.thread_id == threads.c.id)
        .order_by(messages.c.run_seq.desc(), messages.c.place.desc(), messages.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(threads.c.id).where(
        threads.c.created_at <= before,
        func.coalesce(newest, threads.c.created_at) <= before,
        ~exists(select(runs.c.seq).where(runs.c.thread_id == threads.c.id, text(ACTIVE_RUN))),
        ~exists(select(deliveries.c.run_seq).where(deliveries.c.thread_id == threads.c.id, text(OPEN_DELIVERY))),
        ~exists().where(lanes.c.thread_id == threads.c.id, lanes.c.owner.is_not(None)),
    )


async def lock_idle(tx: Transaction, found: Sequence[str], before: ColumnElement[float]) -> Sequence[str]:
    """Those of these threads that are still idle, with their lanes locked, so that they stay it.

    A message that is being accepted has the lane locked already: its thread is left out. One that comes later waits
    for the lane, finds the thread gone, and gets a new one.
    """
    theirs = select(lanes.c.thread_id).where(lanes.c.thread_id.in_(found))
    locked = set((await tx.execute(theirs.with_for_update(skip_locked=True))).scalars())
    busy = set((await tx.execute(theirs)).scalars()) - locked
    free = [thread for thread in found if thread not in busy]
    return (await tx.execute(idle_threads(before).where(threads.c.id.in_(free)))).scalars().all()


async def forget(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Delete threads with all that hangs on them, and the files of their messages. Returns the digests of these."""
    named = sorted(await _named_files(tx, ids))
    about = select(NOTE_OF_TURNED_AWAY + runs.c.id).where(runs.c.thread_id.in_(ids))
    await tx.execute(delete(notes).where(notes.c.name.in_(about)))
    await tx.execute(delete(threads).where(threads.c.id.in_(ids)))
    digests: list[str] = []
    for start in range(0, len(named), _SOME):
        gone = delete(files).where(files.c.id.in_(named[start : start + _SOME])).returning(files.c.sha256)
        digests += (await tx.execute(gone)).scalars()
    return digests


async def _named_files(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Of the messages only those are read that can name a file."""
    m = messages.c
    mentioned = (type_coerce(column, Text).like('%"file_id"%') for column in (m.content, m.attachments))
    query = select(m.attachments, m.content).where(m.thread_id.in_(ids), or_(*mentioned))
    named: set[str] = set()
    for row in await tx.execute(query):
        named |= named_files(row.attachments, row.content)
    return named
