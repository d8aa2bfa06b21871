"""What a run may read."""

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import Run, RunStatus
from bot.domain.threads import Summary
from bot.ports import Ending
from tests.store.scene import Scene, a_result


async def finish(scene: Scene, text: str) -> Run:
    """Answer the lane's next run completely."""
    lease, work = await scene.take()
    await scene.store.runs.start(lease, work.run.id)
    await scene.answer(lease, work.run.id, text)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    await scene.store.workers.leave(scene.worker)
    await scene.enter()
    return work.run


async def texts(scene: Scene, run: Run, limit: int = 50, before: int | None = None) -> list[str]:
    return [message.text for message in await scene.store.history.up_to(run, limit, before)]


async def test_a_message_sent_during_a_run_is_read_after_that_runs_answer(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two")  # before "one" is answered
    await finish(scene, "answer one")
    second = await finish(scene, "answer two")
    assert await texts(scene, second) == ["one", "answer one", "two", "answer two"]


async def test_a_run_does_not_read_messages_of_later_runs(scene: Scene) -> None:
    await scene.say("one")
    await scene.say("two")
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["one"]


async def test_the_newest_messages_come_oldest_first(scene: Scene) -> None:
    for number in range(3):
        await scene.say(f"q{number}")
        run = await finish(scene, f"a{number}")
    assert await texts(scene, run, 3) == ["a1", "q2", "a2"]


async def test_pages_go_backwards_by_run(scene: Scene) -> None:
    seqs = []
    for number in range(3):
        await scene.say(f"q{number}")
        run = await finish(scene, f"a{number}")
        seqs.append(run.seq)
    assert await texts(scene, run, 50, seqs[2]) == ["q0", "a0", "q1", "a1"]
    assert await texts(scene, run, 1, seqs[1]) == ["a0"]
    assert await texts(scene, run, 50, seqs[0]) == []


async def test_broken_and_unfinished_text_is_not_read(scene: Scene) -> None:
    lease, work = await scene.started("question")
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.begin_message(lease, turn)
    await scene.store.runs.break_turn(lease, turn, "lost")
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.begin_message(lease, turn)
    assert await texts(scene, work.run) == ["question"]
    await scene.store.runs.finish_turn(lease, turn, a_result("answer"), [])
    assert await texts(scene, work.run) == ["question", "answer"]


async def test_a_stopped_answer_is_read_by_later_runs(scene: Scene) -> None:
    lease, work = await scene.started("question")
    turn = await scene.store.runs.begin_turn(lease, work.run.id)
    await scene.store.runs.begin_message(lease, turn)
    await scene.store.runs.request_cancel(work.run.id)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.CANCELLED, open_text="so far"))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    await scene.say("go on")
    following = await scene.store.lanes.next_work(lease)
    assert following is not None
    assert await texts(scene, following.run) == ["question", "so far", "go on"]


async def test_messages_know_the_place_of_their_run(scene: Scene) -> None:
    await scene.say("q")
    run = await finish(scene, "a")
    messages = await scene.store.history.up_to(run, 10)
    assert await scene.store.history.seq_of(messages) == {message.id: run.seq for message in messages}
    assert await scene.store.history.seq_of([]) == {}


async def test_a_summary_is_replaced_only_by_one_that_reaches_further(scene: Scene) -> None:
    lease, work = await scene.started()
    history, thread = scene.store.history, work.run.thread_id
    assert await history.summary(thread) is None
    for upto, text in ((5, "five"), (4, "four"), (5, "again"), (6, "six\x00")):
        await history.keep_summary(lease, Summary(thread_id=thread, upto=upto, text=text, created_at=1))
    kept = await history.summary(thread)
    assert kept is not None
    assert (kept.upto, kept.text) == (6, "six\ufffd")
