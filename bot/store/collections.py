"""Small JSON records that tools keep in the bot's own database, numbered per collection without gaps."""

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.connections import Engines, Transaction
from bot.store.schema import collection_records as kept
from bot.store.schema import collections
from bot.store.text import clean
from bot.store.transactions import reading, writing


class Collections:
    """`bot.ports.Collections` on both databases."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @writing
    async def add(
        self, tx: Transaction, collection: str, fields: dict[str, str], idempotency_key: str
    ) -> tuple[int, bool]:
        """Add a record; the same key gives the first record again. Returns its number, and whether it is new."""
        last = await self._lock(tx, collection)
        same = and_(kept.c.collection == collection, kept.c.idempotency_key == clean(idempotency_key))
        existing = (await tx.execute(select(kept.c.number).where(same))).scalar_one_or_none()
        if existing is not None:
            return existing, False
        number = last + 1
        await tx.execute(update(collections).where(collections.c.name == collection).values(last_number=number))
        row = {"collection": collection, "number": number, "idempotency_key": idempotency_key, "fields": fields}
        await tx.execute(insert(kept).values(row))
        return number, True

    @reading
    async def get(self, tx: Transaction, collection: str, number: int) -> dict[str, str] | None:
        """One record's fields."""
        return (await tx.execute(select(kept.c.fields).where(_is(collection, number)))).scalar_one_or_none()

    @writing
    async def change(
        self, tx: Transaction, collection: str, number: int, fields: dict[str, str]
    ) -> dict[str, str] | None:
        """Replace the named fields; None when there is no such record."""
        query = select(kept.c.fields).where(_is(collection, number)).with_for_update()
        old: dict[str, str] | None = (await tx.execute(query)).scalar_one_or_none()
        if old is None:
            return None
        new = {**old, **{clean(name): clean(value) for name, value in fields.items()}}
        await tx.execute(update(kept).where(_is(collection, number)).values(fields=new))
        return new

    @reading
    async def list(self, tx: Transaction, collection: str, limit: int = 100) -> tuple[tuple[int, dict[str, str]], ...]:
        """The newest records first."""
        query = select(kept.c.number, kept.c.fields).where(kept.c.collection == collection)
        rows = await tx.execute(query.order_by(kept.c.number.desc()).limit(limit))
        return tuple((row.number, row.fields) for row in rows)

    async def _lock(self, tx: Transaction, collection: str) -> int:
        """Lock the collection until the transaction's end. Returns its last number."""
        flavour = postgresql if self.engines.postgres else sqlite
        statement = flavour.insert(collections).values(name=collection, last_number=0)
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={"last_number": collections.c.last_number}
        )
        return (await tx.execute(statement.returning(collections.c.last_number))).scalar_one()


def _is(collection: str, number: int) -> ColumnElement[bool]:
    return and_(kept.c.collection == collection, kept.c.number == number)
