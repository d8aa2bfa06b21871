"""A scene on every kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.ports import Store
from tests.store.scene import Scene
from tests.support.databases import postgres_database, sqlite_url


@pytest.fixture
async def scene(store: Store) -> Scene:
    """A worker on a fresh store."""
    return await Scene(store).enter()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables: the test runs once with each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    request.getfixturevalue("migrated_postgres")  # skips without a server
    with postgres_database() as url:
        yield url
