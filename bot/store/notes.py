"""Single values that a process wants to remember."""

from sqlalchemy import select
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
        flavour = postgresql if self.engines.postgres else sqlite
        statement = flavour.insert(notes).values(name=name, value=value)
        replace = {"value": statement.excluded.value}
        await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=replace))
