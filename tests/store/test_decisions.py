"""What a person says about a call whose outcome nobody knows; stops."""

import asyncio

import pytest

from bot.domain.events import RunChanged
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Decision, Effect
from bot.ports import Ending
from tests.store.decisions import interrupted, planned
from tests.store.scene import Scene
from tests.store.tampering import behind_its_back


async def status_of(scene: Scene, run_id: str) -> RunStatus:
    run = await scene.store.runs.get(run_id)
    assert run is not None
    return run.status


async def decision_of(scene: Scene, run_id: str) -> Decision | None:
    return (await scene.store.runs.calls(run_id))[0].decision


async def test_a_run_that_waits_for_a_decision_frees_its_lane_until_it_comes(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    (event,) = await scene.store.runs.wait_for_decision(lease, call)
    assert isinstance(event, RunChanged)
    assert event.run.status is RunStatus.REQUIRES_ACTION
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.WORKED)
    _, again = await scene.take()
    assert (again.run.id, again.run.status) == (call.run_id, RunStatus.QUEUED)
    assert await decision_of(scene, call.run_id) is Decision.WORKED


async def test_the_first_decision_stands(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.wait_for_decision(lease, call)
    decide = scene.store.runs.decide
    decisions = await asyncio.gather(*(decide(call.run_id, call.interruption, one) for one in list(Decision) * 3))
    assert sum(decisions) == 1
    stood = (list(Decision) * 3)[decisions.index(True)]
    assert await decision_of(scene, call.run_id) is stood


async def test_a_decision_that_was_quicker_leaves_nothing_to_wait_for(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.SKIP)
    assert await status_of(scene, call.run_id) is RunStatus.IN_PROGRESS
    assert await scene.store.runs.wait_for_decision(lease, call) == ()
    assert await status_of(scene, call.run_id) is RunStatus.IN_PROGRESS


async def test_a_run_without_an_interrupted_call_does_not_wait(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.READ)
    await scene.store.runs.begin_call(lease, call)
    assert await scene.store.runs.wait_for_decision(lease, call) == ()


async def test_a_stop_that_was_quicker_leaves_nothing_to_wait_for(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.request_cancel(call.run_id)
    assert await scene.store.runs.wait_for_decision(lease, call) == ()
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.SKIP) is False


async def test_two_calls_are_decided_one_after_the_other(scene: Scene) -> None:
    lease, calls = await planned(scene, Effect.ONCE, Effect.ONCE)
    for call in calls:
        await scene.store.runs.begin_call(lease, call)
    calls = await scene.store.runs.calls(calls[0].run_id)
    await scene.store.runs.wait_for_decision(lease, calls[0])
    for call in calls:
        assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.WORKED)
    assert await status_of(scene, calls[0].run_id) is RunStatus.QUEUED


@pytest.mark.parametrize(
    "call",
    [
        *("", "1", "1.0", "1.0.", ".0.1", "1.0.0", "1.0.2", "1.1.1", "2.0.1", "-1.0.1", " 1.0.1", "1.0.1\n", "1.0.1.0"),
        *("x.y.z", "²·⁰·¹", "9" * 99 + ".0.1", "١.٠.١"),
    ],
)
async def test_a_call_that_nobody_asks_about_cannot_be_decided(scene: Scene, call: str) -> None:
    _, asked = await interrupted(scene)
    assert await scene.store.runs.decide(asked.run_id, call, Decision.AGAIN) is False
    assert await decision_of(scene, asked.run_id) is None


@pytest.mark.parametrize("effect", [Effect.READ, Effect.IDEMPOTENT])
async def test_a_call_that_is_repeated_anyway_cannot_be_decided(scene: Scene, effect: Effect) -> None:
    lease, (call,) = await planned(scene, effect)
    await scene.store.runs.begin_call(lease, call)
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.AGAIN) is False


