"""Fixtures for all rooms: a store on both databases, or on SQLite alone."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.support.databases import (
    copied_sqlite,
    empty_postgres,
    postgres_database,
    postgres_template,
    sqlite_template,
    why_no_postgres,
)
from tests.support.figures import told


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of this session's migrated template; skips when there is no server."""
    if reason := why_no_postgres():
        pytest.skip(reason)
    with postgres_template(tmp_path_factory.mktemp("template")) as url:
        yield url


@pytest.fixture
def postgres_url(migrated_postgres: str) -> Iterator[str]:
    """URL of a migrated PostgreSQL database that this test has for itself."""
    with postgres_database(template=migrated_postgres) as url:
        yield url


@pytest.fixture(scope="session")
def shared_postgres(migrated_postgres: str) -> Iterator[str]:
    """URL of the database that this session's tests use one after the other."""
    with postgres_database(template=migrated_postgres) as url:
        yield url


@pytest.fixture
def emptied_postgres(shared_postgres: str) -> str:
    """The same without a row."""
    empty_postgres(shared_postgres)
    return shared_postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This session's migrated file to copy."""
    return sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def copied_sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """URL of a migrated SQLite database in the test's folder."""
    return copied_sqlite(migrated_sqlite, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated database without rows: the test runs once with each kind."""
    return request.getfixturevalue("copied_sqlite_url" if request.param == "sqlite" else "emptied_postgres")


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store, once with each kind of database."""
    async with open_store(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def sqlite_store(copied_sqlite_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on SQLite alone, for rooms that do not care which database it is."""
    async with open_store(copied_sqlite_url, tmp_path) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that tests told, at the end of the run."""
    passed = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    lines = [line for report in passed for line in told(report.capstdout)]
    if lines:
        terminalreporter.section("figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)
