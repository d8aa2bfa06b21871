"""Lanes: claims, fences, heartbeats, order, rest."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import RunStatus
from bot.domain.workers import Present
from bot.errors import Fenced
from bot.ports import Ending, Store
from bot.store import open_store
from tests.store.scene import Scene
from tests.store.tampering import behind_its_back, expire

DONE = Ending(RunStatus.COMPLETED)


async def test_a_ready_lane_is_claimed_once_with_a_higher_fence_each_time(scene: Scene) -> None:
    await scene.say()
    (lease,) = await scene.store.lanes.claim(scene.worker, 5)
    assert lease.fence == 1
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    await scene.store.workers.leave(scene.worker)
    other = await Scene(scene.store).enter()
    (again,) = await scene.store.lanes.claim(other.worker, 5)
    assert again.fence == 2


async def test_claims_at_once_never_share_a_lane(store: Store) -> None:
    workers = [await Scene(store).enter() for _ in range(4)]
    for number in range(20):
        await workers[0].say("hi", f"C{number}")
    claims = await asyncio.gather(*(store.lanes.claim(worker.worker, 5) for worker in workers))
    lanes = [lease.thread_id for leases in claims for lease in leases]
    assert len(lanes) == len(set(lanes))
    assert all(len(leases) <= 5 for leases in claims)


async def test_a_worker_that_is_not_enrolled_claims_nothing(scene: Scene) -> None:
    await scene.say()
    assert await scene.store.lanes.claim("worker_stranger", 5) == ()


async def test_a_worker_whose_heartbeat_is_too_old_claims_nothing(scene: Scene, database_url: str) -> None:
    await scene.say()
    await expire(database_url, scene.worker)
    assert await scene.store.lanes.claim(scene.worker, 5) == ()


async def test_runs_of_a_thread_are_worked_on_in_order_of_acceptance(scene: Scene) -> None:
    accepted = [(await scene.say(f"m{n}")).run_id for n in range(3)]
    (lease,) = await scene.store.lanes.claim(scene.worker, 5)
    worked = []
    while work := await scene.store.lanes.next_work(lease):
        worked.append(work.run.id)
        await scene.store.runs.start(lease, work.run.id)
        await scene.store.runs.end(lease, work.run.id, DONE)
        await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert worked == accepted


async def test_an_ended_run_is_work_until_its_answer_is_delivered(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.store.runs.end(lease, work.run.id, DONE)
    again = await scene.store.lanes.next_work(lease)
    assert again is not None
    assert again.run.ended
    assert again.delivery is not None
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.ABANDONED)
    assert await scene.store.lanes.next_work(lease) is None


async def test_a_lane_without_work_is_free_and_ready_again_with_the_next_message(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.store.runs.end(lease, work.run.id, DONE)
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    with pytest.raises(Fenced):
        await scene.store.lanes.next_work(lease)
    await scene.say("next")
    assert len(await scene.store.lanes.claim(scene.worker, 5)) == 1


async def test_a_message_that_comes_while_the_lane_is_drained_is_found(scene: Scene) -> None:
    lease, work = await scene.started()
    second = await scene.say("while you work")
    await scene.store.runs.end(lease, work.run.id, DONE)
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    following = await scene.store.lanes.next_work(lease)
    assert following is not None
    assert following.run.id == second.run_id


async def test_a_postponed_run_frees_its_lane_until_it_is_due(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.say("behind")
    await scene.store.runs.postpone(lease, work.run.id, 0.4)
    postponed = time.monotonic()
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    while not (leases := await scene.store.lanes.claim(scene.worker, 5)):
        await scene.store.lanes.wait(5)
    assert 0.35 <= time.monotonic() - postponed < 1.9  # sooner than the poll
    again = await scene.store.lanes.next_work(leases[0])
    assert again is not None
    assert again.run.id == work.run.id


async def test_a_stop_wakes_a_postponed_run(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.store.runs.postpone(lease, work.run.id, 1000)
    assert await scene.store.lanes.next_work(lease) is None
    await scene.store.runs.request_cancel(work.run.id)
    _, again = await scene.take()
    assert again.run.status is RunStatus.CANCELLING


async def test_lanes_of_a_dead_worker_are_freed_by_another_heartbeat(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started()
    other = await Scene(scene.store).enter()
    await scene.store.workers.beat(other.worker)
    assert await scene.store.lanes.claim(other.worker, 5) == ()
    await expire(database_url, scene.worker)
    await scene.store.workers.beat(other.worker)
    (taken,) = await scene.store.lanes.claim(other.worker, 5)
    assert taken.fence > lease.fence
    with pytest.raises(Fenced):
        await scene.store.runs.begin_turn(lease, work.run.id)
    with pytest.raises(Fenced, match="heartbeat"):
        await scene.store.workers.beat(scene.worker)


async def test_a_lane_whose_owner_has_no_row_is_freed(scene: Scene, database_url: str) -> None:
    """Its owner claimed while its row was being deleted: freeing by expired rows alone would miss it."""
    await scene.started()
    await expire(database_url, scene.worker, forget=True)
    other = await Scene(scene.store).enter()
    await scene.store.workers.beat(other.worker)
    assert len(await scene.store.lanes.claim(other.worker, 5)) == 1


async def test_heartbeats_at_once_do_not_block_each_other(store: Store, database_url: str) -> None:
    workers = [await Scene(store).enter() for _ in range(6)]
    for worker in workers[:3]:
        await expire(database_url, worker.worker)
    beats = await asyncio.gather(*(store.workers.beat(worker.worker) for worker in workers), return_exceptions=True)
    assert all(isinstance(beat, Present | Fenced) for beat in beats)
    assert all(isinstance(beat, Present) for beat in beats[3:])


async def test_handing_back_counts_the_lanes_and_frees_them_at_once(scene: Scene) -> None:
    await scene.say("a", "C1")
    await scene.say("b", "C2")
    leases = await scene.store.lanes.claim(scene.worker, 5)
    assert await scene.store.workers.leave(scene.worker) == 2
    with pytest.raises(Fenced):
        await scene.store.lanes.next_work(leases[0])
    other = await Scene(scene.store).enter()
    assert len(await scene.store.lanes.claim(other.worker, 5)) == 2


async def test_waiting_ends_when_a_message_comes(scene: Scene) -> None:
    await scene.store.lanes.claim(scene.worker, 5)
    waiting = asyncio.create_task(scene.store.lanes.wait(60))
    began = time.monotonic()
    await scene.say()
    await waiting
    assert time.monotonic() - began < 1.5


async def test_a_message_between_claim_and_wait_is_not_slept_through(scene: Scene) -> None:
    await scene.store.lanes.claim(scene.worker, 5)
    await scene.say()
    began = time.monotonic()
    await scene.store.lanes.wait(60)
    assert time.monotonic() - began < 1.5


async def test_waiting_never_takes_longer_than_asked(scene: Scene) -> None:
    await scene.store.lanes.claim(scene.worker, 5)
    began = time.monotonic()
    await scene.store.lanes.wait(0.05)
    assert 0.04 <= time.monotonic() - began < 1.5


async def test_a_full_claim_says_that_there_may_be_more(scene: Scene) -> None:
    await scene.say("a", "C1")
    await scene.say("b", "C2")
    assert len(await scene.store.lanes.claim(scene.worker, 1)) == 1
    began = time.monotonic()
    await scene.store.lanes.wait(60)
    assert time.monotonic() - began < 1.5
    assert len(await scene.store.lanes.claim(scene.worker, 1)) == 1


async def test_a_run_that_waits_for_its_caller_blocks_the_later_ones(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started()
    await scene.say("behind")
    await set_status(database_url, work.run.id, RunStatus.REQUIRES_ACTION)
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    assert await scene.store.runs.request_cancel(work.run.id) is RunStatus.CANCELLING
    _, again = await scene.take()
    assert again.run.id == work.run.id


@pytest.mark.postgres
async def test_a_stop_is_seen_by_the_write_that_had_to_wait_for_it(postgres_url: str, tmp_path: Path) -> None:
    """The write finds the run as the stop left it, not as it was when the write began to wait for the lane."""
    async with open_store(postgres_url, tmp_path) as store:
        scene = await Scene(store).enter()
        await scene.say()
        lease, work = await scene.take()
        stop = await asyncpg.connect(postgres_url)
        async with stop.transaction():
            await stop.execute("UPDATE lanes SET ready = true WHERE thread_id = $1", lease.thread_id)
            await stop.execute("UPDATE runs SET status = 'cancelling' WHERE id = $1", work.run.id)
            start = asyncio.create_task(store.runs.start(lease, work.run.id))
            waiting = "wait_event_type = 'Lock' AND datname = current_database()"
            while not await stop.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"):
                assert not start.done()
        await stop.close()
        assert await start == ()
        run = await store.runs.get(work.run.id)
        assert run is not None
        assert run.status is RunStatus.CANCELLING


async def set_status(database_url: str, run_id: str, status: RunStatus) -> None:
    statement = "UPDATE runs SET status = :status WHERE id = :id"
    await behind_its_back(database_url, statement, status=status.value, id=run_id)


async def test_a_lane_that_is_given_back_on_its_own_is_ready_for_others_at_once(scene: Scene) -> None:
    await scene.say("a", "C1")
    await scene.say("b", "C2")
    first, second = await scene.store.lanes.claim(scene.worker, 5)
    await scene.store.lanes.release(first)
    with pytest.raises(Fenced):
        await scene.store.lanes.next_work(first)
    assert await scene.store.lanes.next_work(second) is not None
    other = await Scene(scene.store).enter()
    (taken,) = await scene.store.lanes.claim(other.worker, 5)
    assert (taken.thread_id, taken.fence) == (first.thread_id, first.fence + 1)


async def test_giving_a_lane_back_that_somebody_else_has_changes_nothing(scene: Scene) -> None:
    await scene.say()
    (stale,) = await scene.store.lanes.claim(scene.worker, 5)
    await scene.store.lanes.release(stale)
    (lease,) = await scene.store.lanes.claim(scene.worker, 5)
    await scene.store.lanes.release(stale)
    assert await scene.store.lanes.next_work(lease) is not None


async def test_only_lanes_of_platforms_that_one_can_answer_on_are_taken(scene: Scene) -> None:
    """A terminal beside the team's bot must not take the team's conversations."""
    said = await scene.say()
    assert await scene.store.lanes.claim(scene.worker, 5, ["slack", "discord"]) == ()
    (lease,) = await scene.store.lanes.claim(scene.worker, 5, ["slack", "console"])
    assert lease.thread_id == said.thread_id


async def test_a_lane_of_no_chat_is_anybodys(scene: Scene, database_url: str) -> None:
    """Such as one that code without this column made."""
    await scene.say()
    await behind_its_back(database_url, "UPDATE lanes SET platform = ''")
    assert len(await scene.store.lanes.claim(scene.worker, 5, ["slack"])) == 1
