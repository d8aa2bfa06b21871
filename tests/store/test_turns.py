"""Runs begin, turns are recorded whole or break, and every change gives its events in order."""

import pytest

from bot.domain.events import MessageChanged, MessageCreated, RunChanged, RunEvent, StepChanged, StepCreated
from bot.domain.messages import MessageStatus, RefusalPart, TextPart
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, MessageCreation, StepStatus, ToolCalls
from bot.domain.turns import FinishReason, TurnState
from bot.errors import Fenced, IllegalTransition
from bot.ports import Ending
from tests.store.scene import Scene, a_call, a_result


def kinds(events: tuple[RunEvent, ...]) -> list[type]:
    return [type(event) for event in events]


async def test_a_queued_run_starts_once(scene: Scene) -> None:
    await scene.say()
    lease, work = await scene.take()
    (event,) = await scene.store.runs.start(lease, work.run.id)
    assert isinstance(event, RunChanged)
    assert event.run.status is RunStatus.IN_PROGRESS
    assert event.run.started_at is not None
    assert await scene.store.runs.get(work.run.id) == event.run
    assert await scene.store.runs.start(lease, work.run.id) == ()


async def test_nothing_is_written_under_a_lease_that_is_not_ours(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    stale = lease.model_copy(update={"fence": lease.fence - 1})
    runs = scene.store.runs
    for write in (
        runs.start(stale, work.run.id),
        runs.begin_turn(stale, work.run.id),
        runs.begin_message(stale, turn),
        runs.checkpoint(stale, "msg_1", "x"),
        runs.finish_turn(stale, turn, a_result("x"), []),
        runs.break_turn(stale, turn, "x"),
        runs.postpone(stale, work.run.id, 1),
        runs.end(stale, work.run.id, Ending(RunStatus.FAILED)),
        scene.store.deliveries.begin_segment(stale, work.run.id),
        scene.store.deliveries.attach(stale, work.run.id, [], []),
    ):
        with pytest.raises(Fenced):
            await write


async def test_a_lease_reaches_no_run_of_another_thread(scene: Scene) -> None:
    lease, _ = await scene.started("a", "C1")
    stranger = await scene.say("b", "C2")
    with pytest.raises(IllegalTransition):
        await scene.store.runs.start(lease, stranger.run_id)


async def test_turns_count_from_one_and_never_overlap(scene: Scene) -> None:
    lease, work = await scene.started()
    first = await scene.store.runs.begin_turn(lease, work.run.id)
    assert (first.number, first.state) == (1, TurnState.STARTED)
    with pytest.raises(IllegalTransition):
        await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.break_turn(lease, first, "broke")
    assert (await scene.store.runs.begin_turn(lease, work.run.id)).number == 2


async def test_no_turn_begins_in_a_run_that_has_not_started(scene: Scene) -> None:
    await scene.say()
    lease, work = await scene.take()
    with pytest.raises(IllegalTransition):
        await scene.store.runs.begin_turn(lease, work.run.id)


async def test_a_message_begins_empty_behind_its_step(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    created, message = await scene.store.runs.begin_message(lease, turn)
    assert isinstance(created, StepCreated)
    assert isinstance(message, MessageCreated)
    assert (message.message.content, message.message.status) == ((), MessageStatus.IN_PROGRESS)
    assert created.step.details == MessageCreation(message_id=message.message.id)
    assert await scene.store.runs.begin_message(lease, turn) == ()
    (stored,) = await scene.store.runs.turns(work.run.id)
    assert stored.message_id == message.message.id


async def test_a_finished_turn_without_a_begun_message_creates_and_completes_it(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    events = await scene.store.runs.finish_turn(lease, turn, a_result("Hi\x00"), [])
    assert kinds(events) == [StepCreated, MessageCreated, MessageChanged, StepChanged]
    changed = events[2]
    assert isinstance(changed, MessageChanged)
    assert changed.message.content == (TextPart(value="Hi\ufffd"),)
    assert changed.message.status is MessageStatus.COMPLETED
    assert await scene.store.runs.messages(work.run.id) == (changed.message,)


async def test_a_begun_message_is_completed_with_its_full_text(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.begin_message(lease, turn)
    events = await scene.store.runs.finish_turn(lease, turn, a_result("All of it"), [])
    assert kinds(events) == [MessageChanged, StepChanged]
    (message,) = await scene.store.runs.messages(work.run.id)
    (step,) = await scene.store.runs.steps(work.run.id)
    assert (message.text, message.status) == ("All of it", MessageStatus.COMPLETED)
    assert (step.status, step.usage) == (StepStatus.COMPLETED, a_result().usage)
    assert step.ended_at is not None


async def test_a_refusal_is_a_part_of_its_own(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.finish_turn(lease, turn, a_result(refusal="No."), [])
    (message,) = await scene.store.runs.messages(work.run.id)
    assert message.content == (RefusalPart(refusal="No."),)


@pytest.mark.parametrize("finish", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
async def test_a_turn_that_was_cut_off_leaves_its_message_open_for_the_end(scene: Scene, finish: FinishReason) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    events = await scene.store.runs.finish_turn(lease, turn, a_result("Half", finish), [])
    assert kinds(events) == [StepCreated, MessageCreated]
    (message,) = await scene.store.runs.messages(work.run.id)
    assert (message.text, message.status) == ("Half", MessageStatus.IN_PROGRESS)
    (stored,) = await scene.store.runs.turns(work.run.id)
    assert (stored.state, stored.finish) == (TurnState.DONE, finish)


async def test_calls_of_a_turn_are_planned_with_one_step(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    result = a_result("Let me look.", FinishReason.TOOL_CALLS).model_copy(update={"opaque": ('{"r": 1}',)})
    events = await scene.store.runs.finish_turn(lease, turn, result, [a_call("a"), a_call("b")])
    assert kinds(events) == [StepCreated, MessageCreated, MessageChanged, StepChanged, StepCreated]
    assert isinstance(events[-1], StepCreated)
    assert events[-1].step.details == ToolCalls()
    calls = await scene.store.runs.calls(work.run.id)
    assert [(call.name, call.position, call.state) for call in calls] == [
        ("a", 0, CallState.PLANNED),
        ("b", 1, CallState.PLANNED),
    ]
    assert len({call.id for call in calls}) == 2
    (stored,) = await scene.store.runs.turns(work.run.id)
    assert (stored.opaque, stored.usage, stored.state) == (result.opaque, result.usage, TurnState.DONE)


async def test_a_turn_is_finished_once(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.finish_turn(lease, turn, a_result("x"), [])
    with pytest.raises(IllegalTransition):
        await scene.store.runs.finish_turn(lease, turn, a_result("y"), [])
    with pytest.raises(IllegalTransition):
        await scene.store.runs.break_turn(lease, turn, "z")


async def test_a_broken_turn_supersedes_what_it_wrote(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    (_, begun) = await scene.store.runs.begin_message(lease, turn)
    assert isinstance(begun, MessageCreated)
    await scene.store.runs.checkpoint(lease, begun.message.id, "Part")
    message, step = await scene.store.runs.break_turn(lease, turn, "connection lost")
    assert isinstance(message, MessageChanged)
    assert isinstance(step, StepChanged)
    assert (message.message.status, message.message.incomplete_reason) == (MessageStatus.INCOMPLETE, "run_failed")
    assert (message.message.superseded, message.message.text) == (True, "Part")
    assert (step.step.status, step.step.superseded) == (StepStatus.FAILED, True)
    (stored,) = await scene.store.runs.turns(work.run.id)
    assert (stored.state, stored.error) == (TurnState.FAILED, "connection lost")


async def test_a_checkpoint_keeps_the_text_of_an_open_message_only(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    (_, begun) = await scene.store.runs.begin_message(lease, turn)
    assert isinstance(begun, MessageCreated)
    await scene.store.runs.checkpoint(lease, begun.message.id, "So far")
    (message,) = await scene.store.runs.messages(work.run.id)
    assert message.text == "So far"
    await scene.store.runs.finish_turn(lease, turn, a_result("Done"), [])
    await scene.store.runs.checkpoint(lease, begun.message.id, "late")
    (message,) = await scene.store.runs.messages(work.run.id)
    assert message.text == "Done"


async def test_after_a_cut_off_message_the_run_can_only_end(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.finish_turn(lease, turn, a_result("Half", FinishReason.LENGTH), [])
    with pytest.raises(IllegalTransition):
        await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.INCOMPLETE))
