"""Duties: who keeps which connection and does which periodic job."""

from collections.abc import Sequence

from bot.domain.duties import Duty
from bot.store.connections import Engines, Transaction
from bot.store.heartbeats import heartbeats
from bot.store.transactions import writing


class Duties:
    """`bot.ports.Duties` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines
        self._sql = heartbeats(postgres=engines.postgres)

    async def take(self, worker_id: str, names: Sequence[str], limit: int) -> tuple[Duty, ...]:
        """Take at most `limit` of these that are due and that no living process has."""
        return await self._take(worker_id, names, limit) if names and limit > 0 else ()

    @writing
    async def _take(self, tx: Transaction, worker_id: str, names: Sequence[str], limit: int) -> tuple[Duty, ...]:
        ordered = sorted(set(names))  # in one order everywhere, so nobody waits in a circle
        await tx.execute(self._sql.know_duty, [{"name": name} for name in ordered])
        wanted = {"worker": worker_id, "names": ordered, "limit": limit}
        rows = (await tx.execute(self._sql.take_duties, wanted)).all()
        return tuple(Duty(name=row.name, worker_id=worker_id, fence=row.fence) for row in rows)

    @writing
    async def give_up(self, tx: Transaction, duty: Duty, rest: float = 0.0) -> None:
        """Let go of a duty that is still ours; it is due again `rest` seconds from now."""
        ours = {"name": duty.name, "worker": duty.worker_id, "fence": duty.fence}
        await tx.execute(self._sql.give_up_duty, {**ours, "rest": rest})
