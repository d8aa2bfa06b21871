"""How far a platform's messages have been dealt with."""

import asyncio
from contextlib import suppress

import pytest

from bot.errors import StoreUnavailable
from bot.ports import Store
from bot.relay.seen import Seen

NAME = "memory seen 1"


async def seen_of(store: Store, mark: int | None = None) -> Seen:
    """What a keeper begins with after an earlier one has left this mark."""
    if mark is not None:
        await store.notes.write(NAME, str(mark))
    seen = Seen(store.notes, NAME)
    await seen.load()
    return seen


async def test_the_first_keeper_ever_has_no_mark_until_it_is_released(sqlite_store: Store) -> None:
    seen = await seen_of(sqlite_store)
    with seen.taking(7):
        pass
    assert seen.mark is None
    seen.release(5)
    assert seen.mark == 7, "what was dealt with before counts too"


async def test_the_next_keeper_begins_where_the_last_one_left(sqlite_store: Store) -> None:
    seen = await seen_of(sqlite_store, 5)
    with seen.taking(9):
        pass
    await seen.write()
    assert (await seen_of(sqlite_store)).mark == 9


async def test_marks_of_different_names_are_apart(sqlite_store: Store) -> None:
    await (await seen_of(sqlite_store, 5)).write()
    other = Seen(sqlite_store.notes, "memory seen 2")
    await other.load()
    assert other.mark is None


async def test_the_mark_stays_below_a_message_that_is_being_dealt_with(sqlite_store: Store) -> None:
    seen = await seen_of(sqlite_store, 5)
    with seen.taking(10):
        with seen.taking(20):
            pass
        assert seen.mark == 9
    assert seen.mark == 20


async def test_a_message_that_broke_off_counts_as_dealt_with(sqlite_store: Store) -> None:
    """Whoever takes it tells the person; the mark is not stuck before it for ever."""
    seen = await seen_of(sqlite_store, 5)
    with suppress(StoreUnavailable), seen.taking(10):
        raise StoreUnavailable
    assert seen.mark == 10


async def test_a_session_that_begins_holds_the_mark_until_nothing_is_missing(sqlite_store: Store) -> None:
    seen = await seen_of(sqlite_store, 5)
    seen.hold()
    with seen.taking(30):
        pass
    seen.hold()
    assert seen.mark == 5, "a second session does not forget what the first one had not read yet"
    seen.release(20)
    assert seen.mark == 30


async def test_an_older_message_does_not_move_the_mark_back(sqlite_store: Store) -> None:
    seen = await seen_of(sqlite_store, 50)
    with seen.taking(10):
        pass
    seen.release(20)
    assert seen.mark == 50


async def test_nothing_is_written_before_it_is_known_what_was_there(sqlite_store: Store) -> None:
    await sqlite_store.notes.write(NAME, "50")
    seen = Seen(sqlite_store.notes, NAME)
    seen.release(20)
    await seen.write()
    assert await sqlite_store.notes.read(NAME) == "50"


async def test_a_store_that_is_away_costs_nothing_but_the_write(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    seen = await seen_of(sqlite_store, 5)
    seen.release(9)
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_store.notes, "raise_to", away)
        await seen.write()
    assert await sqlite_store.notes.read(NAME) == "5"
    await seen.write()
    assert await sqlite_store.notes.read(NAME) == "9"


async def test_a_changed_mark_is_written_without_being_asked(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, raise_to = asyncio.Event(), sqlite_store.notes.raise_to

    async def noted(name: str, value: int) -> None:
        await raise_to(name, value)
        written.set()

    seen = await seen_of(sqlite_store, 5)
    monkeypatch.setattr(sqlite_store.notes, "raise_to", noted)
    keeping = asyncio.create_task(seen.keep())
    with seen.taking(8):
        pass
    async with asyncio.timeout(10):
        await written.wait()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert await sqlite_store.notes.read(NAME) == "8"


async def test_the_mark_stays_before_a_message_whose_keeper_had_to_go(sqlite_store: Store) -> None:
    """Nobody knows whether it was accepted: the next keeper reads it, until then nothing that came later counts."""
    seen = await seen_of(sqlite_store, 5)
    with suppress(asyncio.CancelledError), seen.taking(10):
        raise asyncio.CancelledError
    with seen.taking(20):
        pass
    assert seen.mark == 9
    seen.release(15)
    assert seen.mark == 20


async def test_a_keeper_that_knows_less_than_another_leaves_its_mark(sqlite_store: Store) -> None:
    """Both may be there for a while; what one has dealt with is dealt with."""
    seen = await seen_of(sqlite_store, 5)
    with seen.taking(9):
        pass
    await sqlite_store.notes.write(NAME, "50")
    await seen.write()
    assert await sqlite_store.notes.read(NAME) == "50"
