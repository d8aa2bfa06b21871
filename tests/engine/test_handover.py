"""Handing over: what one process cannot finish, a peer goes on with at once, long before the lease would be over."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from bot.domain.deliveries import Acceptance
from bot.domain.lanes import LEASE_SECONDS
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect
from bot.domain.turns import TextDelta
from bot.ports import Store
from bot.store import open_store
from bot.toolbox.functions import FunctionToolbox
from bot.toolbox.loader import load_tools
from tests.support.engine_doubles import (
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    SmallToolbox,
    calls,
    gives,
    say,
    text,
    until,
    waits_at,
)

NO_DRAIN = QUICK.model_copy(update={"drain": 0.0})
LIKE_REAL = QUICK.model_copy(update={"poll": 2.0, "heartbeat": 2.0, "lease": LEASE_SECONDS, "drain": 0.2})
"""With the rhythms of production, so that it shows when a wake-up is missing."""
SLEEPER = '''
import threading, time
from bot.toolbox import tool

go = threading.Event()
begun = threading.Event()


@tool(effect="read", timeout=3600)
def sleeper() -> str:
    """Sleep for ever."""
    begun.set()
    go.wait()
    return "awake"
'''


@pytest.fixture
async def peer_store(store: Store, database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """The store as another process sees it. SQLite lets no other process in: there it is the same."""
    if database_url.startswith("sqlite"):
        yield store
        return
    async with open_store(database_url, tmp_path) as opened:
        yield opened


async def first_event(bench: Bench, accepted: Acceptance) -> float:
    """When a process tells something about a run for the first time."""
    await until(lambda: _told(bench, accepted))
    return asyncio.get_running_loop().time()


async def test_a_peer_goes_on_with_a_cut_stream_long_before_the_lease_is_over(store: Store, peer_store: Store) -> None:
    gate = Gate()
    old = Bench(store, ScriptedClient([TextDelta("a"), gate]), limits=LIKE_REAL)
    new = Bench(peer_store, ScriptedClient(text("b")), limits=LIKE_REAL)
    accepted = await say(store, "Hi")
    leaving = asyncio.create_task(old.run())
    await gate.reached.wait()
    async with new.working():
        leaving.cancel()
        await asyncio.wait([leaving])
        handed_back = asyncio.get_running_loop().time()
        assert await first_event(new, accepted) - handed_back < LEASE_SECONDS / 2
        run = await new.outlet.end_of(accepted.run_id)
    assert run.status is RunStatus.COMPLETED
    assert old.outlet.ended == []


async def test_a_thread_whose_run_ends_during_the_drain_is_free_for_a_peer_at_once(
    store: Store, peer_store: Store
) -> None:
    """The peer looks for lanes only when it is told of them."""
    short, long = Gate(), Gate()
    limits = LIKE_REAL.model_copy(update={"drain": 1000.0, "poll": 1000.0})
    old = Bench(store, ScriptedClient([short, *text("One")], [long, *text("Other")]), limits=limits)
    new = Bench(peer_store, ScriptedClient(text("Two")), limits=limits)
    first = await say(store, "One", conversation="a")
    leaving = asyncio.create_task(old.run())
    await short.reached.wait()
    other = await say(store, "Other", conversation="b")
    await long.reached.wait()
    second = await say(store, "Two", conversation="a")
    async with new.working():
        await until(lambda: _present(peer_store, 2))
        leaving.cancel()
        await until(lambda: _present(peer_store, 1))
        short.open.set()
        await old.outlet.end_of(first.run_id)
        await new.outlet.end_of(second.run_id)
        assert not leaving.done()
        long.open.set()
        await old.outlet.end_of(other.run_id)
        await asyncio.wait([leaving])
    assert [run.id for run in new.outlet.ended] == [second.run_id]


async def test_what_is_said_during_the_drain_is_answered_by_a_peer(store: Store, peer_store: Store) -> None:
    gate = Gate()
    limits = LIKE_REAL.model_copy(update={"drain": 1000.0})
    old = Bench(store, ScriptedClient([gate, *text("One")]), limits=limits)
    new = Bench(peer_store, ScriptedClient(text("Two")), limits=limits)
    first = await say(store, "One", conversation="a")
    leaving = asyncio.create_task(old.run())
    await gate.reached.wait()
    async with new.working():
        await until(lambda: _present(peer_store, 2))
        leaving.cancel()
        await until(lambda: _present(peer_store, 1))
        second = await say(store, "Two", conversation="b")
        await new.outlet.end_of(second.run_id)
        gate.open.set()
        await asyncio.wait([leaving])
    assert [run.id for run in old.outlet.ended] == [first.run_id]


async def test_a_tool_that_is_cut_by_the_drain_is_begun_again_by_the_peer(store: Store, peer_store: Store) -> None:
    gate = Gate()
    tools = SmallToolbox(look=(Effect.READ, waits_at(gate)))
    old = Bench(store, ScriptedClient(calls(("look", {}))), tools, limits=NO_DRAIN)
    accepted = await say(store, "Hi")
    async with old.working():
        await gate.reached.wait()
    new = Bench(peer_store, ScriptedClient(text("Done")), SmallToolbox(look=(Effect.READ, gives("seen"))))
    async with new.working():
        await new.outlet.end_of(accepted.run_id)
    assert [name for name, _ in new.toolbox.begun] == ["look"]


async def test_a_blocking_tool_that_never_returns_does_not_hold_up_the_end(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "sleeper.py").write_text(SLEEPER)
    loaded = load_tools(folder)
    go, begun = _events(loaded[0].function)
    async with aiohttp.ClientSession() as http:
        tools = FunctionToolbox(loaded, store.collections, http)
        limits = QUICK.model_copy(update={"drain": 0.2})
        bench = Bench(store, ScriptedClient(calls(("sleeper", {}))), tools, limits=limits)  # type: ignore[arg-type]
        accepted = await say(store, "Hi")
        leaving = asyncio.create_task(bench.run())
        await until(lambda: _is_set(begun))
        leaving.cancel()
        async with asyncio.timeout(2.0):
            await asyncio.wait([leaving])
    (call,) = await store.runs.calls(accepted.run_id)
    assert call.state is CallState.STARTED
    go.set()


def _events(function: Callable[..., object]) -> tuple[threading.Event, threading.Event]:
    named: dict[str, threading.Event] = function.__globals__
    return named["go"], named["begun"]


async def _is_set(event: threading.Event) -> bool:
    return event.is_set()


async def _told(bench: Bench, accepted: Acceptance) -> bool:
    return bool(bench.outlet.events.get(accepted.run_id))


async def _present(store: Store, workers: int) -> bool:
    """Whether so many processes work that are not about to end."""
    return (await store.workers.enrol("onlooker", "gateway")).workers == workers
