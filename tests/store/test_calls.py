"""The ledger of tool calls."""

import pytest

from bot.domain.events import CallChanged, StepChanged
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect, StepStatus
from bot.errors import IllegalTransition
from bot.ports import Ending
from tests.store.decisions import planned
from tests.store.scene import Scene, a_result


async def test_a_call_is_written_down_before_it_is_made(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.ONCE)
    (event,) = await scene.store.runs.begin_call(lease, call)
    assert isinstance(event, CallChanged)
    assert (event.call.state, event.call.started_fence) == (CallState.STARTED, lease.fence)
    assert (call.begins, event.call.begins) == (0, 1)
    assert await scene.store.runs.calls(call.run_id) == (event.call,)


async def test_the_last_call_of_a_turn_completes_its_step(scene: Scene) -> None:
    lease, (one, two) = await planned(scene, Effect.READ, Effect.READ)
    await scene.store.runs.begin_call(lease, one)
    await scene.store.runs.begin_call(lease, two)
    (only,) = await scene.store.runs.end_call(lease, two, CallState.DONE, "2")
    assert isinstance(only, CallChanged)
    changed, step = await scene.store.runs.end_call(lease, one, CallState.FAILED, "1\x00")
    assert isinstance(changed, CallChanged)
    assert isinstance(step, StepChanged)
    assert changed.call.output == "1\ufffd"
    assert step.step.status is StepStatus.COMPLETED
    assert step.step.usage == a_result().usage


async def test_usage_of_a_turn_stands_at_one_step_only(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.READ, text="Looking")
    await scene.store.runs.begin_call(lease, call)
    await scene.store.runs.end_call(lease, call, CallState.DONE, "ok")
    usages = [step.usage for step in await scene.store.runs.steps(call.run_id)]
    assert usages == [a_result().usage, None]


async def test_a_call_may_be_refused_before_it_begins(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.ONCE)
    events = await scene.store.runs.end_call(lease, call, CallState.FAILED, "no such tool")
    assert len(events) == 2


async def test_a_call_may_be_begun_again_by_a_later_owner(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.IDEMPOTENT)
    await scene.store.runs.begin_call(lease, call)
    await scene.store.workers.leave(scene.worker)
    await scene.enter()
    later, _ = await scene.take()
    (event,) = await scene.store.runs.begin_call(later, call)
    assert isinstance(event, CallChanged)
    assert event.call.started_fence == later.fence > lease.fence
    assert event.call.begins == 2


@pytest.mark.parametrize("state", [CallState.DONE, CallState.FAILED, CallState.UNKNOWN])
async def test_an_outcome_stays_as_it_is(scene: Scene, state: CallState) -> None:
    lease, (call,) = await planned(scene, Effect.ONCE)
    await scene.store.runs.begin_call(lease, call)
    await scene.store.runs.end_call(lease, call, state, "first")
    for move in (
        scene.store.runs.begin_call(lease, call),
        scene.store.runs.end_call(lease, call, CallState.DONE, "second"),
    ):
        with pytest.raises(IllegalTransition):
            await move
    (stored,) = await scene.store.runs.calls(call.run_id)
    assert (stored.state, stored.output) == (state, "first")


async def test_a_call_that_has_not_begun_cannot_be_done(scene: Scene) -> None:
    lease, (call,) = await planned(scene, Effect.READ)
    with pytest.raises(IllegalTransition):
        await scene.store.runs.end_call(lease, call, CallState.DONE, "?")


async def test_the_end_of_a_run_settles_its_calls(scene: Scene) -> None:
    lease, (begun_once, begun_read, not_begun) = await planned(scene, Effect.ONCE, Effect.READ, Effect.ONCE)
    await scene.store.runs.begin_call(lease, begun_once)
    await scene.store.runs.begin_call(lease, begun_read)
    await scene.store.runs.request_cancel(begun_once.run_id)
    await scene.store.runs.end(lease, begun_once.run_id, Ending(RunStatus.CANCELLED))
    calls = await scene.store.runs.calls(not_begun.run_id)
    assert [call.state for call in calls] == [CallState.UNKNOWN, CallState.FAILED, CallState.FAILED]
    assert all(call.output for call in calls)


async def test_calls_of_ended_runs_are_history(scene: Scene) -> None:
    lease, calls = await planned(scene, Effect.READ, Effect.READ)
    assert await scene.store.history.calls_of([calls[0].run_id]) == ()
    for call in reversed(calls):
        await scene.store.runs.begin_call(lease, call)
        await scene.store.runs.end_call(lease, call, CallState.DONE, call.name)
    finished = await scene.store.history.calls_of([calls[0].run_id])
    assert [call.output for call in finished] == ["tool_0", "tool_1"]
    assert await scene.store.history.calls_of([]) == ()
