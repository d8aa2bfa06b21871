"""Fixtures for all rooms: a store on both databases, or on SQLite alone."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.support.databases import open_sqlite, postgres_database, postgres_template, sqlite_url, why_no_postgres


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of this session's migrated template; skips when there is no server."""
    if reason := why_no_postgres():
        pytest.skip(reason)
    with postgres_template(tmp_path_factory.mktemp("template")) as url:
        yield url


@pytest.fixture
def postgres_url(migrated_postgres: str) -> Iterator[str]:
    """URL of a migrated PostgreSQL database for one test."""
    with postgres_database(template=migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database for one test: the test runs once with each kind."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store, once with each kind of database."""
    async with open_store(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on SQLite alone, for rooms that do not care which database it is."""
    async with open_sqlite(tmp_path) as opened:
        yield opened
