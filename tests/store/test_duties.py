"""Duties: exactly one living process has each."""

import asyncio
import time

from bot.domain.duties import Duty
from bot.ports import Store
from tests.store.scene import Scene
from tests.store.tampering import expire

NAMES = ["slack:T1:socket 1", "slack:T1:socket 2", "console"]


async def test_names_come_into_being_when_they_are_first_asked_for(scene: Scene) -> None:
    taken = await scene.store.duties.take(scene.worker, NAMES, 5)
    assert {duty.name for duty in taken} == set(NAMES)
    assert {(duty.worker_id, duty.fence) for duty in taken} == {(scene.worker, 1)}


async def test_no_more_are_taken_than_asked_for(scene: Scene) -> None:
    assert len(await scene.store.duties.take(scene.worker, NAMES, 2)) == 2
    assert await scene.store.duties.take(scene.worker, NAMES, 0) == ()
    assert await scene.store.duties.take(scene.worker, [], 5) == ()


async def test_what_somebody_has_is_not_taken(scene: Scene) -> None:
    await scene.store.duties.take(scene.worker, NAMES, 5)
    other = await Scene(scene.store).enter()
    assert await scene.store.duties.take(other.worker, NAMES, 5) == ()
    assert await scene.store.duties.take(scene.worker, NAMES, 5) == ()


async def test_takers_at_once_never_share_a_duty(store: Store) -> None:
    scenes = [await Scene(store).enter() for _ in range(5)]
    names = [f"d{number}" for number in range(20)]
    taken = await asyncio.gather(*(store.duties.take(scene.worker, names, 6) for scene in scenes))
    while any(rest := await asyncio.gather(*(store.duties.take(scene.worker, names, 6) for scene in scenes))):
        taken += rest
    assert sorted(duty.name for duties in taken for duty in duties) == sorted(names)


async def test_what_a_dead_process_had_is_taken_with_a_higher_fence(scene: Scene, database_url: str) -> None:
    await scene.store.duties.take(scene.worker, ["d"], 1)
    other = await Scene(scene.store).enter()
    await expire(database_url, scene.worker)
    (taken,) = await scene.store.duties.take(other.worker, ["d"], 1)
    assert taken == Duty(name="d", worker_id=other.worker, fence=2)


async def test_what_was_left_is_taken_at_once(scene: Scene) -> None:
    await scene.store.duties.take(scene.worker, ["d"], 1)
    other = await Scene(scene.store).enter()
    await scene.store.workers.leave(scene.worker)
    assert len(await scene.store.duties.take(other.worker, ["d"], 1)) == 1


async def test_who_is_not_there_or_about_to_go_takes_nothing(scene: Scene, database_url: str) -> None:
    duties = scene.store.duties
    assert await duties.take("worker_stranger", ["d"], 1) == ()
    await scene.store.workers.retire(scene.worker)
    assert await duties.take(scene.worker, ["d"], 1) == ()
    other = await Scene(scene.store).enter()
    await expire(database_url, other.worker)
    assert await duties.take(other.worker, ["d"], 1) == ()


async def test_what_is_given_up_rests_as_long_as_asked(scene: Scene) -> None:
    (duty,) = await scene.store.duties.take(scene.worker, ["d"], 1)
    began = time.monotonic()
    await scene.store.duties.give_up(duty, rest=0.3)
    while not (taken := await scene.store.duties.take(scene.worker, ["d"], 1)):
        assert time.monotonic() - began < 5
    assert time.monotonic() - began >= 0.29
    await scene.store.duties.give_up(taken[0])
    assert len(await scene.store.duties.take(scene.worker, ["d"], 1)) == 1


async def test_only_its_owner_gives_a_duty_up(scene: Scene, database_url: str) -> None:
    (old,) = await scene.store.duties.take(scene.worker, ["d"], 1)
    await expire(database_url, scene.worker)
    other = await Scene(scene.store).enter()
    (new,) = await scene.store.duties.take(other.worker, ["d"], 1)
    await scene.store.duties.give_up(old)
    await scene.store.duties.give_up(new.model_copy(update={"fence": 1}))
    third = await Scene(scene.store).enter()
    assert await scene.store.duties.take(third.worker, ["d"], 1) == ()
