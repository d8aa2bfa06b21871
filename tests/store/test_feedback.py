"""What people think of answers, and what these took."""

import time

import pytest

from bot.domain.deliveries import DeliveryState
from bot.domain.messages import Author
from bot.domain.runs import RunStatus, Usage
from bot.ports import Ending
from tests.store.scene import ANN, ASSISTANT, Scene, a_result, an_event
from tests.store.tampering import behind_its_back, opinions

BEN = Author(platform="console", id="U2", name="Ben")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ([(False, "wrong"), (False, None)], "wrong"),
        ([(False, "wrong"), (True, None)], None),
        ([(False, "wrong"), (False, "very wrong\x00")], "very wrong\ufffd"),
        ([(True, None), (False, None), (False, "wrong")], "wrong"),
    ],
)
async def test_the_newest_opinion_of_a_person_counts(
    scene: Scene, database_url: str, words: list[tuple[bool, str | None]], kept: str | None
) -> None:
    acceptance = await scene.say()
    for good, comment in words:
        assert await scene.store.feedback.give(acceptance.run_id, ANN, good=good, comment=comment)
    assert await opinions(database_url) == [(acceptance.run_id, "console:U1", words[-1][0], kept)]


async def test_each_person_has_an_opinion_about_each_answer(scene: Scene, database_url: str) -> None:
    runs = [(await scene.say(conversation=f"C{number}")).run_id for number in range(2)]
    for run_id in runs:
        for person in (ANN, BEN):
            await scene.store.feedback.give(run_id, person, good=person == ANN, comment=person.name)
    assert set(await opinions(database_url)) == {
        (run_id, f"console:{person.id}", person == ANN, person.name) for run_id in runs for person in (ANN, BEN)
    }
    assert not await scene.store.feedback.give("run_unknown", ANN, good=True)


async def test_it_goes_with_its_thread(scene: Scene, database_url: str) -> None:
    run = await scene.say()
    await scene.store.feedback.give(run.run_id, ANN, good=True)
    await scene.finish("answer")
    assert await scene.store.upkeep.forget_thread(run.thread_id) is not None
    assert await behind_its_back(database_url, "DELETE FROM feedback") == 0


async def test_accounts_add_up_what_a_person_and_a_thread_used(scene: Scene, database_url: str) -> None:
    store = scene.store
    for conversation, person in (("C1", ANN), ("C1", BEN), ("C2", ANN)):
        event = an_event("Hi", conversation).model_copy(update={"author": person})
        await store.intake.accept(event, ASSISTANT)
        run = await scene.finish("answer")
    again = await store.intake.again(run.id, ASSISTANT)
    lease, work = await scene.take()
    await store.runs.start(lease, work.run.id)
    turn = await store.runs.begin_turn(lease, work.run.id)
    guessed = a_result("again").model_copy(update={"usage": Usage(total_tokens=10, estimated=True)})
    await store.runs.finish_turn(lease, turn, guessed, [])
    await store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    await store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    ann = await store.accounts.of_person(ANN, time.time() - 60)
    assert (ann.questions, ann.usage.total_tokens, ann.usage.estimated) == (2, 16, True)
    ben = await store.accounts.of_person(BEN, time.time() - 60)
    assert (ben.questions, ben.usage.total_tokens, ben.usage.estimated) == (1, 3, False)
    thread = await store.intake.thread_of("C1")
    assert thread is not None
    assert (await store.accounts.of_thread(thread)).usage.total_tokens == 6
    await behind_its_back(database_url, "UPDATE deliveries SET created_at = 1")
    assert (await store.accounts.of_person(ANN, time.time() - 60)).questions == 0
    assert again is not None
