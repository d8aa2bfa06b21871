"""Accepting events."""

import asyncio
import time

from bot.domain.assistants import FileSearchTool
from bot.domain.deliveries import DeliveryState, RemoteFile
from bot.domain.messages import Author, TextPart
from bot.domain.runs import RUN_LIFETIME, RunStatus
from bot.ports import Store
from tests.store.scene import ANN, ASSISTANT, Scene, an_event
from tests.store.tampering import behind_its_back


async def test_an_event_becomes_a_queued_run_that_copies_its_assistant(store: Store) -> None:
    assistant = ASSISTANT.model_copy(update={"tools": (FileSearchTool(),), "temperature": 0.5})
    acceptance = await store.intake.accept(an_event(), assistant)
    run = await store.runs.get(acceptance.run_id)
    assert run is not None
    assert (run.status, run.thread_id) == (RunStatus.QUEUED, acceptance.thread_id)
    assert (run.model, run.instructions, run.tools) == ("m-1", "Be kind.", (FileSearchTool(),))
    assert (run.temperature, run.assistant_id) == (0.5, "asst_1")
    assert run.expires_at is not None
    assert run.expires_at - run.created_at in (RUN_LIFETIME, RUN_LIFETIME + 1)  # two clocks, a moment apart


async def test_a_lifetime_that_is_asked_for_is_written_down(store: Store) -> None:
    acceptance = await store.intake.accept(an_event(), ASSISTANT, lifetime=42)
    run = await store.runs.get(acceptance.run_id)
    assert run is not None
    assert run.expires_at is not None
    assert run.expires_at - run.created_at in (42, 43)


async def test_the_words_become_a_message_at_the_place_of_the_run(store: Store) -> None:
    acceptance = await store.intake.accept(an_event("What now?"), ASSISTANT)
    run = await store.runs.get(acceptance.run_id)
    assert run is not None
    (message,) = await store.history.up_to(run, 10)
    assert (message.role, message.text, message.author) == ("user", "What now?", ANN)
    assert await store.history.seq_of([message]) == {message.id: run.seq}


async def test_the_delivery_remembers_the_files_still_to_be_taken_in(store: Store) -> None:
    file = RemoteFile(name="a.csv", size=3, source={"id": "F1"})
    event = an_event(files=(file,))
    acceptance = await store.intake.accept(event, ASSISTANT)
    delivery = await store.deliveries.get(acceptance.run_id)
    assert delivery is not None
    assert (delivery.state, delivery.files, delivery.address) == (DeliveryState.OPEN, (file,), event.address)


async def test_one_conversation_is_one_thread(scene: Scene) -> None:
    first, second = await scene.say("a", "C1"), await scene.say("b", "C1")
    elsewhere = await scene.say("c", "C2")
    assert first.thread_id == second.thread_id != elsewhere.thread_id


async def test_messages_behind_unfinished_runs_know_how_many_come_first(scene: Scene) -> None:
    assert [(await scene.say()).ahead for _ in range(3)] == [0, 1, 2]


async def test_the_same_event_again_is_the_first_run_and_stores_nothing(scene: Scene) -> None:
    first = await scene.say("once", "C1", "k1")
    again = await scene.say("once", "C1", "k1")
    assert again.duplicate
    assert (again.run_id, again.thread_id, again.ahead) == (first.run_id, first.thread_id, 0)
    assert (await scene.say("next", "C1")).ahead == 1


async def test_a_duplicate_by_one_key_teaches_all_its_keys(scene: Scene) -> None:
    first = await scene.say("hi", "C1", "k1")
    await scene.say("hi", "C1", "k1", "k2")
    third = await scene.say("hi", "C1", "k2", "k3")
    assert third.duplicate
    assert third.run_id == first.run_id


async def test_a_duplicate_after_leaving_makes_no_new_thread(scene: Scene) -> None:
    await scene.say("hi", "C1", "k1")
    await scene.store.intake.leave("C1")
    await scene.say("hi", "C1", "k1")
    assert await scene.store.intake.thread_of("C1") is None


async def test_ten_deliveries_of_one_event_at_once_are_one_run(scene: Scene) -> None:
    keys = [("k1", "k2"), ("k2", "k1")] * 5
    acceptances = await asyncio.gather(*(scene.say("hi", "C1", *pair) for pair in keys))
    assert len({acceptance.run_id for acceptance in acceptances}) == 1
    assert sum(not acceptance.duplicate for acceptance in acceptances) == 1


async def test_first_messages_at_once_share_a_thread_and_have_each_a_place(scene: Scene) -> None:
    acceptances = await asyncio.gather(*(scene.say(f"m{n}", "C1") for n in range(10)))
    assert len({acceptance.thread_id for acceptance in acceptances}) == 1
    assert sorted(acceptance.ahead for acceptance in acceptances) == list(range(10))


async def test_a_thread_found_by_its_conversation(scene: Scene) -> None:
    acceptance = await scene.say("hi", "C1")
    assert await scene.store.intake.thread_of("C1") == acceptance.thread_id
    assert await scene.store.intake.thread_of("C9") is None


async def test_a_further_key_leads_to_the_same_thread(scene: Scene) -> None:
    acceptance = await scene.say("hi", "C1")
    await scene.store.intake.join("C1/posted", acceptance.thread_id)
    assert (await scene.say("more", "C1/posted")).thread_id == acceptance.thread_id


