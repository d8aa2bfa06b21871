"""A question is answered anew."""

import asyncio

from bot.domain.deliveries import Acceptance, Address, DeliveryState, Heard, NotAgain, SegmentState
from bot.domain.lanes import Lease
from bot.domain.messages import Author
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import CallState, Effect
from bot.ports import Ending, Overheard
from tests.store.scene import ASSISTANT, Scene, a_call, a_result, an_event
from tests.store.test_history import texts

BEN = Author(platform="console", id="U2", name="Ben")


async def answered(scene: Scene, text: str = "question", *keys: str) -> Run:
    """A question with a posted answer."""
    await scene.say(text, "C1", *keys)
    lease, work = await scene.take()
    await scene.store.runs.start(lease, work.run.id)
    segment = await scene.store.deliveries.begin_segment(lease, work.run.id)
    await scene.store.deliveries.posted(lease, segment, {"id": "m1"})
    await scene.answer(lease, work.run.id, "first answer")
    return await ended(scene, lease, work.run)


async def ended(scene: Scene, lease: Lease, run: Run, status: RunStatus = RunStatus.COMPLETED) -> Run:
    await scene.store.runs.end(lease, run.id, Ending(status))
    await scene.store.deliveries.close(lease, run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None
    return run


async def again(scene: Scene, run: Run) -> Acceptance:
    outcome = await scene.store.intake.again(run.id, ASSISTANT)
    assert isinstance(outcome, Acceptance)
    return outcome


async def test_a_new_run_gets_the_question_and_the_chat_messages_and_the_old_answer_is_not_read(scene: Scene) -> None:
    await scene.say("before", "C1")
    await scene.finish("answer before")
    old = await answered(scene)
    acceptance = await again(scene, old)
    lease, work = await scene.take()
    new = work.run
    assert (new.id, new.thread_id, new.status) == (acceptance.run_id, old.thread_id, RunStatus.QUEUED)
    assert (new.model, new.instructions, new.tools) == (old.model, old.instructions, old.tools)
    assert (new.version, old.version) == (2, 1)
    assert await texts(scene, new) == ["before", "answer before", "question"]
    (segment,) = await scene.store.deliveries.segments(new.id)
    assert (segment.state, segment.ref) == (SegmentState.POSTED, {"id": "m1"})
    assert await scene.store.deliveries.segments(old.id) == ()
    (kept,) = await scene.store.runs.messages(old.id)
    assert (kept.text, kept.superseded) == ("first answer", True)
    await scene.store.runs.start(lease, new.id)
    await scene.answer(lease, new.id, "second answer")
    await ended(scene, lease, new)
    await scene.say("after", "C1")
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["before", "answer before", "question", "second answer", "after"]


async def test_its_delivery_is_like_the_first_one(scene: Scene) -> None:
    old = await answered(scene)
    acceptance = await again(scene, old)
    before, after = [await scene.store.deliveries.get(run_id) for run_id in (old.id, acceptance.run_id)]
    assert before is not None
    assert after is not None
    assert before.state is DeliveryState.DELIVERED
    assert after.state is DeliveryState.OPEN
    same = {"run_id", "state", "created_at"}
    assert after.model_dump(exclude=same) == before.model_dump(exclude=same)


async def test_what_was_heard_beside_the_question_moves_along(scene: Scene) -> None:
    await scene.say("question", "C1")
    lease, work = await scene.take()
    await scene.store.runs.start(lease, work.run.id)
    heard = Heard(key="h", author=BEN, text="heard")
    await scene.store.deliveries.hear(lease, work.run.id, [Overheard(heard)])
    await scene.answer(lease, work.run.id, "answer")
    await ended(scene, lease, work.run)
    await again(scene, work.run)
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["heard", "question"]


async def test_the_lane_is_woken(scene: Scene) -> None:
    old = await answered(scene)
    await scene.store.lanes.claim(scene.worker, 5)
    await again(scene, old)
    await asyncio.wait_for(scene.store.lanes.wait(60), 5)
    _, work = await scene.take()
    assert work.run.version == 2


async def test_of_two_presses_at_once_one_makes_a_run(scene: Scene) -> None:
    old = await answered(scene)
    outcomes = await asyncio.gather(*(scene.store.intake.again(old.id, ASSISTANT) for _ in range(4)))
    assert len([one for one in outcomes if isinstance(one, Acceptance)]) == 1
    assert [one for one in outcomes if isinstance(one, NotAgain)] == [NotAgain.GOING_ON] * 3
    assert len(await scene.store.runs.active(old.thread_id)) == 1


async def test_versions_are_counted(scene: Scene) -> None:
    run = await answered(scene)
    for version in (2, 3):
        await again(scene, run)
        lease, work = await scene.take()
        await scene.store.runs.start(lease, work.run.id)
        await scene.answer(lease, work.run.id, f"answer {version}")
        run = await ended(scene, lease, work.run)
        assert run.version == version
    assert await scene.store.intake.again((await answered(scene)).id, ASSISTANT) is not NotAgain.NOT_NEWEST
    assert await scene.store.intake.again(run.id, ASSISTANT) is NotAgain.NOT_NEWEST


async def test_only_an_ended_answer_to_the_newest_question_is_written_again(scene: Scene) -> None:
    assert await scene.store.intake.again("run_unknown", ASSISTANT) is NotAgain.UNKNOWN
    await scene.say("question", "C1")
    lease, work = await scene.take()
    assert await scene.store.intake.again(work.run.id, ASSISTANT) is NotAgain.GOING_ON
    await scene.store.runs.start(lease, work.run.id)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    assert await scene.store.intake.again(work.run.id, ASSISTANT) is NotAgain.GOING_ON, "its end was not shown yet"
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    await scene.say("next", "C1")
    assert await scene.store.intake.again(work.run.id, ASSISTANT) is NotAgain.NOT_NEWEST


async def test_what_must_not_be_done_twice_is_not_done_again(scene: Scene) -> None:
    for effect, refused in ((Effect.ONCE, True), (Effect.READ, False)):
        await scene.say("question", f"C-{effect}")
        lease, work = await scene.take()
        runs = scene.store.runs
        await runs.start(lease, work.run.id)
        turn = await runs.begin_turn(lease, work.run.id)
        await runs.finish_turn(lease, turn, a_result(), [a_call(effect=effect)])
        (call,) = await runs.calls(work.run.id)
        await runs.begin_call(lease, call)
        (call,) = await runs.calls(work.run.id)
        await runs.end_call(lease, call, CallState.DONE, "done")
        await ended(scene, lease, work.run, RunStatus.FAILED)
        outcome = await scene.store.intake.again(work.run.id, ASSISTANT)
        assert (outcome is NotAgain.NOT_TWICE) is refused


async def test_the_answer_to_a_deleted_question_stays_as_it_is(scene: Scene) -> None:
    run = await answered(scene, "question", "k1")
    await scene.store.corrections.delete(["k1"])
    assert await scene.store.intake.again(run.id, ASSISTANT) is NotAgain.DELETED


async def test_a_private_answer_whose_way_back_is_closed_is_not_written_again(scene: Scene) -> None:
    for secrets, outcome in ((("token",), NotAgain.NO_WAY_BACK), ((), None)):
        place = {"channel": "C", "token": "t"}
        address = Address(platform="console", place=place, secrets=secrets, private=True)
        event = an_event("question", f"C{len(secrets)}").model_copy(update={"address": address})
        await scene.store.intake.accept(event, ASSISTANT)
        run = await scene.finish("answer")
        found = await scene.store.intake.again(run.id, ASSISTANT)
        assert isinstance(found, Acceptance) if outcome is None else found is outcome
        if outcome is None:
            await scene.finish("answer again")
