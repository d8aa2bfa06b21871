"""The heartbeat rows of all processes, on the database's clock."""

from typing import Any

from sqlalchemy import Row

from bot import VERSION
from bot.domain.workers import RECEIVERS, WORKERS, Present, Role
from bot.errors import Fenced
from bot.store.bells import Bells
from bot.store.connections import Engines, Transaction
from bot.store.heartbeats import heartbeats
from bot.store.transactions import beating, writing


class Workers:
    """`bot.ports.Workers` on both databases."""

    def __init__(self, engines: Engines, bells: Bells) -> None:
        """Use these connections and wake this process by these bells."""
        self.engines = engines
        self._bells = bells
        self._sql = heartbeats(postgres=engines.postgres)

    @beating
    async def enrol(self, tx: Transaction, worker_id: str, role: Role) -> Present:
        """Write this process's heartbeat row."""
        row = {"worker": worker_id, "role": role, "version": VERSION}
        return _present((await tx.execute(self._sql.enrol, row)).one())

    async def beat(self, worker_id: str) -> Present:
        """Renew the heartbeat and free the lanes of dead processes."""
        present, freed = await self._beat(worker_id)
        if freed:
            self._bells.lanes.ring()
        return present

    @beating
    async def _beat(self, tx: Transaction, worker_id: str) -> tuple[Present, int]:
        row = (await tx.execute(self._sql.beat, {"worker": worker_id})).first()
        if row is None:
            raise Fenced("The heartbeat row of this process is gone.")
        freed = (await tx.execute(self._sql.free_dead_lanes, {"teller": self.engines.teller})).all()
        await tx.execute(self._sql.forget_dead_workers)
        return _present(row), len(freed)

    @beating
    async def retire(self, tx: Transaction, worker_id: str) -> None:
        """Say that this process is about to end: it claims nothing more and counts no longer as present."""
        await tx.execute(self._sql.retire, {"worker": worker_id})

    async def leave(self, worker_id: str) -> int:
        """Free all lanes and duties of this worker and remove its row. Returns how many lanes it had."""
        count = await self._leave(worker_id)
        self._bells.lanes.ring()
        return count

    @beating
    async def _leave(self, tx: Transaction, worker_id: str) -> int:
        worker: dict[str, object] = {"worker": worker_id}
        freed = (await tx.execute(self._sql.free_lanes, worker)).all()
        await tx.execute(self._sql.free_duties, worker)
        await tx.execute(self._sql.dismiss, {**worker, "teller": self.engines.teller})
        return len(freed)

    @writing
    async def dismiss_all(self, tx: Transaction) -> None:
        """Free everything. Only for a process that knows that it is alone: the holder of SQLite's lock file."""
        await tx.execute(self._sql.dismiss_all)
        await tx.execute(self._sql.free_dead_lanes, {"teller": self.engines.teller})


def _present(row: Row[Any]) -> Present:
    """Who is there, with this process, which the row's counts leave out."""
    return Present(
        receivers=row.receivers + (row.self if row.role in RECEIVERS else 0),
        workers=row.workers + (row.self if row.role in WORKERS else 0),
    )
