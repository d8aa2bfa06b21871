"""Threads that have been idle for too long: which they are, and what goes with them."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, delete, exists, func, or_, select, text, type_coerce

from bot.domain.runs import NOTES_OF_RUNS
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
    return _quiet_threads().where(threads.c.created_at <= before, func.coalesce(newest, threads.c.created_at) <= before)


def _quiet_threads() -> Select[Any]:
    """The query for threads in which nothing is going on."""
    return select(threads.c.id).where(
        ~exists(select(runs.c.seq).where(runs.c.thread_id == threads.c.id, text(ACTIVE_RUN))),
        ~exists(select(deliveries.c.run_seq).where(deliveries.c.thread_id == threads.c.id, text(OPEN_DELIVERY))),
        ~exists().where(lanes.c.thread_id == threads.c.id, lanes.c.owner.is_not(None)),
    )


async def lock_quiet(tx: Transaction, thread_id: str) -> bool:
    """Lock the lane of a thread, so that nothing begins there. Returns whether the thread is there and quiet."""
    await tx.execute(select(lanes.c.thread_id).where(lanes.c.thread_id == thread_id).with_for_update())
    return (await tx.execute(_quiet_threads().where(threads.c.id == thread_id))).first() is not None


async def size_of(tx: Transaction, thread_id: str) -> int:
    """How many messages there are in a thread."""
    counted = select(func.count()).select_from(messages).where(messages.c.thread_id == thread_id)
    return (await tx.execute(counted)).scalar_one()


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


async def shorten(tx: Transaction, ids: Sequence[str], most: int) -> tuple[Sequence[str], list[str]]:
    """Of locked threads, those that may go now, with at most `most` runs together, and digests that went already.

    A thread that alone has more loses its oldest runs first, so that no transaction holds anybody up for long.
    """
    counted = select(runs.c.thread_id, func.count().label("size")).where(runs.c.thread_id.in_(ids))
    counted = counted.group_by(runs.c.thread_id)
    sizes = {row.thread_id: row.size for row in await tx.execute(counted)}
    whole: list[str] = []
    for thread in ids:
        size = sizes.get(thread, 0)
        if size > most and not whole:
            return [], await _forget_oldest(tx, thread, most)
        if sum(sizes.get(one, 0) for one in whole) + size > most:
            break
        whole.append(thread)
    return whole, []


async def _forget_oldest(tx: Transaction, thread: str, count: int) -> list[str]:
    """Delete the oldest runs of a thread with their messages. Returns the digests of the files that these named."""
    oldest = select(runs.c.seq).where(runs.c.thread_id == thread).order_by(runs.c.seq).limit(count).subquery()
    upto = (await tx.execute(select(func.max(oldest.c.seq)))).scalar_one()
    theirs = (messages.c.thread_id == thread, messages.c.run_seq <= upto)
    named = await _named_files(tx, *theirs)
    older = (runs.c.thread_id == thread, runs.c.seq <= upto)
    await _forget_notes(tx, *older)
    await tx.execute(delete(messages).where(*theirs))
    await tx.execute(delete(runs).where(*older))
    return await _forget_files(tx, named)


async def forget(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Delete threads with all that hangs on them, and the files of their messages. Returns the digests of these."""
    named = await _named_files(tx, messages.c.thread_id.in_(ids))
    await _forget_notes(tx, runs.c.thread_id.in_(ids))
    await tx.execute(delete(threads).where(threads.c.id.in_(ids)))
    return await _forget_files(tx, named)


async def _forget_notes(tx: Transaction, *of_runs: ColumnElement[bool]) -> None:
    """Delete what is noted about single runs."""
    for beginning in NOTES_OF_RUNS:
        await tx.execute(delete(notes).where(notes.c.name.in_(select(beginning + runs.c.id).where(*of_runs))))


async def _forget_files(tx: Transaction, ids: Collection[str]) -> list[str]:
    digests: list[str] = []
    ordered = sorted(ids)
    for start in range(0, len(ordered), _SOME):
        gone = delete(files).where(files.c.id.in_(ordered[start : start + _SOME])).returning(files.c.sha256)
        digests += (await tx.execute(gone)).scalars()
    return digests


async def _named_files(tx: Transaction, *theirs: ColumnElement[bool]) -> set[str]:
    """The files that some messages name. Only those are read that can name one."""
    m = messages.c
    mentioned = (type_coerce(column, Text).like('%"file_id"%') for column in (m.content, m.attachments))
    query = select(m.attachments, m.content).where(*theirs, or_(*mentioned))
    named: set[str] = set()
    for row in await tx.execute(query):
        named |= named_files(row.attachments, row.content)
    return named
