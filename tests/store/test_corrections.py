"""People change and delete what they said."""

import asyncio

from bot.domain.deliveries import STORED, DeliveryState, Heard, RemoteFile
from bot.domain.files import File
from bot.domain.messages import DELETED, Attachment, Author, ImageFilePart
from bot.domain.runs import Run, RunStatus
from bot.domain.threads import Summary
from bot.ports import Ending, Overheard, Store
from bot.store.corrections import MARKER
from tests.store.scene import ASSISTANT, Scene, an_event
from tests.store.tampering import behind_its_back
from tests.store.test_history import texts

BEN = Author(platform="console", id="U2", name="Ben")


async def said(store: Store, run: Run) -> list[str]:
    return [message.text for message in await store.history.up_to(run, 50)]


async def is_claimed(scene: Scene, file: File) -> bool:
    """Whether a message names the file, as far as the cleaning can tell."""
    await scene.store.upkeep.forget_files(-1)
    return await scene.store.files.get(file.id) is not None


# --- edits


async def test_a_queued_run_reads_the_new_text(scene: Scene) -> None:
    await scene.say("teh question", "C1", "k1")
    assert await scene.store.corrections.edit("k1", "the question")
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["the question"]


async def test_later_runs_read_the_new_text_of_an_answered_question(scene: Scene) -> None:
    await scene.say("teh question", "C1", "k1")
    await scene.finish("an answer")
    await scene.store.corrections.edit("k1", "the question\x00")
    await scene.say("and now?")
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["the question\ufffd", "an answer", "and now?"]


async def test_an_edit_of_something_unknown_changes_nothing(scene: Scene) -> None:
    """Also when it overtakes its message, which is then read as it was sent."""
    assert not await scene.store.corrections.edit("k1", "edited")
    assert not (await scene.say("as it was", "C1", "k1")).duplicate
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["as it was"]


async def test_a_message_is_known_by_its_source_and_while_keys_are_kept_by_any_of_them(
    scene: Scene, database_url: str
) -> None:
    event = an_event("one", "C1", "delivery", "message").model_copy(update={"source": "message"})
    await scene.store.intake.accept(event, ASSISTANT)
    assert await scene.store.corrections.edit("delivery", "two")
    await behind_its_back(database_url, "DELETE FROM inbound_keys")
    assert not await scene.store.corrections.edit("delivery", "three")
    assert await scene.store.corrections.edit("message", "four")
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["four"]


async def test_an_older_edit_that_comes_later_changes_nothing(scene: Scene) -> None:
    await scene.say("one", "C1", "k1")
    edit = scene.store.corrections.edit
    whole = await scene.store.files.add("message.txt", b"two", "text/plain", claimed=False)
    assert await edit("k1", "three", None, 1_700_000_003.25)
    assert await edit("k1", "two", whole, 1_700_000_002.5)
    _, work = await scene.take()
    assert await texts(scene, work.run) == ["three"]
    assert not await is_claimed(scene, whole)
    for words, at in (("of the same second", 1_700_000_003.25), ("four", 1_700_000_004), ("at an unknown time", 0)):
        assert await edit("k1", words, None, at)
        assert await texts(scene, work.run) == [words]


async def test_images_stay_when_the_text_changes(scene: Scene) -> None:
    await scene.say("look", "C1", "k1")
    lease, work = await scene.take()
    image = await scene.store.files.add("a.png", b"png", "image/png", claimed=False)
    records = [Attachment(name="a.png", file_id=image.id)]
    await scene.store.deliveries.attach(lease, work.run.id, records, [ImageFilePart(file_id=image.id)])
    await scene.store.corrections.edit("k1", "look here")
    (message,) = await scene.store.history.up_to(work.run, 5)
    assert message.text == "look here"
    assert message.content[1:] == (ImageFilePart(file_id=image.id),)
    assert message.attachments == tuple(records)
    assert await is_claimed(scene, image)


