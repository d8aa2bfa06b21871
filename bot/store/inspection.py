"""Looking at a database from outside, also while a bot is working on it: it is neither made nor locked nor migrated."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Double, literal_column, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import ports
from bot.store.dialects import dialect
from bot.store.installations import Installations
from bot.store.notes import Notes
from bot.store.opening import first_connection
from bot.store.postgres import open_postgres, postgres_engine
from bot.store.same import require_same
from bot.store.schema import deliveries
from bot.store.sqlite import open_sqlite, sqlite_engine
from bot.store.transactions import translated
from bot.store.upgrades import newest_revision, state_of
from bot.store.urls import DatabaseAddress, parse_direct_url, parse_url


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database was found."""

    kind: str
    """`SQLite` or `PostgreSQL`."""
    place: str
    """File, or host and name; never a password."""
    revision: str | None
    """Of the schema; None when there is no schema yet."""
    newest: str
    """Of this code."""
    unusable: str | None = None
    """Why this code cannot work on it, with what to do; SQLite is brought up to date by itself."""
    ahead: float | None = None
    """Seconds by which our clock is ahead of the database's; None when they are the same clock."""


async def condition(url: str, direct_url: str | None = None) -> Condition:
    """Look at a database, and at the direct way to it if there is one.

    Raises:
        SettingsError: a URL is wrong, or the two lead to different databases.
        StoreUnavailable: it cannot be reached.
    """
    address = parse_url(url)
    direct = parse_direct_url(direct_url, address)
    newest = await asyncio.to_thread(newest_revision)
    if address.kind == "sqlite":
        return await _of_sqlite(address, newest)
    with first_connection("DATABASE_URL"):
        async with _looking(address) as engine:
            found, unusable = await state_of(engine)
            ahead = await _ahead(engine)
    if direct is not None:
        with first_connection("DATABASE_DIRECT_URL"):
            await _require_same(address, direct)
    place = f"{address.url.host or 'localhost'}/{address.url.database}"
    return Condition("PostgreSQL", place, found, newest, unusable, ahead)


@dataclass(frozen=True, slots=True)
class Registers:
    """What adapters keep in the database."""

    notes: ports.Notes
    installations: ports.Installations


@asynccontextmanager
async def registers(url: str) -> AsyncGenerator[Registers | None]:
    """What adapters keep, for asking platforms while a bot may be at work. Nothing is connected before it is used.

    They can be written: a token that is renewed while one asks must not get lost.

    Returns:
        None when there is no database yet.

    Raises:
        SettingsError: the URL is wrong.
    """
    address = parse_url(url)
    if address.kind == "sqlite" and not _exists(address.file):
        yield None
        return
    engines = open_postgres(address, None, 1) if address.kind == "postgres" else open_sqlite(address)
    try:
        yield Registers(Notes(engines), Installations(engines))
    finally:
        await engines.close()


async def channels_used(url: str, part: str, most: int) -> tuple[str, ...]:
    """Keys of channels in which something was said to the assistant and that contain a part; none without a database.

    Raises:
        SettingsError: the URL is wrong.
        StoreUnavailable: it cannot be reached.
    """
    address = parse_url(url)
    if address.kind == "sqlite" and not _exists(address.file):
        return ()
    channel = deliveries.c.channel
    query = select(channel).where(channel.contains(part, autoescape=True), channel != "").distinct()
    with first_connection("DATABASE_URL"):
        async with _looking(address) as engine:
            found, _ = await state_of(engine)
            if found is None:
                return ()
            with translated():
                async with engine.begin() as connection:
                    return tuple((await connection.execute(query.order_by(channel).limit(most))).scalars())


async def _of_sqlite(address: DatabaseAddress, newest: str) -> Condition:
    place = str(address.file or ":memory:")
    if not _exists(address.file):
        return Condition("SQLite", place, None, newest)
    with first_connection("DATABASE_URL"):
        async with _looking(address) as engine:
            found, unusable = await state_of(engine)
    older = found is None or found < newest
    return Condition("SQLite", place, found, newest, None if older else unusable)


@asynccontextmanager
async def _looking(address: DatabaseAddress) -> AsyncGenerator[AsyncEngine]:
    engine = (
        postgres_engine(address, 1, purpose=" doctor")
        if address.kind == "postgres"
        else sqlite_engine(address, 1, read_only=True)
    )
    try:
        yield engine
    finally:
        await engine.dispose()


async def _ahead(engine: AsyncEngine) -> float:
    with translated():
        async with engine.begin() as connection:
            now: ColumnElement[float] = literal_column(dialect(postgres=True).now, Double)
            return time.time() - (await connection.execute(select(now))).scalar_one()


async def _require_same(address: DatabaseAddress, direct: DatabaseAddress) -> None:
    engines = open_postgres(address, direct, 1)
    try:
        await require_same(engines)
    finally:
        await engines.close()


def _exists(file: Path | None) -> bool:
    return file is not None and file.is_file()
