"""Where the app is installed, sealed: this room never sees what is inside."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Double, delete, func, literal_column, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.connections import Engines, Transaction
from bot.store.dialects import dialect
from bot.store.schema import installations
from bot.store.transactions import reading, writing

_LATER = 1e-5
"""Seconds by which a change is younger than every earlier one, even when the database's clock stands or goes back."""


class Installations:
    """`bot.ports.Installations` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines
        self._now: ColumnElement[float] = literal_column(dialect(postgres=engines.postgres).now, Double)

    @writing
    async def save(self, tx: Transaction, name: str, sealed: str) -> None:
        """Insert or replace."""
        flavour = postgresql if self.engines.postgres else sqlite
        at = await self._next(tx)
        insert = flavour.insert(installations).values(name=name, sealed=sealed, changed_at=at)
        replace = {"sealed": insert.excluded.sealed, "changed_at": insert.excluded.changed_at}
        await tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_=replace))

    @writing
    async def replace(self, tx: Transaction, name: str, sealed: str, instead_of: str) -> bool:
        """Replace what is still as it was read."""
        at = await self._next(tx)
        as_read = (installations.c.name == name) & (installations.c.sealed == instead_of)
        changed = await tx.execute(update(installations).where(as_read).values(sealed=sealed, changed_at=at))
        return changed.rowcount > 0

    @writing
    async def remove(self, tx: Transaction, name: str, sealed: str) -> bool:
        """Delete what is still as it was read."""
        as_read = (installations.c.name == name) & (installations.c.sealed == sealed)
        return (await tx.execute(delete(installations).where(as_read))).rowcount > 0

    @reading
    async def read(self, tx: Transaction, name: str) -> str | None:
        """One of them, if it is there."""
        query = select(installations.c.sealed).where(installations.c.name == name)
        return (await tx.execute(query)).scalar_one_or_none()

    @reading
    async def all(self, tx: Transaction, beginning: str) -> Mapping[str, str]:
        """All whose names begin so."""
        query = select(installations.c.name, installations.c.sealed).order_by(installations.c.name)
        rows = await tx.execute(query.where(installations.c.name.startswith(beginning, autoescape=True)))
        return {row.name: row.sealed for row in rows}

    @reading
    async def version(self, tx: Transaction) -> str:
        """Another one after every change. A removal changes the number of rows, everything else the newest."""
        row = (await tx.execute(select(func.count(), func.max(installations.c.changed_at)))).one()
        return f"{row[0]} {row[1]!r}"

    async def _next(self, tx: Transaction) -> float:
        """When a change is made. Changes come one after the other, so that each is younger than the one before."""
        if self.engines.postgres:  # SQLite has one writer at a time anyway
            await tx.execute(text("LOCK TABLE installations IN EXCLUSIVE MODE"))
        query = select(self._now, func.max(installations.c.changed_at))
        now, newest = (await tx.execute(query)).one()
        return float(now) if newest is None else max(float(now), float(newest) + _LATER)
