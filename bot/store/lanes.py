"""Lanes: who works on which thread, proved by a heartbeat on the database's clock and a fencing number."""

import asyncio
import time
from typing import Any

from sqlalchemy import Row

from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.errors import Fenced
from bot.store.connections import Engines, Transaction
from bot.store.rows import part, record
from bot.store.schema import deliveries, runs
from bot.store.statements import HOLD, POSTGRES, SQLITE, Statements
from bot.store.transactions import beating, writing

POLL = 2.0
"""Seconds after which `wait` returns in any case, for what other processes did."""


class Bell:
    """Wakes the worker of this process when there may be something to claim."""

    def __init__(self) -> None:
        """Start silent, with nothing due."""
        self._event = asyncio.Event()
        self._due: float | None = None

    def ring(self) -> None:
        """Something became ready."""
        self._event.set()

    def ring_in(self, seconds: float) -> None:
        """Something becomes ready later."""
        due = time.monotonic() + seconds
        self._due = due if self._due is None else min(self._due, due)

    def silence(self) -> None:
        """Forget what rang so far. Before looking, never after: else a wake-up could get lost."""
        self._event.clear()
        if self._due is not None and self._due <= time.monotonic():
            self._due = None

    async def wait(self, seconds: float) -> None:
        """Until it rings, something is due, or the time is over."""
        if self._due is not None:
            seconds = min(seconds, max(0.0, self._due - time.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:  # an answer too: look
            pass


def dialect(engines: Engines) -> Statements:
    """The hot statements for this database."""
    return POSTGRES if engines.postgres else SQLITE


async def hold(tx: Transaction, lease: Lease) -> None:
    """Lock the lane for this transaction and prove that it is ours.

    Raises:
        Fenced: it is not.
    """
    if (await tx.execute(HOLD, lease_parameters(lease))).first() is None:
        raise Fenced


def lease_parameters(lease: Lease) -> dict[str, object]:
    """What `HOLD` and `HOLD_RUN` ask for."""
    return {"thread": lease.thread_id, "worker": lease.worker_id, "fence": lease.fence}


class Lanes:
    """`bot.ports.Lanes` on both databases."""

    def __init__(self, engines: Engines, bell: Bell) -> None:
        """Use these connections and wake this process by this bell."""
        self.engines = engines
        self._bell = bell
        self._sql = dialect(engines)

    @beating
    async def enrol(self, tx: Transaction, worker_id: str, role: str) -> None:
        """Write this process's heartbeat row."""
        await tx.execute(self._sql.enrol, {"worker": worker_id, "role": role})

    async def beat(self, worker_id: str) -> None:
        """Renew the heartbeat and free the lanes of dead processes."""
        if await self._beat(worker_id):
            self._bell.ring()

    @beating
    async def _beat(self, tx: Transaction, worker_id: str) -> int:
        if (await tx.execute(self._sql.beat, {"worker": worker_id})).first() is None:
            raise Fenced("The heartbeat row of this process is gone.")
        freed = (await tx.execute(self._sql.free_dead_lanes)).all()
        await tx.execute(self._sql.forget_dead_workers)
        return len(freed)

    async def claim(self, worker_id: str, limit: int) -> tuple[Lease, ...]:
        """Take at most `limit` lanes that are ready and due."""
        self._bell.silence()
        if limit <= 0:
            return ()
        leases = await self._claim(worker_id, limit)
        if len(leases) == limit:
            self._bell.ring()  # there may be more
        return leases

    @writing
    async def _claim(self, tx: Transaction, worker_id: str, limit: int) -> tuple[Lease, ...]:
        rows = (await tx.execute(self._sql.claim, {"worker": worker_id, "limit": limit})).all()
        return tuple(Lease(thread_id=row.thread_id, worker_id=worker_id, fence=row.fence) for row in rows)

    async def next_work(self, lease: Lease) -> Work | None:
        """The lane's first unfinished run; None when there is none due, the lane is then free."""
        found = await self._next_work(lease)
        if isinstance(found, Work):
            return found
        if found is not None:
            self._bell.ring_in(found)
        return None

    @writing
    async def _next_work(self, tx: Transaction, lease: Lease) -> Work | float | None:
        """The work, or in how many seconds there is some, or None."""
        await hold(tx, lease)
        row = (await tx.execute(self._sql.next_run, {"thread": lease.thread_id})).first()
        work = None if row is None else _work(row)
        if row is None or work is None or work.run.status is RunStatus.REQUIRES_ACTION:  # it waits for its tool outputs
            await tx.execute(self._sql.free_lane, {"thread": lease.thread_id})
            return None
        if row.not_before is not None and row.not_before > row.now:
            await tx.execute(self._sql.rest_lane, {"thread": lease.thread_id, "due": row.not_before})
            return row.not_before - row.now
        return work

    async def hand_back(self, worker_id: str) -> int:
        """Free all lanes of this worker and remove its row. Returns how many lanes it had."""
        count = await self._hand_back(worker_id)
        self._bell.ring()
        return count

    @writing
    async def _hand_back(self, tx: Transaction, worker_id: str) -> int:
        freed = (await tx.execute(self._sql.hand_back, {"worker": worker_id})).all()
        await tx.execute(self._sql.dismiss, {"worker": worker_id})
        return len(freed)

    async def wait(self, seconds: float) -> None:
        """Return as soon as there may be something to claim, or after `seconds`."""
        await self._bell.wait(min(seconds, POLL))

    @writing
    async def free_all(self, tx: Transaction) -> None:
        """Free every lane. Only for a process that knows that it is alone: the holder of SQLite's lock file."""
        await tx.execute(self._sql.dismiss_all)
        await tx.execute(self._sql.free_dead_lanes)


def _work(row: Row[Any]) -> Work:
    delivery = part(deliveries, row)
    absent = delivery["run_id"] is None  # the run did not come from a chat
    return Work(run=record(Run, part(runs, row)), delivery=None if absent else record(Delivery, delivery))