async def test_the_file_of_a_text_that_is_too_long_goes_with_that_text(scene: Scene) -> None:
    """Whether it was taken in already or not."""
    store = scene.store
    first = await store.files.add("message.txt", b"long", "text/plain", claimed=False)
    remote = RemoteFile(name="message.txt", source={STORED: first.id})
    await store.intake.accept(an_event("lo…", "C1", "k1", files=(remote,)), ASSISTANT)
    second = await store.files.add("message.txt", b"longer", "text/plain", claimed=False)
    assert await store.corrections.edit("k1", "lon…", second)
    lease, work = await scene.take()
    assert work.delivery is not None
    assert work.delivery.files == ()
    await store.deliveries.attach(lease, work.run.id, (), ())
    (message,) = await store.history.up_to(work.run, 5)
    assert message.attachments == (Attachment(name="message.txt", file_id=second.id),)
    assert not await is_claimed(scene, first)
    assert await is_claimed(scene, second)
    await store.corrections.edit("k1", "short")
    (message,) = await store.history.up_to(work.run, 5)
    assert (message.text, message.attachments) == ("short", ())
    assert not await is_claimed(scene, second)


# --- deletions


async def test_a_deleted_question_is_redacted_with_its_files_and_its_answer_stays(scene: Scene) -> None:
    await scene.say("a secret", "C1", "k1")
    lease, work = await scene.take()
    file = await scene.store.files.add("a.txt", b"text", "text/plain", claimed=False)
    attached = [Attachment(name="secret.txt", file_id=file.id)]
    await scene.store.deliveries.attach(lease, work.run.id, attached, [ImageFilePart(file_id=file.id)])
    await scene.store.runs.start(lease, work.run.id)
    await scene.answer(lease, work.run.id, "an answer")
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.corrections.delete(["k1"]) == ()
    question, answer = await scene.store.history.up_to(work.run, 5)
    assert (question.text, question.attachments, len(question.content)) == (MARKER, (), 1)
    assert DELETED in question.metadata
    assert answer.text == "an answer"
    assert not await is_claimed(scene, file)
    assert not await scene.store.corrections.edit("k1", "it is back"), "what is gone is gone"


async def test_a_queued_question_that_is_deleted_ends_without_an_answer(scene: Scene) -> None:
    first = await scene.say("one", "C1")
    remote = RemoteFile(name="f", source={"id": "f"})
    second = await scene.store.intake.accept(an_event("two", "C1", "k2", files=(remote,)), ASSISTANT)
    assert await scene.store.corrections.delete(["k2"]) == (second.run_id,)
    delivery, run = await scene.store.deliveries.get(second.run_id), await scene.store.runs.get(second.run_id)
    assert delivery is not None
    assert run is not None
    assert (delivery.state, delivery.files, run.status) == (DeliveryState.ABANDONED, (), RunStatus.CANCELLING)
    lease, work = await scene.take()
    assert work.run.id == first.run_id, "it only loses what was deleted"
    await scene.store.runs.start(lease, first.run_id)
    await scene.answer(lease, first.run_id, "answer one")
    await scene.store.runs.end(lease, first.run_id, Ending(RunStatus.COMPLETED))
    await scene.store.deliveries.close(lease, first.run_id, DeliveryState.DELIVERED)
    following = await scene.store.lanes.next_work(lease)
    assert following is not None
    assert (following.run.id, following.run.status) == (second.run_id, RunStatus.CANCELLING)


async def test_a_question_that_is_deleted_while_it_is_answered_stops_its_run(scene: Scene) -> None:
    await scene.say("one", "C1", "k1")
    lease, work = await scene.take()
    await scene.store.runs.start(lease, work.run.id)
    waiting = asyncio.create_task(scene.store.runs.wait_for_stop(30))
    assert await scene.store.corrections.delete(["k1"]) == (work.run.id,)
    await asyncio.wait_for(waiting, 5)
    assert await scene.store.runs.cancelling([work.run.id]) == {work.run.id}
    delivery = await scene.store.deliveries.get(work.run.id)
    assert delivery is not None
    assert delivery.state is DeliveryState.OPEN, "what is there of its answer is still shown to its end"
    assert await scene.store.corrections.delete(["k1"]) == (work.run.id,), "after a crash the platform sends it again"


