"""PostgreSQL behind PgBouncer in transaction mode: it lends its connections for one transaction at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import RunStatus
from bot.errors import OperatorError, SettingsError
from bot.ports import Ending, Store
from bot.store import migrate, open_store
from bot.store.postgres import postgres_engine
from bot.store.urls import parse_url
from tests.store.scene import Scene
from tests.support.databases import postgres_database, url_of
from tests.support.pgbouncer import pgbouncer, why_no_pgbouncer

pytestmark = pytest.mark.postgres
CONNECTIONS = 2


@pytest.fixture
def pooled_url(postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """The database of `postgres_url` through PgBouncer."""
    if reason := why_no_pgbouncer():
        pytest.skip(reason)
    with pgbouncer(postgres_url, tmp_path, CONNECTIONS) as url:
        yield url


@pytest.fixture
async def behind(pooled_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with more connections to PgBouncer than that has to the database."""
    async with open_store(pooled_url, tmp_path, pool_size=6, direct_url=postgres_url) as store:
        yield store


async def answer_all(scene: Scene, count: int) -> list[str]:
    """Answer what is asked until so many runs are through."""
    done: list[str] = []
    runs, lanes = scene.store.runs, scene.store.lanes
    while len(done) < count:
        for lease in await lanes.claim(scene.worker, 3):
            while work := await lanes.next_work(lease):
                await runs.start(lease, work.run.id)
                await scene.answer(lease, work.run.id, "Yes")
                await runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
                await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
                done.append(work.run.id)
    return done


async def test_a_direct_url_to_another_database_stops_the_start(postgres_url: str, tmp_path: Path) -> None:
    """Else a process would beat in one database and look for work in the other."""
    with postgres_database(template=None) as other:
        await migrate(other, tmp_path)
        with pytest.raises(SettingsError, match="DATABASE_DIRECT_URL leads to another database"):
            async with open_store(postgres_url, tmp_path, direct_url=other):
                pass


async def test_many_clients_work_through_few_connections(behind: Store) -> None:
    scenes = [await Scene(behind).enter() for _ in range(4)]
    said = await asyncio.gather(*(scenes[n % 4].say(f"m{n}", f"C{n % 8}") for n in range(24)))
    looking = asyncio.gather(*(behind.runs.get(one.run_id) for one in said * 4))
    done = await answer_all(scenes[0], len(said))
    assert sorted(done) == sorted(one.run_id for one in said)
    assert all(await looking)
    for scene in scenes:
        await behind.workers.beat(scene.worker)
        await behind.workers.leave(scene.worker)


async def test_every_transaction_has_its_time_limits(pooled_url: str) -> None:
    engine = postgres_engine(parse_url(pooled_url), 3, pooled=True)
    try:
        for _ in range(2):
            async with engine.begin() as connection:
                limits = [
                    (await connection.execute(text(f"SHOW {name}"))).scalar_one()
                    for name in ("lock_timeout", "statement_timeout")
                ]
                assert limits == ["10s", "20s"]
    finally:
        await engine.dispose()


async def test_a_process_is_told_what_another_did_through_pgbouncer(
    behind: Store, pooled_url: str, postgres_url: str, tmp_path: Path
) -> None:
    async with open_store(pooled_url, tmp_path, direct_url=postgres_url) as other:
        scene = await Scene(other).enter()
        await other.lanes.claim(scene.worker, 1)
        waiting = asyncio.create_task(other.lanes.wait(60))
        began = time.monotonic()
        await Scene(behind).say()
        await waiting
        assert time.monotonic() - began < 20  # it was told, and did not wait for its minute to end


async def test_without_a_direct_url_a_look_after_a_while_finds_what_another_did(
    pooled_url: str, tmp_path: Path
) -> None:
    url = url_of(pooled_url, statement_cache_size="0")
    async with open_store(url, tmp_path) as one, open_store(url, tmp_path) as other:
        scene = await Scene(other).enter()
        await other.lanes.claim(scene.worker, 1)
        await Scene(one).say()
        await other.lanes.wait(0.1)  # nobody told it: the time of the engine's poll passes
        assert len(await other.lanes.claim(scene.worker, 1)) == 1


async def test_migrations_take_the_direct_way(migrated_postgres: str, tmp_path: Path) -> None:
    with postgres_database() as direct:
        nowhere = "postgres://127.0.0.1:1/d"
        await migrate(nowhere, tmp_path, direct_url=direct)
        async with open_store(direct, tmp_path) as store:
            assert await store.notes.read("n") is None
        with pytest.raises(OperatorError, match=r"^DATABASE_DIRECT_URL: "):
            await migrate(direct, tmp_path, direct_url=nowhere)
