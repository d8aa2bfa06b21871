"""Past the store: what a dead process, or a room that is not built yet, would leave behind; query plans."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.postgres import postgres_engine
from bot.store.schema import feedback
from bot.store.sqlite import sqlite_engine
from bot.store.upgrades import upgrade
from bot.store.urls import parse_url

T = TypeVar("T")


@asynccontextmanager
async def an_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A connection of its own."""
    address = parse_url(database_url)
    engine = sqlite_engine(address, 1) if address.kind == "sqlite" else postgres_engine(address, 1)
    try:
        yield engine
    finally:
        await engine.dispose()


async def aside(database_url: str, work: Callable[[Connection], T]) -> T:
    """Work in a transaction on a connection of its own."""
    async with an_engine(database_url) as engine, engine.begin() as connection:
        return await connection.run_sync(work)


async def migrate_to(database_url: str, revision: str) -> None:
    """Bring an empty database to the schema of earlier code."""
    async with an_engine(database_url) as engine:
        await upgrade(engine, revision)


async def behind_its_back(database_url: str, statement: str, **parameters: object) -> int:
    """Run one statement. Returns how many rows it gave or changed."""
    return await aside(database_url, lambda connection: connection.execute(text(statement), parameters).rowcount)


async def opinions(database_url: str) -> list[tuple[str, str, bool, str | None]]:
    """Whose answer, who, whether they liked it, and their comment."""
    query = select(feedback.c.run_id, feedback.c.person, feedback.c.good, feedback.c.comment)
    return await aside(database_url, lambda connection: [tuple(row) for row in connection.execute(query)])


async def expire(database_url: str, worker: str, *, forget: bool = False) -> None:
    """Make a worker's last heartbeat too old, or delete its row."""
    statement = "DELETE FROM workers WHERE id = :id" if forget else "UPDATE workers SET expires_at = 1 WHERE id = :id"
    await behind_its_back(database_url, statement, id=worker)