async def test_a_call_whose_outcome_is_known_cannot_be_decided(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.end_call(lease, call, CallState.DONE, "ok")
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.AGAIN) is False
    assert await scene.store.runs.decide("run_nowhere", call.interruption, Decision.AGAIN) is False


async def test_a_decision_is_forgotten_when_the_call_is_begun_again(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.decide(call.run_id, call.interruption, Decision.AGAIN)
    await scene.store.runs.begin_call(lease, call)
    assert await decision_of(scene, call.run_id) is None


async def test_the_answer_to_an_earlier_question_decides_nothing_about_a_later_interruption(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.decide(call.run_id, call.interruption, Decision.AGAIN)
    await scene.store.runs.begin_call(lease, call)
    assert await scene.store.runs.decide(call.run_id, call.interruption, Decision.WORKED) is False
    (begun,) = await scene.store.runs.calls(call.run_id)
    assert await scene.store.runs.decide(call.run_id, begun.interruption, Decision.WORKED)


async def test_a_decision_stays_with_the_outcome(scene: Scene) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.decide(call.run_id, call.interruption, Decision.WORKED)
    await scene.store.runs.end_call(lease, call, CallState.DONE, "It worked, Ann says.")
    assert await decision_of(scene, call.run_id) is Decision.WORKED


async def test_a_run_that_waits_in_vain_is_work_when_its_time_is_over(scene: Scene, database_url: str) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.wait_for_decision(lease, call)
    await behind_its_back(database_url, "UPDATE runs SET expires_at = 1")
    work = await scene.store.lanes.next_work(lease)
    assert work is not None
    assert (work.expired, work.run.status) == (True, RunStatus.REQUIRES_ACTION)
    await scene.store.runs.end(lease, call.run_id, Ending(RunStatus.EXPIRED))
    (stored,) = await scene.store.runs.calls(call.run_id)
    assert stored.state is CallState.UNKNOWN


async def test_of_many_runs_those_are_named_that_somebody_wants_to_stop(scene: Scene) -> None:
    said = [await scene.say(f"m{n}", f"C{n}") for n in range(3)]
    ids = [one.run_id for one in said]
    await scene.store.runs.request_cancel(ids[1])
    assert await scene.store.runs.cancelling(ids) == {ids[1]}
    assert await scene.store.runs.cancelling([ids[0]]) == await scene.store.runs.cancelling([]) == frozenset()


async def test_a_stop_between_looking_and_waiting_is_not_slept_through(scene: Scene) -> None:
    _, work = await scene.started()
    await scene.store.runs.cancelling([work.run.id])
    await scene.store.runs.request_cancel(work.run.id)
    await asyncio.wait_for(scene.store.runs.wait_for_stop(60), 1.5)


async def test_waiting_for_a_stop_takes_no_longer_than_asked(scene: Scene) -> None:
    await scene.store.runs.wait_for_stop(0)
    await asyncio.wait_for(scene.store.runs.wait_for_stop(0.05), 1.5)


async def test_a_stop_ends_one_wait_and_not_the_next(scene: Scene) -> None:
    """Or a process that has no run to look for would wait for stops in an endless loop."""
    _, work = await scene.started()
    await scene.store.runs.request_cancel(work.run.id)
    await scene.store.runs.wait_for_stop(60)
    waiting = asyncio.create_task(scene.store.runs.wait_for_stop(60))
    await scene.store.runs.get(work.run.id)
    assert not waiting.done()
    waiting.cancel()


async def test_a_call_that_is_decided_is_not_waited_for_though_another_one_is_not(scene: Scene) -> None:
    lease, calls = await planned(scene, Effect.ONCE, Effect.ONCE)
    for call in calls:
        await scene.store.runs.begin_call(lease, call)
    calls = await scene.store.runs.calls(calls[0].run_id)
    await scene.store.runs.decide(calls[0].run_id, calls[0].interruption, Decision.WORKED)
    assert await scene.store.runs.wait_for_decision(lease, calls[0]) == ()
    assert await scene.store.runs.wait_for_decision(lease, calls[1]) != ()
