"""A scene on every kind of database."""

import pytest

from bot.ports import Store
from tests.store.scene import Scene


@pytest.fixture
async def scene(store: Store) -> Scene:
    """A worker on a fresh store."""
    return await Scene(store).enter()