async def test_a_deletion_that_overtakes_its_message_makes_it_a_duplicate(scene: Scene) -> None:
    assert await scene.store.corrections.delete(["message"]) == ()
    event = an_event("a secret", "C1", "delivery", "message").model_copy(update={"source": "message"})
    acceptance = await scene.store.intake.accept(event, ASSISTANT)
    assert acceptance.duplicate
    assert await scene.store.intake.thread_of("C1") is None
    assert await scene.store.lanes.claim(scene.worker, 5) == ()
    assert (await scene.store.intake.accept(event, ASSISTANT)).duplicate


async def test_deletion_and_acceptance_at_once_never_leave_the_text(scene: Scene) -> None:
    """Whoever is first: either it was not accepted, or it was redacted and its run is being cancelled."""
    for number in range(10):
        key = f"race-{number}"
        acceptance, _ = await asyncio.gather(
            scene.say("a secret", f"C{number}", key), scene.store.corrections.delete([key])
        )
        run = await scene.store.runs.get(acceptance.run_id)
        if not acceptance.duplicate:
            assert run is not None
            assert run.status is RunStatus.CANCELLING
            assert await texts(scene, run) == [MARKER]


async def test_what_was_heard_is_edited_and_deleted_wherever_it_is_read(scene: Scene) -> None:
    heard = Heard(key="h1", author=BEN, text="a secret", files=(RemoteFile(name="f", source={"id": "f"}),))
    for conversation in ("C1", "C2"):
        event = an_event("What of this?", conversation).model_copy(update={"pointed_at": (heard,)})
        await scene.store.intake.accept(event, ASSISTANT)
    assert await scene.store.corrections.edit("h1", "no secret")
    leases = await scene.store.lanes.claim(scene.worker, 5)
    works = [await scene.store.lanes.next_work(lease) for lease in leases]
    assert [await said(scene.store, work.run) for work in works if work] == [["no secret", "What of this?"]] * 2
    assert await scene.store.corrections.delete(["h1"]) == (), "the questions are still answered"
    for work in works:
        assert work is not None
        assert await said(scene.store, work.run) == [MARKER, "What of this?"]
        delivery = await scene.store.deliveries.get(work.run.id)
        assert delivery is not None
        assert delivery.files == ()


async def test_what_was_deleted_before_it_was_heard_is_not_stored(scene: Scene) -> None:
    await scene.store.corrections.delete(["h1"])
    pointed_at = (Heard(key="h1", author=BEN, text="a secret"), Heard(key="h2", author=BEN, text="public"))
    event = an_event("What of this?").model_copy(update={"pointed_at": pointed_at})
    await scene.store.intake.accept(event, ASSISTANT)
    lease, work = await scene.take()
    await scene.store.deliveries.hear(lease, work.run.id, [Overheard(pointed_at[0])])
    assert await texts(scene, work.run) == ["public", "What of this?"]


# --- summaries


async def test_summaries_that_contain_it_are_dropped_and_later_ones_only(scene: Scene) -> None:
    await scene.say("one", "C1", "k1")
    first = await scene.finish("answer one")
    await scene.say("two", "C1", "k2")
    lease, work = await scene.take()
    history = scene.store.history
    summary = Summary(thread_id=first.thread_id, upto=first.seq, text="one", created_at=1)
    await history.keep_summary(lease, summary)
    await scene.store.corrections.edit("k2", "zwei")
    assert await history.summary(first.thread_id) == summary
    await scene.store.corrections.delete(["k1"])
    assert await history.summary(first.thread_id) is None
    await history.keep_summary(lease, summary)
    await scene.store.corrections.edit("k1", "eins")
    assert await history.summary(first.thread_id) == summary, "a deleted message has no text to be edited"
    assert work.run.seq > first.seq


async def test_a_summary_of_words_that_were_taken_back_meanwhile_is_not_kept(scene: Scene) -> None:
    await scene.say("a secret", "C1", "k1")
    lease, work = await scene.take()
    history, thread = scene.store.history, work.run.thread_id
    before = await history.revision(thread)
    await scene.store.corrections.delete(["k1"])
    summary = Summary(thread_id=thread, upto=work.run.seq, text="a secret", created_at=1)
    await history.keep_summary(lease, summary, before)
    assert await history.summary(thread) is None
    await history.keep_summary(lease, summary, await history.revision(thread))
    assert await history.summary(thread) is not None
