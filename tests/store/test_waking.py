"""Processes wake each other: what one does is seen by the others before they would look by themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from bot.domain.runs import RunStatus
from bot.domain.steps import Decision
from bot.ports import Store
from bot.store import open_store
from tests.store.decisions import interrupted
from tests.store.scene import Scene
from tests.store.tampering import behind_its_back, expire

pytestmark = pytest.mark.postgres
SOON = 20.0
"""Seconds; the poll would take two."""
HEARTS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parley heartbeat'"


@pytest.fixture
async def here(emptied_postgres: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """A process."""
    async with open_store(emptied_postgres, tmp_path) as store:
        yield await Scene(store).enter()


@pytest.fixture
async def there(emptied_postgres: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Another process, which listens since its first heartbeat."""
    async with open_store(emptied_postgres, tmp_path) as store:
        yield await Scene(store).enter()


async def looked(scene: Scene) -> None:
    """The process has looked: what rings from now on is new."""
    await scene.store.lanes.claim(scene.worker, 5)
    await scene.store.runs.wait_for_stop(0)


async def woken(waiting: Awaitable[None], action: Awaitable[object]) -> None:
    """The action ends the waiting, and soon."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)  # it waits
    began = time.monotonic()
    await action
    await task
    assert time.monotonic() - began < SOON


async def stays_asleep(store: Store) -> None:
    """Nothing has rung, and nothing is on its way: what is told arrives in the order in which it was told."""
    began = time.monotonic()
    await store.lanes.wait(0.3)
    assert time.monotonic() - began >= 0.29


async def test_a_message_that_another_process_accepts_wakes(here: Scene, there: Scene) -> None:
    await looked(there)
    await woken(there.store.lanes.wait(60), here.say())
    assert len(await there.store.lanes.claim(there.worker, 5)) == 1


async def test_a_duplicate_wakes_nobody(here: Scene, there: Scene) -> None:
    await looked(there)  # connecting has rung
    await here.say("hi", "C1", "k")
    await caught_up(there)
    await here.say("hi", "C1", "k")
    await stays_asleep(there.store)


async def caught_up(scene: Scene) -> None:
    """What was told has arrived, and was looked at."""
    await scene.store.lanes.wait(60)
    await looked(scene)


async def test_a_process_does_not_wake_itself_twice(here: Scene) -> None:
    await looked(here)
    await here.say()
    await looked(here)
    await stays_asleep(here.store)


async def test_a_stop_that_another_process_takes_wakes_who_waits_for_stops(here: Scene, there: Scene) -> None:
    _, work = await there.started()
    await looked(there)
    await woken(there.store.runs.wait_for_stop(60), here.store.runs.request_cancel(work.run.id))
    assert await there.store.runs.cancelling([work.run.id, "run_x"]) == {work.run.id}


async def test_a_stop_of_a_resting_run_wakes_who_waits_for_lanes(here: Scene, there: Scene) -> None:
    lease, work = await there.started()
    await there.store.runs.postpone(lease, work.run.id, 1000)
    assert await there.store.lanes.next_work(lease) is None
    await looked(there)
    await woken(there.store.lanes.wait(60), here.store.runs.request_cancel(work.run.id))
    (_, again) = await there.take()
    assert again.run.status is RunStatus.CANCELLING


async def test_a_message_does_not_wake_who_waits_for_stops(here: Scene, there: Scene) -> None:
    await looked(there)
    waiting = asyncio.create_task(there.store.runs.wait_for_stop(60))
    await here.say()
    await there.store.lanes.wait(60)  # the message has been heard of
    assert not waiting.done()
    waiting.cancel()


async def test_a_decision_that_another_process_takes_wakes(here: Scene, there: Scene) -> None:
    lease, call = await interrupted(there)
    await there.store.runs.wait_for_decision(lease, call)
    assert await there.store.lanes.next_work(lease) is None
    await looked(there)
    await woken(there.store.lanes.wait(60), here.store.runs.decide(call.run_id, call.interruption, Decision.AGAIN))


async def test_lanes_of_a_process_that_leaves_wake_the_others(here: Scene, there: Scene) -> None:
    await here.started()
    await looked(there)
    await woken(there.store.lanes.wait(60), here.store.workers.leave(here.worker))
    assert len(await there.store.lanes.claim(there.worker, 5)) == 1


async def test_lanes_of_a_dead_process_wake_whoever_did_not_find_them(
    here: Scene, there: Scene, emptied_postgres: str
) -> None:
    dead = await Scene(here.store).enter()
    await dead.started()
    await expire(emptied_postgres, dead.worker)
    await looked(there)
    await woken(there.store.lanes.wait(60), here.store.workers.beat(here.worker))


async def test_after_a_lost_connection_the_next_beat_listens_again(
    here: Scene, there: Scene, emptied_postgres: str
) -> None:
    await looked(there)
    ended = await behind_its_back(emptied_postgres, f"SELECT pg_terminate_backend(pid, 5000) {HEARTS}")
    assert ended == 2
    await here.say()
    await stays_asleep(there.store)
    await woken(there.store.lanes.wait(60), there.store.workers.beat(there.worker))  # it may have missed something
    await looked(there)
    await woken(there.store.lanes.wait(60), here.say("again", "C2"))
