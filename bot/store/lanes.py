"""Lanes: who works on which thread, proved by a fencing number."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.errors import Fenced
from bot.store.bells import Bells
from bot.store.connections import Engines, Transaction
from bot.store.rows import part, record
from bot.store.schema import deliveries, runs
from bot.store.statements import HOLD, statements
from bot.store.transactions import writing


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

    def __init__(self, engines: Engines, bells: Bells) -> None:
        """Use these connections and wake this process by these bells."""
        self.engines = engines
        self._bell = bells.lanes
        self._sql = statements(postgres=engines.postgres)

    async def claim(self, worker_id: str, limit: int, platforms: Sequence[str] | None = None) -> tuple[Lease, ...]:
        """Take at most `limit` lanes that are ready and due."""
        self._bell.silence()
        if limit <= 0:
            return ()
        leases = await self._claim(worker_id, limit, platforms)
        if len(leases) == limit:
            self._bell.ring()  # there may be more
        return leases

    @writing
    async def _claim(
        self, tx: Transaction, worker_id: str, limit: int, platforms: Sequence[str] | None
    ) -> tuple[Lease, ...]:
        wanted: dict[str, object] = {"worker": worker_id, "limit": limit}
        if platforms is None:
            rows = (await tx.execute(self._sql.claim, wanted)).all()
        else:
            rows = (await tx.execute(self._sql.claim_of, {**wanted, "platforms": ["", *platforms]})).all()
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
        if row is None or work is None or _waits(work):
            await tx.execute(self._sql.free_lane, {"thread": lease.thread_id})
            return None
        if _rests(work, row.not_before):
            await tx.execute(self._sql.rest_lane, {"thread": lease.thread_id, "due": row.not_before})
            return row.not_before - row.now
        return work

    async def release(self, lease: Lease) -> None:
        """Give a lane back though there may be something to do in it."""
        await self._release(lease)
        self._bell.ring()

    @writing
    async def _release(self, tx: Transaction, lease: Lease) -> None:
        await tx.execute(self._sql.release_lane, {**lease_parameters(lease), "teller": self.engines.teller})

    async def wait(self, seconds: float) -> None:
        """Return as soon as there may be something to claim, or after `seconds`."""
        await self._bell.wait(seconds)


def _work(row: Row[Any]) -> Work:
    delivery = part(deliveries, row)
    absent = delivery["run_id"] is None  # the run did not come from a chat
    return Work(run=record(Run, part(runs, row)), delivery=None if absent else record(Delivery, delivery), now=row.now)


def _waits(work: Work) -> bool:
    """It needs a person's word, or its caller's, until its time is over."""
    return work.run.status is RunStatus.REQUIRES_ACTION and not work.expired


def _rests(work: Work, not_before: float | None) -> bool:
    """It was postponed. A run rests no longer than it lives; after its end its answer may still have to."""
    return not_before is not None and not_before > work.now and (work.run.ended or not work.expired)
