"""How runs end, and how they are stopped."""

import pytest

from bot.domain.events import MessageChanged, MessageCreated, RunChanged, StepChanged
from bot.domain.lanes import Lease
from bot.domain.messages import MessageStatus
from bot.domain.runs import LastError, Run, RunStatus
from bot.domain.steps import StepStatus
from bot.domain.turns import FinishReason, TurnState
from bot.errors import IllegalTransition
from bot.ports import Ending
from tests.store.scene import Scene, a_result

ERROR = LastError(code="server_error", message="It broke\x00.")


async def writing(scene: Scene) -> tuple[Lease, Run]:
    """A run whose message is being written."""
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    (_, begun) = await scene.store.runs.begin_message(lease, turn)
    assert isinstance(begun, MessageCreated)
    await scene.store.runs.checkpoint(lease, begun.message.id, "So f")
    return lease, work.run


@pytest.mark.parametrize(
    ("status", "reason", "step_status"),
    [
        (RunStatus.CANCELLED, "run_cancelled", StepStatus.CANCELLED),
        (RunStatus.EXPIRED, "run_expired", StepStatus.EXPIRED),
        (RunStatus.FAILED, "run_failed", StepStatus.FAILED),
        (RunStatus.INCOMPLETE, "max_tokens", StepStatus.FAILED),
    ],
)
async def test_a_bad_end_closes_what_is_open(
    scene: Scene, status: RunStatus, reason: str, step_status: StepStatus
) -> None:
    lease, run = await writing(scene)
    if status is RunStatus.CANCELLED:
        await scene.store.runs.request_cancel(run.id)
    message, step, changed = await scene.store.runs.end(lease, run.id, Ending(status, open_text="So far"))
    assert isinstance(message, MessageChanged)
    assert isinstance(step, StepChanged)
    assert isinstance(changed, RunChanged)
    assert (message.message.status, message.message.incomplete_reason) == (MessageStatus.INCOMPLETE, reason)
    assert message.message.text == "So far"
    assert step.step.status is step_status
    assert changed.run.status is status
    assert await scene.store.runs.get(run.id) == changed.run
    assert await scene.store.runs.messages(run.id) == (message.message,)
    assert await scene.store.runs.steps(run.id) == (step.step,)
    (turn,) = await scene.store.runs.turns(run.id)
    assert turn.state is TurnState.FAILED


async def test_without_a_last_text_the_checkpoint_stays(scene: Scene) -> None:
    lease, run = await writing(scene)
    await scene.store.runs.end(lease, run.id, Ending(RunStatus.FAILED, last_error=ERROR))
    (message,) = await scene.store.runs.messages(run.id)
    assert message.text == "So f"


async def test_a_reason_that_the_status_does_not_tell_is_taken_from_the_ending(scene: Scene) -> None:
    lease, run = await writing(scene)
    ending = Ending(RunStatus.INCOMPLETE, message_reason="content_filter")
    await scene.store.runs.end(lease, run.id, ending)
    (message,) = await scene.store.runs.messages(run.id)
    assert message.incomplete_reason == "content_filter"


async def test_a_cut_off_answer_ends_incomplete(scene: Scene) -> None:
    lease, work = await scene.started()
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.finish_turn(lease, turn, a_result("Half", FinishReason.LENGTH), [])
    ending = Ending(RunStatus.INCOMPLETE, incomplete_reason="max_completion_tokens")
    *_, changed = await scene.store.runs.end(lease, work.run.id, ending)
    assert isinstance(changed, RunChanged)
    assert changed.run.incomplete_reason == "max_completion_tokens"
    (message,) = await scene.store.runs.messages(work.run.id)
    assert (message.text, message.status) == ("Half", MessageStatus.INCOMPLETE)


async def test_a_failed_run_says_why(scene: Scene) -> None:
    lease, run = await writing(scene)
    await scene.store.runs.end(lease, run.id, Ending(RunStatus.FAILED, last_error=ERROR))
    stored = await scene.store.runs.get(run.id)
    assert stored is not None
    assert stored.last_error == LastError(code="server_error", message="It broke\ufffd.")
    assert stored.failed_at is not None
    (step,) = await scene.store.runs.steps(run.id)
    assert step.last_error == stored.last_error


