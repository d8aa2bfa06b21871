"""Rows to records and back: the only place that knows which columns a record has."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, RowMapping, Table, insert, update

from bot.domain.record import Record
from bot.store.connections import Transaction

R = TypeVar("R", bound=Record)


def record(kind: type[R], row: Mapping[str, Any] | RowMapping) -> R:
    """The record in a row; columns that are no field of it (order, places) are passed over."""
    return kind.model_validate({name: row[name] for name in kind.model_fields if name in row})


def records(kind: type[R], rows: Iterable[RowMapping]) -> tuple[R, ...]:
    """The records in several rows."""
    return tuple(record(kind, row) for row in rows)


def part(table: Table, row: Row[Any]) -> dict[str, Any]:
    """One table's columns of a row that was joined from several."""
    mapping = row._mapping  # pyright: ignore[reportPrivateUsage] - public API, underscored for column names
    return {column.name: mapping[column] for column in table.c}


def values(item: Record) -> dict[str, Any]:
    """A record's fields as column values, nested records as they are."""
    return {name: getattr(item, name) for name in type(item).model_fields}


async def store(tx: Transaction, table: Table, item: Record, **more: Any) -> None:
    """Insert a record, with columns that are no field of it."""
    await tx.execute(insert(table), {**values(item), **more})


async def change(tx: Transaction, table: Table, kind: type[R], where: ColumnElement[bool], **changes: Any) -> R:
    """Change the one row and read it, in one statement.

    Raises:
        NoResultFound: there is no such row.
    """
    row = (await tx.execute(update(table).where(where).values(changes).returning(table))).mappings().one()
    return record(kind, row)


def changed(item: R, changes: Mapping[str, Any]) -> R:
    """A copy with other values."""
    return item.model_copy(update=dict(changes))