async def test_a_key_that_leads_somewhere_already_is_not_bent(scene: Scene) -> None:
    one, two = await scene.say("hi", "C1"), await scene.say("hi", "C2")
    await scene.store.intake.join("C2", one.thread_id)
    assert await scene.store.intake.thread_of("C2") == two.thread_id


async def test_the_first_delivery_of_a_conversation_is_that_of_its_thread_now(scene: Scene) -> None:
    first_in = scene.store.deliveries.first_in
    assert await first_in("C1") is None
    first = await scene.say("hi", "C1")
    await scene.say("more", "C1")
    await scene.store.intake.join("C1/posted", first.thread_id)
    for conversation in ("C1", "C1/posted"):
        delivery = await first_in(conversation)
        assert delivery is not None
        assert delivery.run_id == first.run_id
    await scene.store.intake.leave("C1")
    assert await first_in("C1") is None
    again = await scene.say("hi", "C1")
    delivery = await first_in("C1")
    assert delivery is not None
    assert delivery.run_id == again.run_id


async def test_after_leaving_the_next_message_starts_over(scene: Scene) -> None:
    before = await scene.say("hi", "C1")
    assert await scene.store.intake.leave("C1")
    assert not await scene.store.intake.leave("C1")
    assert (await scene.say("hi", "C1")).thread_id != before.thread_id


async def test_what_no_database_can_hold_becomes_the_replacement_character(store: Store) -> None:
    event = an_event("a\x00b\ud83d").model_copy(update={"author": Author(platform="x", id="1", name="N\x00\udc00")})
    acceptance = await store.intake.accept(event, ASSISTANT)
    run = await store.runs.get(acceptance.run_id)
    assert run is not None
    (message,) = await store.history.up_to(run, 1)
    assert message.content == (TextPart(value="a\ufffdb\ufffd"),)
    assert message.author is not None
    assert message.author.name == "N\ufffd\ufffd"


async def test_the_last_conversation_of_a_person_in_a_channel(store: Store) -> None:
    async def say(conversation: str, channel: str, author: Author) -> None:
        event = an_event("hi", conversation).model_copy(update={"channel": channel, "author": author})
        await store.intake.accept(event, ASSISTANT)

    ben, stranger = ANN.model_copy(update={"id": "U2"}), ANN.model_copy(update={"platform": "other"})
    await say("console:1", "K1", ANN)
    await say("console:2", "K1", ANN)
    await say("console:3", "K1", ben)
    await say("other:4", "K1", stranger)
    await say("console:5", "K2", ANN)
    last = store.intake.last_conversation
    renamed = ANN.model_copy(update={"name": "Ann, married"})
    assert [await last("K1", who) for who in (ANN, ben, stranger, renamed)] == [
        "console:2",
        "console:3",
        "other:4",
        "console:2",
    ]
    assert await last("K2", ben) is await last("K3", ANN) is None


async def test_the_live_conversations_of_a_platform_are_the_newest_first_and_each_once(
    scene: Scene, database_url: str
) -> None:
    await scene.say("long ago", "slack:old")
    await behind_its_back(database_url, "UPDATE deliveries SET created_at = 1")
    for conversation in ("slack:a", "slack:b", "slack:a", "slackers:c", "SLACK:d", "discord:e", "slack:f"):
        await scene.say("hi", conversation)
    live, lately = scene.store.intake.live_conversations, time.time() - 60
    assert await live(lately, ["slack:"], "?", 10) == ("slack:f", "slack:a", "slack:b")
    assert await live(lately, ["slack:"], "?", 2) == ("slack:f", "slack:a")
    assert await live(0, ["slack:"], "?", 10) == ("slack:f", "slack:a", "slack:b", "slack:old")
    assert await live(0, ["%"], "?", 10) == ()


async def test_no_kind_of_live_conversations_pushes_another_out(scene: Scene) -> None:
    """Each beginning has its own share, in the order in which they were asked for; some kinds are left out."""
    await scene.say("hi", "discord:dm:1")
    await scene.say("hi", "discord:7:2")
    for number in range(3):
        await scene.say("hi", f"discord:8:{number}")
        await scene.say("hi", f"discord:7:interaction:{number}")
    live = scene.store.intake.live_conversations
    kinds = ("discord:dm:", "discord:7:", "discord:8:", "discord:")
    found = await live(0, kinds, ":interaction:", 2)
    assert found == ("discord:dm:1", "discord:7:2", "discord:8:2", "discord:8:1")
    assert await live(0, kinds, "_interaction_", 1) == ("discord:dm:1", "discord:7:interaction:2", "discord:8:2")


async def test_a_key_without_a_message_is_new_once(store: Store) -> None:
    """Also when several processes are told it at the same moment."""
    answers = await asyncio.gather(*(store.intake.first_time("slack request v0=1") for _ in range(4)))
    assert sorted(answers) == [False, False, False, True]
    assert not await store.intake.first_time("slack request v0=1")
    assert await store.intake.first_time("slack request v0=2")


async def test_a_key_without_a_message_is_forgotten_with_the_others(store: Store) -> None:
    await store.intake.first_time("slack request v0=1")
    assert await store.upkeep.forget_keys(0) == 1
    assert await store.intake.first_time("slack request v0=1")
