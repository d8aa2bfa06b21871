"""Single values that a process wants to remember."""

from sqlalchemy import BigInteger, cast, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.connections import Engines, Transaction
from bot.store.schema import notes
from bot.store.transactions import reading, writing


class Notes:
    """`bot.ports.Notes` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @reading
    async def read(self, tx: Transaction, name: str) -> str | None:
        """The value, if there is one."""
        return (await tx.execute(select(notes.c.value).where(notes.c.name == name))).scalar_one_or_none()

    @writing
    async def write(self, tx: Transaction, name: str, value: str) -> None:
        """Insert or replace."""
        insert = self._insert(name, value)
        replace = {"value": insert.excluded.value}
        await tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_=replace))

    @writing
    async def raise_to(self, tx: Transaction, name: str, value: int) -> None:
        """Insert a number, or replace one that is smaller: one statement, so that nobody comes in between."""
        insert = self._insert(name, str(value))
        replace, smaller = {"value": insert.excluded.value}, cast(notes.c.value, BigInteger) < value
        await tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_=replace, where=smaller))

    def _insert(self, name: str, value: str) -> postgresql.Insert | sqlite.Insert:
        flavour = postgresql if self.engines.postgres else sqlite
        return flavour.insert(notes).values(name=name, value=value)
