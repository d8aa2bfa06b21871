"""Heartbeats: who is there, and what becomes of what the dead had."""

import pytest

from bot import VERSION
from bot.domain.ids import new_id
from bot.domain.workers import Present, Role
from bot.errors import Fenced
from bot.ports import Store
from tests.store.scene import Scene
from tests.store.tampering import behind_its_back, expire


async def enrolled(store: Store, role: Role) -> tuple[str, Present]:
    worker = new_id("worker_")
    return worker, await store.workers.enrol(worker, role)


async def test_who_enrols_is_counted_with_those_who_are_there_by_their_roles(store: Store) -> None:
    assert (await enrolled(store, "all"))[1] == Present(receivers=1, workers=1)
    assert (await enrolled(store, "gateway"))[1] == Present(receivers=2, workers=1)
    worker, present = await enrolled(store, "worker")
    assert present == Present(receivers=2, workers=2)
    assert await store.workers.beat(worker) == present


async def test_the_dead_are_not_counted(store: Store, database_url: str) -> None:
    dead, _ = await enrolled(store, "all")
    await expire(database_url, dead)
    worker, present = await enrolled(store, "all")
    assert present == await store.workers.beat(worker) == Present(receivers=1, workers=1)


async def test_a_beat_that_comes_late_still_counts_its_own_process(store: Store, database_url: str) -> None:
    worker, present = await enrolled(store, "all")
    await expire(database_url, worker)
    assert await store.workers.beat(worker) == present


async def test_who_retires_counts_no_longer_and_claims_nothing_more(scene: Scene) -> None:
    other, _ = await enrolled(scene.store, "all")
    await scene.say()
    await scene.store.workers.retire(scene.worker)
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    assert await scene.store.workers.beat(other) == Present(receivers=1, workers=1)
    assert await scene.store.workers.beat(scene.worker) == Present(receivers=1, workers=1)


async def test_who_retires_keeps_the_lanes_it_has_and_can_finish_them(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.store.workers.retire(scene.worker)
    other = await Scene(scene.store).enter()
    await scene.store.workers.beat(other.worker)
    assert await scene.store.lanes.claim(other.worker, 5) == ()
    await scene.answer(lease, work.run.id, "Still here")


async def test_a_row_names_the_role_and_the_version_of_the_code(scene: Scene, database_url: str) -> None:
    change = "UPDATE workers SET draining = draining WHERE role = :role AND version = :version AND id = :id"
    assert await behind_its_back(database_url, change, role="all", version=VERSION, id=scene.worker) == 1


async def test_leaving_removes_the_row(scene: Scene, database_url: str) -> None:
    await scene.store.workers.leave(scene.worker)
    assert await behind_its_back(database_url, "UPDATE workers SET draining = true") == 0
    with pytest.raises(Fenced):
        await scene.store.workers.beat(scene.worker)


async def test_leaving_twice_is_leaving(scene: Scene) -> None:
    await scene.store.workers.leave(scene.worker)
    assert await scene.store.workers.leave(scene.worker) == 0
