"""A process whose clock is wrong by an hour does no harm: what processes compare is by the database's clock."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.deliveries import DeliveryState
from bot.domain.events import RunChanged
from bot.domain.runs import RunStatus
from bot.ports import Ending, Store
from bot.store import open_store
from tests.store.decisions import interrupted
from tests.store.scene import ASSISTANT, Scene, an_event
from tests.store.tampering import behind_its_back

HOUR = 3600.0
_time = time.time


@pytest.fixture(params=[HOUR, -HOUR], ids=["ahead", "behind"])
async def skewed(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    """A store in a process whose clock is wrong."""
    monkeypatch.setattr(time, "time", lambda: _time() + request.param)
    monkeypatch.setattr(time, "time_ns", lambda: int((_time() + request.param) * 1e9))
    async with open_store(database_url, tmp_path) as store:
        yield store


async def test_a_run_lives_as_long_as_it_was_given(skewed: Store) -> None:
    scene = await Scene(skewed).enter()
    before = _time()
    await skewed.intake.accept(an_event(), ASSISTANT, lifetime=100)
    lease, work = await scene.take()
    after = _time()
    assert work.run.expires_at is not None
    assert before + 98 < work.run.expires_at <= after + 100
    assert before - 1 < work.now < after + 1
    assert not work.expired
    await skewed.runs.start(lease, work.run.id)
    await scene.answer(lease, work.run.id, "In time")


async def test_a_run_is_over_when_its_time_is(skewed: Store) -> None:
    scene = await Scene(skewed).enter()
    await skewed.intake.accept(an_event(), ASSISTANT, lifetime=-2)
    _, work = await scene.take()
    assert work.expired


async def test_neither_a_lease_nor_a_duty_is_lost_or_lasts_too_long(skewed: Store, database_url: str) -> None:
    scene, other = await Scene(skewed).enter(), await Scene(skewed).enter()
    lease, work = await scene.started()
    (duty,) = await skewed.duties.take(scene.worker, ["d"], 1)
    for _ in range(2):
        await skewed.workers.beat(scene.worker)
        await skewed.workers.beat(other.worker)
        assert await skewed.lanes.claim(other.worker, 5) == ()
        assert await skewed.duties.take(other.worker, ["d"], 1) == ()
    assert await skewed.lanes.next_work(lease) is not None
    ago = f"UPDATE workers SET expires_at = {_time() - 0.001} WHERE id = :id"
    await behind_its_back(database_url, ago, id=scene.worker)
    await skewed.workers.beat(other.worker)
    (taken,) = await skewed.lanes.claim(other.worker, 5)
    assert taken.fence == lease.fence + 1
    (took,) = await skewed.duties.take(other.worker, ["d"], 1)
    assert took.fence == duty.fence + 1
    await skewed.runs.end(taken, work.run.id, Ending(RunStatus.FAILED))
    await skewed.deliveries.close(taken, work.run.id, DeliveryState.DELIVERED)


async def test_waiting_runs_are_not_woken_too_early_and_nothing_young_is_cleaned(skewed: Store) -> None:
    scene = await Scene(skewed).enter()
    lease, call = await interrupted(scene)
    await skewed.runs.wait_for_decision(lease, call)
    assert await skewed.lanes.next_work(lease) is None
    assert await skewed.upkeep.wake_expired() == 0
    await skewed.files.add("a", b"a", "text/plain", claimed=False)
    assert await skewed.upkeep.forget_files(2 * HOUR) == 0
    assert await skewed.upkeep.forget_keys(2 * HOUR) == 0


async def test_a_run_loses_no_time_by_waiting_for_its_turn(scene: Scene, database_url: str) -> None:
    """Behind a long answer, or while nobody worked at all."""
    await scene.store.intake.accept(an_event(), ASSISTANT, lifetime=60)
    await behind_its_back(
        database_url, "UPDATE runs SET created_at = created_at - 3600, expires_at = expires_at - 3600"
    )
    lease, work = await scene.take()
    assert (work.remaining, work.expired) == (60, False)
    (started,) = await scene.store.runs.start(lease, work.run.id, work.now)
    assert isinstance(started, RunChanged)
    assert started.run.expires_at == int(work.now) + 60
    again = await scene.store.lanes.next_work(lease)
    assert again is not None
    assert again.remaining == pytest.approx(60, abs=5)


async def test_a_run_that_waits_for_its_turn_wakes_no_lane(scene: Scene, database_url: str) -> None:
    await scene.store.intake.accept(an_event(), ASSISTANT, lifetime=60)
    await behind_its_back(
        database_url, "UPDATE runs SET created_at = created_at - 3600, expires_at = expires_at - 3600"
    )
    await behind_its_back(database_url, "UPDATE lanes SET ready = false")
    assert await scene.store.upkeep.wake_expired() == 0
