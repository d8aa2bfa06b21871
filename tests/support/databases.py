"""Databases for tests, migrated once a session.

SQLite is a copied file. PostgreSQL is one database that is emptied between tests, and a copy of a template, which takes
half a second, for tests that do to a database what rows do not show.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import URL, make_url

from bot.ports import Store
from bot.store import migrate, open_store
from bot.store.schema import metadata

ADMIN_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
"""Where databases can be created."""
_REACH_SECONDS = 5.0
_FILE = "parley.db"
_DELETE_ALL = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
T = TypeVar("T")


def sqlite_url(directory: Path) -> str:
    """A database file in `directory`."""
    return f"sqlite:///{directory / _FILE}"


def sqlite_template(directory: Path) -> Path:
    """A migrated database file to copy."""
    _aside(migrate(sqlite_url(directory), directory))
    return directory / _FILE


def copied_sqlite(template: Path, directory: Path) -> str:
    """The URL of a copy in `directory`."""
    shutil.copy(template, directory / _FILE)
    return sqlite_url(directory)


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


def url_of(url: str, **query: str) -> str:
    """The URL with parameters."""
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def empty_postgres(url: str) -> None:
    """Delete every row."""
    _aside(_administer(_DELETE_ALL, url))


def _url(database: str) -> str:
    url: URL = make_url(ADMIN_URL).set(database=database)
    return url.render_as_string(hide_password=False)


async def _administer(statement: str, url: str = ADMIN_URL) -> None:
    connection = await asyncpg.connect(url, timeout=_REACH_SECONDS)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _aside(work: Coroutine[object, object, T]) -> T:
    """Run outside the test's own event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
