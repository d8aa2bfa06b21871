"""`event`: from the platform's event to the started run."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
import asyncpg
from sqlalchemy import make_url

from bot.ports import Store
from bot.store import open_store
from tests.bench.models import AT_ONCE, PacedModel
from tests.bench.places import Kind, database, kinds
from tests.bench.quantiles import milliseconds, p50, p99
from tests.bench.records import Baseline, Figure, Target
from tests.bench.workplace import ASSISTANT, Workplace, at_work, heard

TARGETS: dict[Kind, float] = {"sqlite": 10.0, "postgres": 20.0}
"""Milliseconds at the median, idle."""
LOAD = 5.0
"""Messages a second beside the measured ones, each answered for two seconds: 10 answers being written at any time."""
CONVERSATIONS = 20
_WORDS, _PACE = 40, 0.05
_APART = 0.02
"""Seconds between two measurements, so that they do not queue behind each other."""
_LONGEST = 15.0
"""Seconds after which the measurements that there are have to do."""


def measure(*, quick: bool) -> list[Figure]:
    """Both databases, idle and with load."""
    events = 5 if quick else 300
    figures: list[Figure] = []
    for kind in kinds():
        with database(kind) as (url, folder):
            figures += asyncio.run(_measure(kind, url, folder, events))
    return figures


async def _measure(kind: Kind, url: str, folder: Path, events: int) -> list[Figure]:
    async with at_work(url, folder, PacedModel(words=5), latency=0.0) as place:
        await _timed(
            lambda: _start(place), min(events, CONVERSATIONS)
        )  # conversations come into being, statements are prepared
        idle = await _timed(lambda: _start(place), events)
    async with at_work(url, folder, PacedModel(_WORDS, _PACE), lanes=200) as place, _loaded(place):
        await asyncio.sleep(_WORDS * _PACE)  # until as many answers are being written as will be
        busy = await _timed(lambda: _start(place), events)
    async with open_store(url, folder) as store:  # and no engine that goes on with what is accepted
        accepts = await _timed(lambda: _accept(store), events)
    async with _bare_commit(kind, url, folder) as commit:
        commits = await _timed(commit, events)
    return [
        _figure(f"{kind}, idle", idle, Baseline("bare accept transaction", p50(accepts)), TARGETS[kind]),
        _figure(f"{kind}, {LOAD:.0f} other messages a second", busy, Baseline("idle", p50(idle))),
        _figure(f"{kind}, accept transaction alone", accepts, Baseline("one-row commit, bare driver", p50(commits))),
    ]


def _figure(what: str, times: list[float], baseline: Baseline, target: float | None = None) -> Figure:
    base = Baseline(baseline.name, milliseconds(baseline.value))
    details = {"p99 ms": milliseconds(p99(times)), "measurements": len(times)}
    return Figure("event", what, milliseconds(p50(times)), "ms p50", base, Target(target) if target else None, details)


async def _timed(once: Callable[[], Awaitable[float]], events: int) -> list[float]:
    times: list[float] = []
    until = time.monotonic() + _LONGEST
    while len(times) < events and time.monotonic() < until:
        times.append(await once())
        await asyncio.sleep(_APART)
    return times


_turns = iter(range(1_000_000_000))


async def _start(place: Workplace) -> float:
    """Seconds from the call of `receive` to the run's `in_progress`; returns when the answer is delivered."""
    began = time.monotonic()
    answering = await place.say(f"How are you? {AT_ONCE}", f"measured {next(_turns) % CONVERSATIONS}")
    started = await answering.started - began
    await answering.ended
    return started


async def _accept(store: Store) -> float:
    """The accept transaction alone, for conversations that are known."""
    event = heard("How are you?", f"measured {next(_turns) % CONVERSATIONS}")
    began = time.monotonic()
    await store.intake.accept(event, ASSISTANT)
    return time.monotonic() - began


@asynccontextmanager
async def _loaded(place: Workplace) -> AsyncGenerator[None]:
    """Other people talk, evenly spread, each in a conversation of their own, until the context is left."""

    async def people() -> None:
        async with asyncio.TaskGroup() as answers:
            while True:
                answers.create_task(place.turn("And you?", f"other {next(_turns)}"))
                await asyncio.sleep(1 / LOAD)

    talking = asyncio.create_task(people())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.wait([talking])


@asynccontextmanager
async def _bare_commit(kind: Kind, url: str, folder: Path) -> AsyncGenerator[Callable[[], Awaitable[float]]]:
    """Seconds of a transaction that inserts one row, with the store's driver and settings but without the store."""
    create = "CREATE TABLE bare (id INTEGER PRIMARY KEY, words TEXT)"
    insert = "INSERT INTO bare (words) VALUES ('How are you?')"
    if kind == "postgres":
        connection = await asyncpg.connect(url)
        await connection.execute(create.replace("INTEGER", "SERIAL"))

        async def commit() -> float:
            began = time.monotonic()
            async with connection.transaction():
                await connection.execute(insert)
            return time.monotonic() - began

        yield commit
        await connection.close()
    else:
        file = make_url(url).database
        assert file is not None
        async with aiosqlite.connect(file, isolation_level=None) as sqlite:
            await sqlite.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {create}")

            async def commit() -> float:
                began = time.monotonic()
                for statement in ("BEGIN IMMEDIATE", insert, "COMMIT"):
                    await sqlite.execute(statement)
                return time.monotonic() - began

            yield commit
