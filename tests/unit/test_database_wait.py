"""How long a process waits for its database at the start."""

import asyncio

import pytest

from bot import database_wait
from bot.database_wait import patiently
from bot.errors import StoreRefused, StoreUnavailable


async def test_a_database_that_comes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_wait, "_PAUSE", 0.0)
    errors = [StoreUnavailable(), StoreUnavailable()]

    async def opened() -> str:
        if errors:
            raise errors.pop()
        return "store"

    assert await patiently(opened, asyncio.Event()) == "store"


async def test_a_database_that_refuses_us_is_not_waited_for() -> None:
    """A wrong password does not become right by waiting."""
    tries = 0

    async def refused() -> str:
        nonlocal tries
        tries += 1
        raise StoreRefused

    with pytest.raises(StoreRefused):
        await patiently(refused, asyncio.Event())
    assert tries == 1


async def test_a_process_that_is_told_to_stop_while_it_waits_ends_with_0() -> None:
    stopping = asyncio.Event()
    stopping.set()

    async def away() -> str:
        raise StoreUnavailable

    with pytest.raises(SystemExit) as ended:
        await patiently(away, stopping)
    assert ended.value.code == 0