async def test_usage_is_the_sum_of_the_turns(scene: Scene) -> None:
    lease, work = await scene.started()
    for tokens in (3, 4):
        turn = await scene.store.runs.begin_turn(lease, work.run.id)
        await scene.store.runs.finish_turn(lease, turn, a_result("x", tokens=tokens), [])
    unfinished = await scene.store.runs.get(work.run.id)
    assert unfinished is not None
    assert unfinished.usage is None
    (changed,) = await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    assert isinstance(changed, RunChanged)
    assert changed.run.usage is not None
    assert changed.run.usage.total_tokens == 7
    assert changed.run.completed_at is not None


async def test_a_run_with_an_open_message_cannot_be_completed(scene: Scene) -> None:
    lease, run = await writing(scene)
    with pytest.raises(IllegalTransition):
        await scene.store.runs.end(lease, run.id, Ending(RunStatus.COMPLETED))
    stored = await scene.store.runs.get(run.id)
    assert stored is not None
    assert stored.status is RunStatus.IN_PROGRESS


async def test_an_ended_run_stays_ended(scene: Scene) -> None:
    lease, run = await writing(scene)
    await scene.store.runs.end(lease, run.id, Ending(RunStatus.FAILED))
    for status in RunStatus:
        with pytest.raises(IllegalTransition):
            await scene.store.runs.end(lease, run.id, Ending(status))
    assert await scene.store.runs.request_cancel(run.id) is RunStatus.FAILED
    with pytest.raises(IllegalTransition):
        await scene.store.runs.begin_turn(lease, run.id)


async def test_a_queued_run_can_be_stopped(scene: Scene) -> None:
    acceptance = await scene.say()
    assert await scene.store.runs.request_cancel(acceptance.run_id) is RunStatus.CANCELLING
    assert await scene.store.runs.request_cancel(acceptance.run_id) is RunStatus.CANCELLING
    lease, work = await scene.take()
    assert work.run.status is RunStatus.CANCELLING
    assert await scene.store.runs.start(lease, work.run.id) == ()
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.CANCELLED))
    run = await scene.store.runs.get(work.run.id)
    assert run is not None
    assert run.cancelled_at is not None


async def test_a_run_that_does_not_exist_cannot_be_stopped(scene: Scene) -> None:
    assert await scene.store.runs.request_cancel("run_nowhere") is None
    assert await scene.store.runs.get("run_nowhere") is None


async def test_an_answer_that_was_complete_before_the_stop_stays_complete(scene: Scene) -> None:
    lease, work = await scene.started()
    await scene.answer(lease, work.run.id, "Done")
    await scene.store.runs.request_cancel(work.run.id)
    (changed,) = await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    assert isinstance(changed, RunChanged)
    assert changed.run.status is RunStatus.COMPLETED


async def test_a_stop_during_an_incomplete_end_ends_cancelled(scene: Scene) -> None:
    lease, run = await writing(scene)
    await scene.store.runs.request_cancel(run.id)
    *_, changed = await scene.store.runs.end(lease, run.id, Ending(RunStatus.INCOMPLETE))
    assert isinstance(changed, RunChanged)
    assert changed.run.status is RunStatus.CANCELLED


async def test_the_active_runs_of_a_thread_come_in_order_of_acceptance(scene: Scene) -> None:
    accepted = [await scene.say(f"m{number}") for number in range(3)]
    elsewhere = await scene.say("elsewhere", "C2")
    runs, thread_id = scene.store.runs, accepted[0].thread_id
    assert [run.id for run in await runs.active(thread_id)] == [one.run_id for one in accepted]
    lease = next(one for one in await scene.store.lanes.claim(scene.worker, 5) if one.thread_id == thread_id)
    await runs.start(lease, accepted[0].run_id)
    await runs.request_cancel(accepted[1].run_id)
    statuses = [run.status for run in await runs.active(thread_id)]
    assert statuses == [RunStatus.IN_PROGRESS, RunStatus.CANCELLING, RunStatus.QUEUED]
    await runs.end(lease, accepted[0].run_id, Ending(RunStatus.COMPLETED))
    assert [run.id for run in await runs.active(thread_id)] == [one.run_id for one in accepted[1:]]
    assert [run.id for run in await runs.active(elsewhere.thread_id)] == [elsewhere.run_id]
    assert await runs.active("thread_nowhere") == ()
