# ruff: noqa: S608 - every text is put together from constants of this package
"""What has to be cleaned from time to time, in pieces so small that no transaction holds anybody up."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import TextClause, delete, select, text

from bot.domain.feedback import Forgotten
from bot.store import retention
from bot.store.bells import Bells
from bot.store.blobs import Blobs
from bot.store.connections import Engines, Transaction
from bot.store.dialects import Dialect, dialect
from bot.store.schema import ACTIVE_RUN, UNCLAIMED, files, inbound_keys
from bot.store.transactions import reading, writing

BATCH: Final = 100
"""Lanes, threads or files at a time."""
RUNS: Final = 1000
"""Runs that are deleted at a time, with the steps, messages and deliveries that hang on them."""
KEYS: Final = 1000
"""Dedupe keys at a time: their rows are small and nothing hangs on them."""


class Upkeep:
    """`bot.ports.Upkeep` on both databases."""

    def __init__(self, engines: Engines, bells: Bells, blobs: Blobs) -> None:
        """Use these connections, wake this process by these bells, and find the bytes of files there."""
        self.engines = engines
        self._bells = bells
        self._blobs = blobs
        self._dialect = dialect(postgres=engines.postgres)
        self._wake = waking(self._dialect)

    async def wake_expired(self) -> int:
        """Make the lanes of runs ready whose time is over and that nobody works on, so that somebody ends them."""
        count = await self._wake_expired()
        if count:
            self._bells.lanes.ring()
        return count

    @writing
    async def _wake_expired(self, tx: Transaction) -> int:
        parameters = {"limit": BATCH, "teller": self.engines.teller}
        return len((await tx.execute(self._wake, parameters)).all())

    @writing
    async def forget_keys(self, tx: Transaction, age: float) -> int:
        """Delete the dedupe keys of events that came more than `age` seconds ago."""
        old = select(inbound_keys.c.key).where(inbound_keys.c.received_at <= self._dialect.ago(age)).limit(KEYS)
        keys = (await tx.execute(old.with_for_update(skip_locked=True))).scalars().all()
        await tx.execute(delete(inbound_keys).where(inbound_keys.c.key.in_(keys)))
        return len(keys)

    async def forget_threads(self, idle: float) -> int:
        """Delete threads in which nothing was said for `idle` seconds and nothing is going on, with their files."""
        found = await self._idle_threads(idle)
        if not found:
            return 0
        count, digests = await self._forget_threads(found, idle)
        await self._blobs.forget(digests)
        return count

    @reading
    async def _idle_threads(self, tx: Transaction, idle: float) -> Sequence[str]:
        """Looked for without holding anybody up, and looked at again before anything is deleted."""
        query = retention.idle_threads(self._dialect.ago(idle)).limit(BATCH)
        return (await tx.execute(query)).scalars().all()

    @writing
    async def _forget_threads(self, tx: Transaction, found: Sequence[str], idle: float) -> tuple[int, list[str]]:
        idle_still = await retention.lock_idle(tx, found, self._dialect.ago(idle))
        forgotten, digests = await retention.shorten(tx, idle_still, RUNS)
        digests += await retention.forget(tx, forgotten)
        return max(len(forgotten), 1 if idle_still else 0), digests

    async def forget_thread(self, thread_id: str) -> Forgotten | None:
        """Delete a thread with everything that hangs on it. None, and nothing is deleted, while it is worked on."""
        messages = files = 0
        while True:  # a long one goes piece by piece
            piece = await self._forget_thread(thread_id)
            if piece is None:
                return None
            said, digests, gone = piece
            await self._blobs.forget(digests)
            messages, files = messages + said, files + len(digests)
            if gone:
                return Forgotten(messages=messages, files=files)

    @writing
    async def _forget_thread(self, tx: Transaction, thread_id: str) -> tuple[int, list[str], bool] | None:
        """How many messages went, the digests of their files, and whether nothing is left."""
        locked = await retention.lock_quiet(tx, thread_id)
        if not locked:
            return None
        before = await retention.size_of(tx, thread_id)
        whole, digests = await retention.shorten(tx, [thread_id], RUNS)
        digests += await retention.forget(tx, whole)
        return before - await retention.size_of(tx, thread_id), digests, bool(whole)

    async def forget_files(self, age: float) -> int:
        """Delete files that no message claimed within `age` seconds, and bytes that no file names."""
        digests = await self._forget_files(age)
        await self._blobs.forget(digests)
        return len(digests) + await self._blobs.sweep(BATCH)

    @writing
    async def _forget_files(self, tx: Transaction, age: float) -> list[str]:
        orphans = select(files.c.id).where(text(UNCLAIMED), files.c.created_at <= self._dialect.ago(age)).limit(BATCH)
        ids = (await tx.execute(orphans.with_for_update(skip_locked=True))).scalars().all()
        gone = delete(files).where(files.c.id.in_(ids)).returning(files.c.sha256)
        return list((await tx.execute(gone)).scalars())


def waking(dialect: Dialect) -> TextClause:
    """The statement behind `Upkeep.wake_expired`."""
    now = dialect.now
    return text(
        f"""WITH e AS MATERIALIZED (SELECT l.thread_id AS k FROM runs JOIN lanes l ON l.thread_id = runs.thread_id
               WHERE {ACTIVE_RUN} AND runs.expires_at <= {now} AND runs.started_at IS NOT NULL
                 AND l.owner IS NULL AND (NOT l.ready OR l.due > {now})
               LIMIT :limit {dialect.skip_locked("l")})
        UPDATE lanes SET ready = true, due = {now} FROM e WHERE thread_id = e.k RETURNING {dialect.tell("lanes")}"""
    )
