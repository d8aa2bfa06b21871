"""The operator's assistants."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.assistants import Assistant
from bot.store.connections import Engines, Transaction
from bot.store.rows import record, values
from bot.store.schema import assistants
from bot.store.transactions import reading, writing


class Assistants:
    """`bot.ports.Assistants` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @writing
    async def upsert(self, tx: Transaction, assistant: Assistant) -> Assistant:
        """Insert or replace by name; the id and the creation time of an existing one stay."""
        flavour = postgresql if self.engines.postgres else sqlite
        statement = flavour.insert(assistants).values({**values(assistant), "operated_name": assistant.name or ""})
        replaced = {
            name: statement.excluded[name] for name in Assistant.model_fields if name not in {"id", "created_at"}
        }
        statement = statement.on_conflict_do_update(index_elements=["operated_name"], set_=replaced)
        return record(Assistant, (await tx.execute(statement.returning(assistants))).mappings().one())

    @reading
    async def get(self, tx: Transaction, assistant_id: str) -> Assistant | None:
        """One assistant."""
        row = (await tx.execute(select(assistants).where(assistants.c.id == assistant_id))).mappings().first()
        return None if row is None else record(Assistant, row)
