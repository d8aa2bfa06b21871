"""Fresh databases for tests: a file for SQLite, a copy of a migrated template for PostgreSQL."""

import asyncio
import os
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import URL, make_url

from bot.ports import Store
from bot.store import migrate, open_store

ADMIN_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
"""Where databases can be created."""
_REACH_SECONDS = 5.0
T = TypeVar("T")


def sqlite_url(directory: Path) -> str:
    """A database file in `directory`."""
    return f"sqlite:///{directory / 'parley.db'}"


def open_sqlite(directory: Path) -> AbstractAsyncContextManager[Store]:
    """A SQLite store in `directory`."""
    return open_store(sqlite_url(directory), directory)


def why_no_postgres() -> str | None:
    """None when databases can be created, else the reason."""
    try:
        _aside(_administer("SELECT 1"))
    except (OSError, asyncpg.PostgresError) as error:
        return f"no PostgreSQL at TEST_POSTGRES_URL: {error or type(error).__name__}"
    return None


@contextmanager
def postgres_database(template: str | None = None) -> Iterator[str]:
    """The URL of a database of its own, empty or a copy of another; dropped afterwards."""
    name = f"parley_test_{secrets.token_hex(6)}"
    copy = "" if template is None else f" TEMPLATE {make_url(template).database}"
    _aside(_administer(f"CREATE DATABASE {name}{copy}"))
    try:
        yield _url(name)
    finally:
        _aside(_administer(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def postgres_template(directory: Path) -> Iterator[str]:
    """The URL of a migrated database to copy; nobody may be connected to it."""
    with postgres_database() as url:
        _aside(migrate(url, directory))
        yield url


def _url(database: str) -> str:
    url: URL = make_url(ADMIN_URL).set(database=database)
    return url.render_as_string(hide_password=False)


async def _administer(statement: str) -> None:
    connection = await asyncpg.connect(ADMIN_URL, timeout=_REACH_SECONDS)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _aside(work: Coroutine[object, object, T]) -> T:
    """Run outside the test's own event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
