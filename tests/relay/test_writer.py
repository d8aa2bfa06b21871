"""One run's answer on its way into the chat."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot.domain.deliveries import DeliveryState, SegmentState
from bot.domain.messages import Attachment
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect
from bot.errors import Fenced, Forbidden, Gone, RateLimited, Refused, StoreUnavailable, Unreachable
from bot.ports import Clock, Ending, RunSink, Store
from bot.relay import Relay
from tests.support.memory_adapter import CAPABILITIES, Lost, MemoryAdapter, Operation
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StillClock, StoreControl, asked, assistant_of, event

SENTENCE = "This is the beginning of an answer that is long enough. "


@asynccontextmanager
async def writing(
    store: Store,
    adapter: MemoryAdapter,
    text: str = "What now?",
    *,
    speed: float = 50.0,
    control: StoreControl | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[RunScript, RunSink]]:
    """A run that has started, with its writer."""
    work, lease = await asked(store, event(text))
    clock = clock or FastClock(speed)
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), clock, control or StoreControl(store))
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        yield script, sink


async def state_of(store: Store, script: RunScript) -> DeliveryState:
    delivery = await store.deliveries.get(script.run.id)
    assert delivery is not None
    return delivery.state


async def test_an_answer_grows_in_one_message_and_ends_without_stop(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        assert [button.op for button in adapter.messages[0].now.buttons] == ["stop"]
        await script.say("More of it.")
        await adapter.until(lambda: adapter.texts == [SENTENCE + "More of it."])
        await sink.finish(await script.complete())
    assert adapter.texts == [SENTENCE + "More of it."]
    assert [button.op for button in adapter.messages[0].now.buttons] == ["regenerate", "up", "down"]
    assert await state_of(sqlite_store, script) is DeliveryState.DELIVERED


async def test_nothing_is_posted_for_a_few_letters_until_they_are_old_enough(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say("Hi")
        assert adapter.messages == []
        await adapter.until(lambda: adapter.texts == ["Hi"])
        await sink.finish(await script.complete())


async def test_a_short_answer_takes_one_request(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter, speed=1) as (script, sink):
        await script.say("Yes.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Yes."]
    assert [operation for _, operation in adapter.calls if operation in ("post", "edit")] == ["post"]


async def test_deltas_do_not_become_an_edit_each(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(capabilities=CAPABILITIES.model_copy(update={"max_segments": 40}), latency=0.01)
    async with writing(sqlite_store, adapter) as (script, sink):
        for _ in range(400):
            await script.say("word ")
        await sink.finish(await script.complete())
    assert len(adapter.calls) < 40
    assert " ".join(adapter.texts).split() == ["word"] * 400


async def test_long_answers_roll_over_into_continuations(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        for _ in range(20):
            await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 3)
        assert [bool(message.now.buttons) for message in adapter.visible] == [False, False, True]
        await sink.finish(await script.complete())
    assert "".join(text + " " for text in adapter.texts) == SENTENCE * 20
    assert [message.now.continuation for message in adapter.messages] == [False, True, True]


async def test_far_too_long_answers_are_attached_after_the_first_two_messages(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 60)
        await sink.finish(await script.complete())
    assert len(adapter.visible) == 3
    assert "answer.md" in adapter.texts[2]
    (file,) = adapter.visible[2].now.files
    assert file.content.decode() == SENTENCE * 60


async def test_an_answer_that_became_too_long_while_it_was_shown_keeps_what_is_there(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 28)
        await adapter.until(lambda: len(adapter.visible) == 4)
        await script.say(SENTENCE * 28)
        await sink.finish(await script.complete())
    assert len(adapter.visible) == 4
    assert "answer.md" in adapter.texts[3]
    assert adapter.visible[3].now.files
    assert (SENTENCE * 56).startswith(" ".join(adapter.texts[:3]))


async def test_running_tools_are_named_below_the_text_and_gone_afterwards(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        call = await script.call("get_weather")
        await adapter.until(lambda: adapter.texts == [SENTENCE.strip() + "\n\n_Running `get_weather`…_"])
        await script.returned(call, "sunny")
        await script.say("It is sunny.")
        await sink.finish(await script.complete())
    assert adapter.texts == [SENTENCE.strip() + "\n\nIt is sunny."]


async def test_the_status_says_what_goes_on_and_is_cleared(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await adapter.until(lambda: adapter.statuses == ["is thinking…"])
        call = await script.call("get_weather")
        await adapter.until(lambda: adapter.statuses[-1] == "is using get_weather…")
        await script.returned(call, "sunny")
        await script.say("Sunny.")
        await sink.finish(await script.complete())
    assert adapter.statuses[-1] is None


async def test_the_text_of_a_broken_turn_is_taken_back(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 15)
        await adapter.until(lambda: len(adapter.visible) == 3)
        await script.broke()
        await script.say("Another, shorter answer.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Another, shorter answer.", "…", "…"]


async def test_a_message_that_was_never_created_need_not_be_taken_back(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["post"].extend([RateLimited(0.1)] * 15)
        await script.say(SENTENCE * 8)
        await adapter.until(lambda: not adapter.faults["post"])
        await script.broke()
        await script.say("Another, shorter answer.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Another, shorter answer."]
    segments = await sqlite_store.deliveries.segments(script.run.id)
    assert [segment.state for segment in segments] == [SegmentState.POSTED, SegmentState.ABANDONED]


async def test_a_message_that_was_created_without_our_knowing_is_taken_back_when_it_is_not_needed(
    sqlite_store: Store,
) -> None:
    """The answer to its post was lost, and then nobody could be asked whether it is there."""
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["post"].append(Lost(after=True))
        adapter.faults["find"].extend([Unreachable()] * 14)  # all that three interim edits try
        await script.say(SENTENCE * 8)
        await adapter.until(lambda: not adapter.faults["find"])
        await script.broke()
        await script.say("Another, shorter answer.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Another, shorter answer.", "…"]
    segments = await sqlite_store.deliveries.segments(script.run.id)
    assert [segment.state for segment in segments] == [SegmentState.POSTED, SegmentState.POSTED]


@pytest.mark.parametrize(
    ("ending", "shown"),
    [
        (lambda script: script.stop(), "_Stopped._"),
        (lambda script: script.fail("The model is away."), "The model is away. (Incident `{}`)"),
        (
            lambda script: script.end(Ending(status=RunStatus.EXPIRED, open_text=script.said)),
            "This took too long, so it was stopped. (Incident `{}`)",
        ),
    ],
)
async def test_every_ending_is_said(sqlite_store: Store, ending: Callable[[RunScript], object], shown: str) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say("part of it")
        await sink.finish(await ending(script))
    assert adapter.texts == ["part of it\n\n" + shown.format(script.run.id[-8:])]


async def test_an_empty_answer_says_so(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await sink.finish(await script.complete())
    assert adapter.texts == ["_The assistant had nothing to say to this._"]


async def test_a_run_that_was_stopped_before_it_began_says_so(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    relay = Relay(
        sqlite_store,
        [adapter],
        SameEverywhere(await assistant_of(sqlite_store)),
        FastClock(),
        StoreControl(sqlite_store),
    )
    async with relay.open(work, lease) as sink:
        await sink.finish(await RunScript(sqlite_store, lease, work.run, sink).stop())
    assert adapter.texts == ["_Stopped before it was answered._"]


async def test_an_unknown_outcome_is_told(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        call = await script.call("create_ticket", Effect.ONCE)
        await script.returned(call, "unknown", CallState.UNKNOWN)
        await script.say("I am not sure.")
        await sink.finish(await script.complete())
    assert adapter.texts[0].startswith("I am not sure.\n\n⚠️ `create_ticket` was interrupted")


async def test_only_addresses_of_the_person_and_the_tools_are_links(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter, "look at https://mine.example/a") as (script, sink):
        call = await script.call("search")
        await script.returned(call, '{"url": "https://tool.example/b"}')
        await script.say("https://mine.example/a https://tool.example/b https://evil.example/?q=1 @everyone")
        await sink.finish(await script.complete())
    assert adapter.texts == [
        "https://mine.example/a https://tool.example/b `https://evil.example/?q=1` @\u200beveryone"
    ]


@pytest.mark.parametrize(
    ("arguments", "state", "linked"),
    [
        ("{}", CallState.DONE, True),
        ("{}", CallState.FAILED, False),
        ('{"text": "https://tool.example/b"}', CallState.DONE, False),
        ('{"text": "https:\\/\\/tool\\u002eexample/b"}', CallState.DONE, False),
        ('{"text": "TOOL%2Eexample"}', CallState.DONE, False),
    ],
)
async def test_a_tool_makes_an_address_known_unless_it_failed_or_repeats_the_model(
    sqlite_store: Store, arguments: str, state: CallState, linked: bool
) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        call = await script.call("echo", arguments=arguments)
        await script.returned(call, "see https://tool.example/b", state)
        await script.say("https://tool.example/b")
        await sink.finish(await script.complete())
    assert adapter.texts == ["https://tool.example/b" if linked else "`https://tool.example/b`"]


async def test_the_attached_answer_is_as_harmless_as_the_messages(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 60 + "![x](https://evil.example/?q=1)")
        await sink.finish(await script.complete())
    (file,) = adapter.visible[-1].now.files
    assert file.content.decode().endswith("x (`https://evil.example/?q=1`)")


async def test_an_interim_edit_that_waits_for_its_turn_never_overwrites_the_end(sqlite_store: Store) -> None:
    adapter, clock = MemoryAdapter(), StillClock()
    async with writing(sqlite_store, adapter, clock=clock) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        await script.say("End.")
        (interim,) = [task for task in asyncio.all_tasks() if task.get_name() == f"interim {script.run.id}"]
        await clock.until_asleep(interim.get_name())
        await sink.finish(await script.complete())
        await clock.pass_by(60.0)
        await asyncio.wait_for(interim, 10)
    assert [outbound.final for outbound in adapter.requests] == [False, True]
    assert adapter.texts == [SENTENCE + "End."]


async def test_half_written_marks_are_not_shown(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE + "See [the docs](https://exa")
        await adapter.until(lambda: len(adapter.visible) == 1)
        assert adapter.texts == [SENTENCE + "See"]
        await sink.finish(await script.complete())


async def test_only_the_last_request_of_an_answer_is_marked_as_its_end(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 15)
        await adapter.until(lambda: len(adapter.visible) == 3)
        await script.broke()
        await script.say(SENTENCE * 8)
        assert not any(outbound.final for message in adapter.messages for outbound in message.shown)
        await sink.finish(await script.complete())
    assert [message.now.final for message in adapter.messages] == [False, True, False]
    assert adapter.requests[-1].final


async def test_the_end_of_an_answer_with_a_file_is_the_edit_that_brings_the_file(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter, speed=1) as (script, sink):
        await script.say("T")  # too little to be posted before the end
        script.said = SENTENCE * 60
        await sink.finish(await script.complete())
    assert [(outbound.final, len(outbound.files)) for outbound in adapter.messages[-1].shown] == [(False, 0), (True, 1)]


# --- failures


@pytest.mark.parametrize("after", [False, True])
async def test_a_post_whose_answer_is_lost_is_looked_up_before_it_is_repeated(sqlite_store: Store, after: bool) -> None:
    adapter = MemoryAdapter()
    adapter.faults["post"].append(Lost(after=after))
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await sink.finish(await script.complete())
    assert adapter.texts == [SENTENCE.strip()]
    assert [operation for _, operation in adapter.calls].count("find") == (1 if after else 2)


@pytest.mark.parametrize("broken", ["posted", "join"])
async def test_a_post_that_could_not_be_recorded_is_looked_up_and_edited(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    adapter = MemoryAdapter(further_conversation="memory:opened")
    part = sqlite_store.deliveries if broken == "posted" else sqlite_store.intake
    works, failures = getattr(part, broken), iter([StoreUnavailable()])

    async def fails_once(*arguments: object) -> object:
        for failure in failures:
            raise failure
        return await works(*arguments)

    monkeypatch.setattr(part, broken, fails_once)
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.messages) == 1)
        await script.say("End.")
        await sink.finish(await script.complete())
    assert [message.now.text for message in adapter.messages] == [SENTENCE + "End."]
    assert "find" in [operation for _, operation in adapter.calls]


async def test_final_edits_are_repeated_after_429_and_lost_answers(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["edit"].extend([RateLimited(2.0), Lost(after=True), Lost(after=False)])
        await script.say("End.")
        await sink.finish(await script.complete())
    assert adapter.texts == [SENTENCE + "End."]
    assert await state_of(sqlite_store, script) is DeliveryState.DELIVERED
    limited, repeated, *_ = [moment for moment, operation in adapter.calls if operation == "edit"]
    assert repeated - limited >= 2.0 / 50, "the pause was not kept"


async def test_a_final_edit_that_keeps_failing_leaves_the_delivery_open(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["edit"].extend([Unreachable()] * 9)
        await script.say("End.")
        with pytest.raises(Unreachable):
            await sink.finish(await script.complete())
        assert await state_of(sqlite_store, script) is DeliveryState.OPEN
        adapter.faults["edit"].clear()
        run = await sqlite_store.runs.get(script.run.id)
        assert run is not None
        await sink.finish(run)
    assert adapter.texts == [SENTENCE + "End."]


async def test_three_failed_interim_edits_end_the_streaming_but_not_the_answer(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["edit"].extend([RateLimited(0.1)] * 3)
        await script.say("More.")
        await adapter.until(lambda: not adapter.faults["edit"])
        before = len(adapter.calls)
        for _ in range(20):
            await script.say(" And more.")
        assert len(adapter.calls) == before
        await sink.finish(await script.complete())
    assert adapter.texts[0].endswith("And more.")


async def test_a_deleted_message_is_replaced_by_a_new_one(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.delete(adapter.messages[0])
        await script.say("End.")
        await sink.finish(await script.complete())
    assert adapter.texts == [SENTENCE + "End."]
    segments = await sqlite_store.deliveries.segments(script.run.id)
    assert [segment.state for segment in segments] == [SegmentState.ABANDONED, SegmentState.POSTED]


async def test_a_middle_message_that_was_deleted_leaves_the_order_right(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        sentences = [f"This is sentence number {number} of the answer. " for number in range(20)]
        await script.say("".join(sentences))
        await adapter.until(lambda: len(adapter.visible) == 3)
        adapter.delete(adapter.messages[1])
        script.said = "".join([*sentences[:12], "Changed. ", *sentences[12:]])
        await sink.finish(await script.complete())
    assert " ".join(adapter.texts) == script.said.strip()


@pytest.mark.parametrize("error", [Gone(), Forbidden()])
async def test_without_a_place_the_delivery_is_abandoned(sqlite_store: Store, error: Gone | Forbidden) -> None:
    adapter = MemoryAdapter()
    adapter.faults["post"].extend([error] * 9)
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await sink.finish(await script.complete())
    assert adapter.messages == []
    assert await state_of(sqlite_store, script) is DeliveryState.ABANDONED


@pytest.mark.parametrize("error", [Gone(), Forbidden()])
async def test_a_run_whose_place_is_gone_is_stopped_and_its_end_is_abandoned(
    sqlite_store: Store, error: Gone | Forbidden
) -> None:
    """No more is spent on an answer that nobody will see; the log says which run and why."""
    adapter, control = MemoryAdapter(), StoreControl(sqlite_store)
    adapter.faults["post"].extend([error] * 9)
    with capture_logs() as logged:
        async with writing(sqlite_store, adapter, control=control) as (script, sink):
            await script.say(SENTENCE)
            await adapter.until(lambda: len(adapter.faults["post"]) < 9)
            await script.say(SENTENCE)
            await asyncio.wait_for(control.stopped.wait(), 10)
            await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED)))
    assert control.cancelled == [script.run.id]
    assert await state_of(sqlite_store, script) is DeliveryState.ABANDONED
    reasons = {line["event"]: (line["run_id"], line["reason"]) for line in logged if "reason" in line}
    because = (script.run.id, type(error).__name__)
    assert reasons == {"run stopped, no place for its answer": because, "answer abandoned": because}


async def test_a_deleted_message_does_not_stop_the_run(sqlite_store: Store) -> None:
    adapter, control = MemoryAdapter(), StoreControl(sqlite_store)
    async with writing(sqlite_store, adapter, control=control) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.delete(adapter.messages[0])
        await script.say("More of it.")
        await adapter.until(lambda: adapter.texts == [SENTENCE + "More of it."])
        await sink.finish(await script.complete())
    assert control.cancelled == []


@pytest.mark.parametrize("writing_by", ["post", "edit"])
async def test_every_pause_that_the_platform_asks_for_is_kept(sqlite_store: Store, writing_by: Operation) -> None:
    """Each by its own length, up to the last try."""
    adapter, pauses = MemoryAdapter(), [1.0, 4.0, 2.0, 0.5]
    async with writing(sqlite_store, adapter, speed=20) as (script, sink):
        if writing_by == "edit":
            await script.say(SENTENCE)
            await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.calls.clear()
        adapter.faults[writing_by].extend(RateLimited(pause) for pause in pauses)
        script.said += "End."
        await sink.finish(await script.complete())
    moments = [moment for moment, operation in adapter.calls if operation == writing_by]
    waited = [(after - before) * 20 for before, after in itertools.pairwise(moments)]
    assert len(waited) == len(pauses)
    assert all(kept >= pause for kept, pause in zip(waited, pauses, strict=True)), waited
    assert await state_of(sqlite_store, script) is DeliveryState.DELIVERED


async def test_a_final_edit_that_is_limited_at_every_try_is_left_for_later(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["edit"].extend([RateLimited(0.1)] * 9)
        await script.say("End.")
        with pytest.raises(RateLimited):
            await sink.finish(await script.complete())
    assert await state_of(sqlite_store, script) is DeliveryState.OPEN


async def test_a_text_that_the_platform_finds_too_long_is_split_smaller(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    adapter.faults["post"].extend([Refused(too_long=True)])
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE * 6)
        await sink.finish(await script.complete())
    assert len(adapter.texts) >= 2
    assert " ".join(adapter.texts) == (SENTENCE * 6).strip()


async def test_a_refused_answer_becomes_a_sentence_with_an_incident(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter, speed=0.01) as (
        script,
        sink,
    ):  # so slow that nothing is shown before the end
        adapter.faults["post"].append(Refused("no"))
        await script.say("No")
        await sink.finish(await script.complete())
    assert adapter.texts == [f"The answer cannot be shown here. (Incident `{script.run.id[-8:]}`)"]


async def test_refused_files_do_not_take_the_text_with_them(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        adapter.faults["edit"].append(Forbidden())
        await script.say(SENTENCE * 60)
        await sink.finish(await script.complete())
    assert len(adapter.visible) == 3
    assert all(not message.now.files for message in adapter.visible)
    assert adapter.texts[-1] == "_The answer is too long to be shown here in full._"
    assert await state_of(sqlite_store, script) is DeliveryState.DELIVERED


async def test_finishing_twice_changes_nothing(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say(SENTENCE)
        run = await script.complete()
        await sink.finish(run)
        await sink.finish(run)
    assert adapter.texts == [SENTENCE.strip()]


async def test_further_conversations_lead_to_the_same_thread(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(further_conversation="memory:opened")
    async with writing(sqlite_store, adapter) as (script, sink):
        await script.say("Hello.")
        await sink.finish(await script.complete())
    assert await sqlite_store.intake.thread_of("memory:opened") == script.run.thread_id


async def test_skipped_files_are_said_at_the_end(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    async with writing(sqlite_store, adapter) as (script, sink):
        skipped = [Attachment(name="a_[x](y).exe", skipped="It is empty.")]
        await sqlite_store.deliveries.attach(script.lease, script.run.id, skipped, [])
        await script.say("Done.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Done.\n\n_a x (y).exe was not read: It is empty._"]


# --- a process that lost its lanes


async def test_a_process_without_lanes_never_speaks(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    frozen = StoreControl(sqlite_store, alive=False)
    async with writing(sqlite_store, adapter, control=frozen) as (script, sink):
        await script.say(SENTENCE)
        run = await script.complete()
        with pytest.raises(Fenced):
            await sink.finish(run)
    assert adapter.calls == []


async def test_an_answer_of_a_process_that_was_frozen_is_ended_by_its_successor(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    control = StoreControl(sqlite_store)
    async with writing(sqlite_store, adapter, control=control) as (script, sink):
        await script.say(SENTENCE)
        await adapter.until(lambda: adapter.texts == [SENTENCE.strip()])
        control.alive = False
        await script.say("End.")
        run = await script.complete()
        with pytest.raises(Fenced):
            await sink.finish(run)
    assert adapter.texts == [SENTENCE.strip()]
    work = await sqlite_store.lanes.next_work(script.lease)
    assert work is not None
    successor = Relay(
        sqlite_store,
        [adapter],
        SameEverywhere(await assistant_of(sqlite_store)),
        FastClock(),
        StoreControl(sqlite_store),
    )
    async with successor.open(work, script.lease) as sink:
        await sink.finish(work.run)
    assert adapter.texts == [SENTENCE + "End."]
