"""What was said beside a question."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.domain.deliveries import BELONGS_TO, Heard, RemoteFile
from bot.domain.lanes import Lease
from bot.domain.messages import Attachment, Author, Hearing, Message
from bot.errors import Fenced
from bot.ports import Overheard
from bot.store import heard as hearing
from bot.store.connections import Transaction
from bot.store.corrections import MARKER
from tests.store.scene import ASSISTANT, Scene, an_event
from tests.store.tampering import behind_its_back
from tests.store.test_history import texts
from tests.store.test_upkeep import DAY, grow_old

BEN = Author(platform="console", id="U2", name="Ben")


def heard(key: str, text: str = "", *files: RemoteFile) -> Heard:
    return Heard(key=key, author=BEN, text=text or key, files=files)


async def test_it_stands_before_the_question_in_the_order_in_which_it_was_said(scene: Scene) -> None:
    lease, work = await scene.started("question")
    await scene.store.deliveries.hear(lease, work.run.id, [Overheard(heard("h1")), Overheard(heard("h2"))])
    messages = await scene.store.history.up_to(work.run, 10)
    assert [(message.text, message.heard) for message in messages] == [
        ("h1", Hearing.BEFORE),
        ("h2", Hearing.BEFORE),
        ("question", None),
    ]
    assert messages[0].author == BEN
    assert messages[0].run_id is None
    assert set((await scene.store.history.seq_of(messages)).values()) == {work.run.seq}


async def test_hearing_it_again_changes_nothing(scene: Scene) -> None:
    lease, work = await scene.started("question")
    for keys in (["h1"], ["h1", "h2"], ["h1", "h2"]):
        await scene.store.deliveries.hear(lease, work.run.id, [Overheard(heard(key)) for key in keys])
    assert await texts(scene, work.run) == ["h1", "h2", "question"]


async def test_it_needs_the_lane(scene: Scene) -> None:
    lease, work = await scene.started("question")
    stale = Lease(thread_id=lease.thread_id, worker_id=lease.worker_id, fence=lease.fence - 1)
    with pytest.raises(Fenced):
        await scene.store.deliveries.hear(stale, work.run.id, [Overheard(heard("h1"))])


async def test_what_was_said_to_us_in_the_conversation_is_known_also_after_a_new_beginning(
    scene: Scene, database_url: str
) -> None:
    await scene.say("one", "C1", "k1")
    await scene.finish("answer")
    await scene.say("elsewhere", "C2", "k2")
    await scene.finish("answer")
    await scene.store.intake.leave("C1")
    await scene.say("two", "C1", "k3")
    _, work = await scene.take()
    known = scene.store.history.known
    assert await known(work.run, ["k1", "k2", "k3", "h"]) == {"k1", "k3"}
    await behind_its_back(database_url, "DELETE FROM inbound_keys")
    assert await known(work.run, ["k1", "k2", "k3", "h"]) == {"k3"}


async def test_files_that_came_with_what_is_pointed_at_go_to_its_message(scene: Scene) -> None:
    remote = RemoteFile(name="f.txt", source={"id": "f"})
    event = an_event("What of this?").model_copy(update={"pointed_at": (heard("h1", "this", remote),)})
    await scene.store.intake.accept(event, ASSISTANT)
    lease, work = await scene.take()
    assert work.delivery is not None
    (waiting,) = work.delivery.files
    message_id = waiting.source[BELONGS_TO]
    file = await scene.store.files.add("f.txt", b"text", "text/plain", claimed=False)
    taken = [Attachment(name="f.txt", file_id=file.id)]
    await scene.store.deliveries.attach(lease, work.run.id, (), (), {message_id: taken})
    this, question = await scene.store.history.up_to(work.run, 5)
    assert (this.id, this.heard, this.attachments) == (message_id, Hearing.POINTED_AT, tuple(taken))
    assert question.attachments == ()
    await scene.store.upkeep.forget_files(-1)
    assert await scene.store.files.get(file.id) is not None


async def test_it_goes_with_its_thread(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started("question")
    file = await scene.store.files.add("f.txt", b"text", "text/plain", claimed=False)
    await scene.store.deliveries.hear(
        lease, work.run.id, [Overheard(heard("h1"), (Attachment(name="f", file_id=file.id),))]
    )
    await scene.store.upkeep.forget_files(-1)
    assert await scene.store.files.get(file.id) is not None
    await scene.store.workers.leave(scene.worker)
    await scene.enter()
    await scene.finish("answer")
    await grow_old(database_url)
    assert await scene.store.upkeep.forget_threads(DAY) == 1
    assert await scene.store.files.get(file.id) is None
    assert await behind_its_back(database_url, "DELETE FROM messages") == 0


@pytest.mark.parametrize("pointed_at", [False, True])
async def test_a_deletion_that_comes_while_it_is_being_stored_waits_for_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, pointed_at: bool
) -> None:
    deleting: list[asyncio.Task[tuple[str, ...]]] = []
    store = hearing.put_beside

    async def put_beside(tx: Transaction, run_seq: int, found: Sequence[tuple[Heard, Message]]) -> None:
        deleting.append(asyncio.create_task(scene.store.corrections.delete(["h1"])))
        await asyncio.wait(deleting, timeout=0.5)
        await store(tx, run_seq, found)

    monkeypatch.setattr(hearing, "put_beside", put_beside)
    if pointed_at:
        event = an_event("question").model_copy(update={"pointed_at": (heard("h1"),)})
        await scene.store.intake.accept(event, ASSISTANT)
        _, work = await scene.take()
    else:
        lease, work = await scene.started("question")
        await scene.store.deliveries.hear(lease, work.run.id, [Overheard(heard("h1"))])
    await asyncio.gather(*deleting)
    assert await texts(scene, work.run) == [MARKER, "question"]


async def test_what_was_said_to_us_and_deleted_does_not_come_back(scene: Scene) -> None:
    said = an_event("a secret", "C1", "h1").model_copy(update={"source": "h1"})
    await scene.store.intake.accept(said, ASSISTANT)
    await scene.finish("an answer")
    await scene.store.corrections.delete(["h1"])
    event = an_event("What of this?", "C2").model_copy(update={"pointed_at": (heard("h1", "a secret"),)})
    await scene.store.intake.accept(event, ASSISTANT)
    lease, work = await scene.take()
    await scene.store.deliveries.hear(lease, work.run.id, [Overheard(heard("h1", "a secret"))])
    assert await texts(scene, work.run) == ["What of this?"]
