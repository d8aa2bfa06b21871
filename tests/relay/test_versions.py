"""Answers that are written again, buttons under what is finished, and the small print."""

import asyncio
from pathlib import Path

import pytest

from bot.configuration.rules import Rules
from bot.configuration.tables import AssistantsFile
from bot.domain.assistants import FunctionDefinition, FunctionTool
from bot.domain.deliveries import Address, Event
from bot.domain.lanes import Lease, Work
from bot.domain.messages import FileCitation, TextPart
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import Effect
from bot.ports import Ending, Store
from bot.relay import Relay
from bot.relay.answer import AGAIN
from bot.relay.contract import Command, Deleted, Edited, Inbound, Press, Terms, Verdict
from bot.relay.presses import NOT_AGAIN, NOT_YOURS_TO_REPEAT, THANKS, UNKNOWN, NotAgain
from bot.store.corrections import MARKER
from tests.store.tampering import behind_its_back, opinions
from tests.support.databases import sqlite_url
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import ADA, BEN, FastClock, RunScript, StoreControl, asked, assistant_of, claim, event

LONG = "This is a sentence of the first answer. " * 20


async def relay_of(store: Store, adapter: MemoryAdapter) -> Relay:
    return Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(), StoreControl(store))


async def answer(
    store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, text: str, status: RunStatus | None = None
) -> Run:
    """Write one answer to its end; the lane is idle then."""
    relay = await relay_of(store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        await script.say(text)
        run = await script.complete() if status is None else await script.end(Ending(status=status))
        await sink.finish(run)
    assert await store.lanes.next_work(lease) is None
    return run


async def answered(
    store: Store, adapter: MemoryAdapter, text: str = "The first answer.", what: Event | None = None
) -> Run:
    work, lease = await asked(store, what)
    return await answer(store, adapter, work, lease, text)


async def press(store: Store, adapter: MemoryAdapter, press: Press) -> str | None:
    return await (await relay_of(store, adapter)).reception("memory").press(press)


def regenerate(run: Run) -> Press:
    return Press(op="regenerate", run_id=run.id, person=ADA)


def ops(adapter: MemoryAdapter) -> list[str]:
    return [button.op for message in adapter.visible for button in message.now.buttons]


# --- written again


async def test_the_new_answer_takes_the_place_of_the_old_one_and_says_which_it_is(store: Store) -> None:
    adapter = MemoryAdapter()
    old = await answered(store, adapter)
    assert [message.now.footer for message in adapter.visible] == [""]
    assert await press(store, adapter, regenerate(old)) is None
    work, lease = await claim(store)
    relay = await relay_of(store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        await adapter.until(lambda: adapter.texts == [AGAIN])
        assert ops(adapter) == ["stop"]
        await script.say("The second answer, which is longer.")
        await adapter.until(lambda: adapter.texts == ["The second answer, which is longer."])
        await sink.finish(await script.complete())
    (message,) = adapter.messages
    assert (message.now.text, message.now.footer) == ("The second answer, which is longer.", "2/2")
    assert {button.run_id for button in message.now.buttons} == {work.run.id}
    assert ops(adapter) == ["regenerate", "up", "down"]


async def test_a_shorter_new_answer_empties_the_messages_that_it_does_not_need(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    old = await answered(sqlite_store, adapter, LONG)
    assert len(adapter.visible) > 1
    await press(sqlite_store, adapter, regenerate(old))
    work, lease = await claim(sqlite_store)
    await answer(sqlite_store, adapter, work, lease, "Short.")
    assert adapter.texts == ["Short.", *["…"] * (len(adapter.texts) - 1)]
    assert [len(message.now.buttons) for message in adapter.visible][1:] == [0] * (len(adapter.texts) - 1)


async def test_a_message_that_was_deleted_meanwhile_is_posted_anew(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    old = await answered(sqlite_store, adapter)
    adapter.delete(adapter.messages[0])
    await press(sqlite_store, adapter, regenerate(old))
    work, lease = await claim(sqlite_store)
    await answer(sqlite_store, adapter, work, lease, "The second answer.")
    assert adapter.texts == ["The second answer."]
    assert len({message.key for message in adapter.messages}) == 2


async def test_only_the_asker_and_moderators_have_it_written_again(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    address = Address(platform="memory", place={"room": "general"}, scope="memory:T1")
    old = await answered(sqlite_store, adapter, what=event().model_copy(update={"address": address}))
    foreign = regenerate(old).model_copy(update={"person": BEN})
    assert await press(sqlite_store, adapter, foreign) == NOT_YOURS_TO_REPEAT
    elsewhere = foreign.model_copy(update={"moderator": True, "scope": "memory:T2"})
    assert await press(sqlite_store, adapter, elsewhere) == NOT_YOURS_TO_REPEAT
    assert await press(sqlite_store, adapter, elsewhere.model_copy(update={"scope": "memory:T1"})) is None


async def test_two_presses_at_once_make_one_run(store: Store) -> None:
    adapter = MemoryAdapter()
    old = await answered(store, adapter)
    notes = await asyncio.gather(*(press(store, adapter, regenerate(old)) for _ in range(3)))
    assert sorted(notes, key=str) == sorted([None, *[NOT_AGAIN[NotAgain.GOING_ON]] * 2], key=str)
    assert len(await store.runs.active(old.thread_id)) == 1


async def test_an_answer_that_the_conversation_went_past_is_not_written_again(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    old = await answered(sqlite_store, adapter)
    await answered(sqlite_store, adapter)
    assert await press(sqlite_store, adapter, regenerate(old)) == NOT_AGAIN[NotAgain.NOT_NEWEST]
    assert await press(sqlite_store, adapter, regenerate(old).model_copy(update={"run_id": "run_x"})) == UNKNOWN


@pytest.mark.parametrize("known", [True, False])
async def test_it_is_written_by_the_rules_of_today_without_tools_that_are_new_or_gone(
    store: Store, database_url: str, *, known: bool
) -> None:
    tools = {name: FunctionTool(function=FunctionDefinition(name=name)) for name in ("look", "mail", "pay")}
    before = (await assistant_of(store)).model_copy(update={"tools": (tools["look"], tools["mail"])})
    thread = event().model_copy(update={"channel": "memory:thread", "parent": "memory:desk"})
    adapter = MemoryAdapter()
    await store.intake.accept(thread, before)
    work, lease = await claim(store)
    assert work.run.ruled_by == "memory:desk"
    old = await answer(store, adapter, work, lease, "The first answer.")
    if not known:
        await behind_its_back(database_url, "UPDATE runs SET metadata = '{}'")
    now = before.model_copy(
        update={
            "tools": (tools["look"], tools["pay"]) if not known else tuple(tools.values()),
            "instructions": "Be brief.",
            "model": "newer",
        }
    )
    file = AssistantsFile.model_validate({"channels": [{"match": "memory:desk", "tools": ["look", "pay"]}]})
    name = now.name or ""
    relay = Relay(store, [adapter], Rules(file, name, {name: now}), FastClock(), StoreControl(store))
    assert await relay.reception("memory").press(regenerate(old)) is None
    work, _ = await claim(store)
    assert (work.run.tools, work.run.model) == ((tools["look"],), "newer")
    assert (work.run.instructions, work.run.version) == ("Be brief.", 2)


# --- buttons under what is finished


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        (None, ["Regenerate", "👍", "👎"]),
        (RunStatus.FAILED, ["Try again"]),
        (RunStatus.INCOMPLETE, ["Try again"]),
        (RunStatus.EXPIRED, ["Try again"]),
    ],
)
async def test_what_ended_well_can_be_judged_and_anything_be_tried_again(
    sqlite_store: Store, status: RunStatus | None, labels: list[str]
) -> None:
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    await answer(sqlite_store, adapter, work, lease, "So far.", status)
    assert [button.label for button in adapter.messages[0].now.buttons] == labels


async def test_what_was_done_once_is_not_offered_again(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    relay = await relay_of(sqlite_store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        await script.returned(await script.call("pay", Effect.ONCE), "paid")
        await script.say("Paid.")
        run = await script.complete()
        await sink.finish(run)
    assert ops(adapter) == ["up", "down"]
    assert await press(sqlite_store, adapter, regenerate(run)) == NOT_AGAIN[NotAgain.NOT_TWICE]


async def test_a_private_answer_has_no_way_back(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    address = Address(platform="memory", place={"room": "r", "token": "t"}, secrets=("token",), private=True)
    run = await answered(sqlite_store, adapter, what=event().model_copy(update={"address": address}))
    assert ops(adapter) == ["up", "down"]
    assert await press(sqlite_store, adapter, regenerate(run)) == NOT_AGAIN[NotAgain.NO_WAY_BACK]


@pytest.mark.parametrize("everywhere", [True, False])
async def test_where_buttons_do_not_work_there_are_none(sqlite_store: Store, everywhere: bool) -> None:
    terms = {} if everywhere else {"general": Terms(bucket="general", buttons=False)}
    adapter = MemoryAdapter(CAPABILITIES.model_copy(update={"buttons": not everywhere}), terms_of=terms)
    await answered(sqlite_store, adapter, LONG)
    assert not any(outbound.buttons for outbound in adapter.requests)


# --- opinions


async def test_everybody_may_say_what_they_think_and_the_comment_comes_later(store: Store, database_url: str) -> None:
    adapter = MemoryAdapter()
    run = await answered(store, adapter)
    for person, op, comment in ((ADA, "up", None), (BEN, "down", None), (BEN, "down", " Wrong!\x00 ")):
        opinion = Press.model_validate({"op": op, "run_id": run.id, "person": person, "comment": comment})
        assert await press(store, adapter, opinion) == THANKS
    assert set(await opinions(database_url)) == {
        (run.id, "memory:ada", True, None),
        (run.id, "memory:ben", False, "Wrong!\ufffd"),
    }


# --- the small print


async def cite(store: Store, database_url: str, adapter: MemoryAdapter, text: str, name: str) -> None:
    """An answer with a citation, as a model with a knowledge base would write it."""
    file = await store.files.add(name, b"text", "text/markdown")
    work, lease = await asked(store)
    relay = await relay_of(store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        await script.say(f"{text}【4:0】")
        run = await script.complete()
        note = FileCitation(text="【4:0】", start_index=0, end_index=5, file_id=file.id)
        part = TextPart(value=f"{text}【4:0】", annotations=(note,))
        content = f"[{part.model_dump_json()}]"
        await behind_its_back(
            database_url,
            "UPDATE messages SET content = :c WHERE run_id = :r AND role = 'assistant'",
            c=content,
            r=run.id,
        )
        await sink.finish(run)
    assert await store.lanes.next_work(lease) is None


async def test_sources_stand_below_the_answer(store: Store, database_url: str) -> None:
    adapter = MemoryAdapter()
    await cite(store, database_url, adapter, "As it is written", "hand_book.md")
    assert [(message.now.text, message.now.footer) for message in adapter.visible] == [
        ("As it is written[1]", "[1] hand book.md")
    ]


async def test_sources_without_room_below_the_text_stand_in_it(sqlite_store: Store, tmp_path: Path) -> None:
    """Every length around the limit: the adapter refuses what is longer."""
    name = f"{'hand' * 20}.md"
    below: list[bool] = []
    for length in range(360, 402, 4):
        adapter = MemoryAdapter(CAPABILITIES.model_copy(update={"hard_limit": 450}))
        await cite(sqlite_store, sqlite_url(tmp_path), adapter, "a " * (length // 2) + "b", name)
        shown = [f"{message.now.text}\n{message.now.footer}" for message in adapter.visible]
        assert "\n".join(shown).count(f"[1] {name}") == 1
        below.append(name in adapter.visible[-1].now.footer)
    assert len(set(below)) == 2


# --- edits and deletions, from the platform to what people see


async def test_an_edit_reaches_what_is_read(store: Store) -> None:
    adapter = MemoryAdapter()
    reception = (await relay_of(store, adapter)).reception("memory")
    said = event("teh")
    await reception.receive(Inbound(event=said, addressed=True))
    assert await reception.edited(Edited(key=said.known_as, text="the\x00", at=2))
    assert await reception.edited(Edited(key=said.known_as, text="thee", at=1))
    assert not await reception.edited(Edited(key="unknown", text="the"))
    work, _ = await claim(store)
    assert [message.text for message in await store.history.up_to(work.run, 5)] == ["the\ufffd"]


async def test_an_edit_to_an_endless_text_is_shortened_like_a_message(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    reception = (await relay_of(sqlite_store, adapter)).reception("memory")
    said = event("short")
    await reception.receive(Inbound(event=said, addressed=True))
    await reception.edited(Edited(key=said.known_as, text="long " * 30_000))
    work, _ = await claim(sqlite_store)
    (message,) = await sqlite_store.history.up_to(work.run, 5)
    (attachment,) = message.attachments
    assert len(message.text) < 3_000
    assert attachment.file_id is not None
    file = await sqlite_store.files.get(attachment.file_id)
    assert file is not None
    assert file.bytes == 150_000


@pytest.mark.parametrize("taken", [False, True])
async def test_nothing_is_said_about_a_question_that_was_deleted_before_its_turn(store: Store, taken: bool) -> None:
    """Also when somebody had taken the run from the queue a moment before."""
    adapter = MemoryAdapter()
    relay = await relay_of(store, adapter)
    reception, said = relay.reception("memory"), event()
    await reception.receive(Inbound(event=said, addressed=True))
    work, lease = await claim(store)
    if not taken:
        await reception.deleted(Deleted(keys=(said.known_as,)))
        found = await store.lanes.next_work(lease)
        assert found is not None
        work = found
    async with relay.open(work, lease) as sink:
        if taken:
            await reception.deleted(Deleted(keys=(said.known_as,)))
        script = RunScript(store, lease, work.run, sink)
        script.tell(*await store.runs.start(lease, work.run.id))
        await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED)))
    assert adapter.messages == []
    assert await store.lanes.next_work(lease) is None


async def test_a_question_that_is_deleted_while_it_is_answered_is_stopped(store: Store) -> None:
    adapter = MemoryAdapter()
    control = StoreControl(store)
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(), control)
    said = event()
    await relay.reception("memory").receive(Inbound(event=said, addressed=True))
    work, lease = await claim(store)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        await script.say("The beginning of an answer.\n")
        await relay.reception("memory").deleted(Deleted(keys=(said.known_as,)))
        assert control.cancelled == [work.run.id]
        await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED, open_text=script.said)))
    assert adapter.texts == ["The beginning of an answer.\n\n_Stopped._"]
    assert ops(adapter) == [], "there is no question any more that could be answered again"
    (question,) = await store.history.up_to(work.run, 5)
    assert question.text == MARKER


async def test_a_message_that_comes_after_its_deletion_is_a_duplicate(store: Store) -> None:
    reception = (await relay_of(store, MemoryAdapter())).reception("memory")
    said = event("a secret")
    await reception.deleted(Deleted(keys=(said.known_as,)))
    assert await reception.receive(Inbound(event=said, addressed=True)) is Verdict.DUPLICATE


@pytest.mark.parametrize("answering", [False, True])
async def test_a_conversation_whose_place_was_deleted_is_forgotten(store: Store, answering: bool) -> None:
    """An answer that is being made there is stopped first; then nothing of it is left."""
    control = StoreControl(store)
    relay = Relay(store, [MemoryAdapter()], SameEverywhere(await assistant_of(store)), FastClock(), control)
    said = event()
    await relay.reception("memory").receive(Inbound(event=said, addressed=True))
    work, lease = await claim(store)
    deleted = Deleted(conversations=(said.conversation, "memory:unknown"))
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        if not answering:
            await sink.finish(await script.complete())
            assert await store.lanes.next_work(lease) is None
        forgetting = asyncio.create_task(relay.reception("memory").deleted(deleted))
        if answering:
            await control.stopped.wait()
            await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED)))
            assert await store.lanes.next_work(lease) is None
        await forgetting
    assert await store.intake.thread_of(said.conversation) is None
    assert await store.runs.get(work.run.id) is None


# --- answers that come all at once


@pytest.mark.parametrize("by_terms", [True, False])
async def test_a_quiet_answer_is_a_status_and_then_one_message(sqlite_store: Store, by_terms: bool) -> None:
    terms = {"general": Terms(bucket="general", interim=False)} if by_terms else {}
    adapter = MemoryAdapter(terms_of=terms)
    address = Address(platform="memory", place={"room": "general"}, manner="stream" if by_terms else "status")
    work, lease = await asked(sqlite_store, event().model_copy(update={"address": address}))
    relay = await relay_of(sqlite_store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        await script.say("A line.\n")
        call = await script.call("look")
        await adapter.until(lambda: "is using look…" in adapter.statuses)
        assert adapter.messages == []
        await script.returned(call, "seen")
        await script.say("The answer.")
        await sink.finish(await script.complete())
    assert [operation for _, operation in adapter.calls if operation in ("post", "edit")] == ["post"]
    assert adapter.texts == ["A line.\n\nThe answer."]
    assert adapter.statuses[-1] is None


async def test_a_quiet_answer_still_asks_and_takes_its_question_back(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    address = Address(platform="memory", place={"room": "general"}, manner="status")
    work, lease = await asked(sqlite_store, event().model_copy(update={"address": address}))
    relay = await relay_of(sqlite_store, adapter)
    async with relay.open(work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        call = await script.call("pay", Effect.ONCE)
        assert await sink.ask(call)
        await sqlite_store.runs.wait_for_decision(lease, call)
    assert ops(adapter) == ["worked", "again", "skip", "stop"]
    assert await sqlite_store.lanes.next_work(lease) is None
    decision = Press(op="worked", run_id=work.run.id, call=call.interruption, person=ADA)
    assert await press(sqlite_store, adapter, decision) is None
    work, lease = await claim(sqlite_store, lease.worker_id)
    async with relay.open(work, lease) as sink:
        await adapter.until(lambda: "worked" not in ops(adapter))
        await adapter.until(lambda: adapter.statuses[-1:] == ["is thinking…"])
        script = RunScript(sqlite_store, lease, work.run, sink)
        script.tell(*await sqlite_store.runs.start(lease, work.run.id))
        await script.returned(call, "as the person said")
        await script.say("Paid.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Paid.\n\n_Ada decided: it worked_"]


# --- several interrupted calls


async def test_questions_about_several_calls_are_counted(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    script = RunScript(sqlite_store, lease, work.run)
    await script.start()
    first, second = await script.calls("pay", "order", effect=Effect.ONCE)
    relay = await relay_of(sqlite_store, adapter)
    async with relay.open(work, lease) as sink:
        await sink.ask(first)
        assert "⚠️ (1 of 2) `pay` was" in adapter.texts[0]
        await sqlite_store.runs.wait_for_decision(lease, first)
    assert await sqlite_store.lanes.next_work(lease) is None
    decision = Press(op="skip", run_id=work.run.id, call=first.interruption, person=ADA)
    await press(sqlite_store, adapter, decision)
    work, lease = await claim(sqlite_store, lease.worker_id)
    async with relay.open(work, lease) as sink:
        await sink.ask(second)
    assert "⚠️ (2 of 2) `order` was" in adapter.texts[0]


# --- commands


def command(name: str, person: object = ADA) -> Command:
    return Command.model_validate({"name": name, "conversation": "memory:general", "person": person})


async def test_forget_deletes_what_the_person_began_and_says_what(store: Store) -> None:
    adapter = MemoryAdapter()
    reception = (await relay_of(store, adapter)).reception("memory")
    nothing = await reception.command(command("forget"))
    assert "no conversation here yet" in nothing
    run = await answered(store, adapter)
    assert "Only the person who began" in await reception.command(command("forget", BEN))
    said = await reception.command(command("forget"))
    assert "2 messages" in said
    assert await store.runs.get(run.id) is None
    assert await reception.command(command("forget")) == nothing


async def test_forget_stops_what_is_being_written_first(store: Store) -> None:
    adapter = MemoryAdapter()
    relay = await relay_of(store, adapter)
    work, lease = await asked(store)
    said = await relay.reception("memory").command(command("forget"))
    assert "stopping it first" in said
    assert await store.runs.cancelling([work.run.id]) == {work.run.id}
    async with relay.open(work, lease) as sink:
        await sink.finish(await RunScript(store, lease, work.run, sink).end(Ending(status=RunStatus.CANCELLED)))
    assert await store.lanes.next_work(lease) is None
    assert "I have deleted" in await relay.reception("memory").command(command("forget"))


async def test_usage_tells_what_the_person_and_the_conversation_took(store: Store, database_url: str) -> None:
    adapter = MemoryAdapter()
    reception = (await relay_of(store, adapter)).reception("memory")
    await answered(store, adapter)
    await answered(store, adapter)
    usage = '{"total_tokens": 1234, "estimated": true}'
    await behind_its_back(database_url, "UPDATE runs SET usage = :u", u=usage)
    said = await reception.command(command("usage"))
    assert "You, today: 2 questions, 2,468 tokens (estimated)" in said
    assert "You, this month: 2 questions, 2,468 tokens (estimated)" in said
    assert "This conversation: 2 questions, 2,468 tokens (estimated)" in said
    nobody = command("usage", BEN).model_copy(update={"conversation": "memory:other"})
    said = await reception.command(nobody)
    assert "You, today: 0 questions, 0 tokens\n" in said
    assert "This conversation" not in said


async def test_model_tells_who_answers(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    reception = (await relay_of(sqlite_store, adapter)).reception("memory")
    assert await reception.command(command("model")) == "Here answers **Parley**, with the model `test`."
    await answered(sqlite_store, adapter)
    assert await reception.command(command("model")) == "Here answers **Parley**, with the model `test`."


class TwoToChooseFrom(SameEverywhere):
    def assistants(self, channel: str) -> tuple[str, ...]:
        del channel
        return ("Parley", "Support")


@pytest.mark.parametrize("chooses", [True, False])
async def test_model_names_others_only_where_one_can_choose(sqlite_store: Store, chooses: bool) -> None:
    adapter = MemoryAdapter(CAPABILITIES.model_copy(update={"chooses": chooses}))
    rules = TwoToChooseFrom(await assistant_of(sqlite_store))
    relay = Relay(sqlite_store, [adapter], rules, FastClock(), StoreControl(sqlite_store))
    told = await relay.reception("memory").command(command("model"))
    assert ("choose **Support**" in told) is chooses
