"""A person is asked what became of a tool call that was interrupted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from bot.domain.events import CallChanged
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import CallState, Decision, Effect, ToolCall
from bot.errors import Forbidden, Gone, RateLimited, Refused, Unreachable
from bot.ports import Clock, Ending, RunSink, Store
from bot.relay import Relay
from bot.relay.text.question import question
from tests.relay.test_crash import Gate, GatedStore
from tests.support.memory_adapter import CAPABILITIES, Lost, MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StillClock, StoreControl, asked, assistant_of, event

SENTENCE = "Let me open the ticket that you need, right away. "
QUESTION = (
    "⚠️ `create_ticket` was interrupted after it had begun. Nobody knows whether it took effect. "
    'It was called with `{"title": "Printer"}`. Please check, then press a button.'
)
ARGUMENTS = '{"title": "Printer"}'
LABELS = ["It worked", "Run it again", "Skip it", "Stop"]


@asynccontextmanager
async def sink_of(
    store: Store,
    adapter: MemoryAdapter,
    work: Work,
    lease: Lease,
    control: StoreControl | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunSink]:
    """What a process opens for the run."""
    relay = Relay(
        store,
        [adapter],
        SameEverywhere(await assistant_of(store)),
        clock or FastClock(),
        control or StoreControl(store),
    )
    async with relay.open(work, lease) as sink:
        yield sink


async def interrupted(
    store: Store, text: str = SENTENCE, arguments: str = ARGUMENTS, room: str = "general"
) -> tuple[Work, Lease, ToolCall]:
    """A run whose process died after it had begun a call that must not be repeated."""
    work, lease = await asked(store, event(room=room))
    script = RunScript(store, lease, work.run)
    await script.start()
    await script.say(text)
    call = await script.call("create_ticket", Effect.ONCE, arguments)
    again = await store.lanes.next_work(lease)
    assert again is not None
    return again, lease, call


async def waiting(store: Store, adapter: MemoryAdapter) -> tuple[Work, Lease, ToolCall]:
    """A run whose person was asked; its lane is free."""
    work, lease, call = await interrupted(store)
    async with sink_of(store, adapter, work, lease) as sink:
        assert await sink.ask(call)
        for happened in await store.runs.wait_for_decision(lease, call):
            sink.publish(happened)
    assert await store.lanes.next_work(lease) is None
    return work, lease, call


async def taken_up(store: Store, lease: Lease) -> tuple[Work, Lease]:
    """The run goes on at whoever claims its lane."""
    (lease,) = await store.lanes.claim(lease.worker_id, 1)
    work = await store.lanes.next_work(lease)
    assert work is not None
    return work, lease


async def test_the_question_stands_below_the_answer_with_its_buttons_and_is_no_end(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, _, call = await waiting(sqlite_store, adapter)
    assert adapter.texts == [f"{SENTENCE.strip()}\n\n{QUESTION}"]
    shown = adapter.messages[0].now
    assert [button.label for button in shown.buttons] == LABELS
    assert [button.op for button in shown.buttons] == ["worked", "again", "skip", "stop"]
    assert [button.danger for button in shown.buttons] == [False, True, False, True]
    assert {button.run_id for button in shown.buttons} == {work.run.id}
    assert [button.call for button in shown.buttons] == [call.interruption] * 3 + [""]
    assert not shown.final
    assert adapter.statuses[-1:] in ([], [None])


async def test_a_question_without_any_text_before_it_is_a_message_of_its_own(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        call = await script.call("create_ticket", Effect.ONCE, ARGUMENTS)
        assert await sink.ask(call)
    assert adapter.texts == [QUESTION]


async def test_the_working_status_is_cleared_when_the_person_is_asked(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        await adapter.until(lambda: bool(adapter.statuses))
        await sink.ask(call)
        assert adapter.statuses[-1] is None


async def test_asked_again_after_a_crash_it_is_the_same_message(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store)
    for _ in range(3):
        async with sink_of(sqlite_store, adapter, work, lease) as sink:
            assert await sink.ask(call)
    assert [message.now.text for message in adapter.messages] == [f"{SENTENCE.strip()}\n\n{QUESTION}"]


@pytest.mark.parametrize("decision", list(Decision))
async def test_after_the_decision_the_answer_takes_the_place_of_the_question(
    sqlite_store: Store, decision: Decision
) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await waiting(sqlite_store, adapter)
    assert await sqlite_store.runs.decide(work.run.id, call.interruption, decision)
    work, lease = await taken_up(sqlite_store, lease)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        script.tell(*await sqlite_store.runs.start(lease, work.run.id))
        await adapter.until(lambda: not any(label in "".join(labels(adapter)) for label in LABELS[:3]))
        assert "⚠️" not in adapter.texts[0]
        state = CallState.UNKNOWN if decision is Decision.SKIP else CallState.DONE
        await script.returned(call, "as the person said", state)
        await script.say("The ticket is open.")
        await sink.finish(await script.complete())
    (text,) = adapter.texts
    assert text.startswith(f"{SENTENCE.strip()}\n\nThe ticket is open.")
    assert labels(adapter) == ["👍", "👎"]  # what must not be done twice is not done again
    assert adapter.messages[0].now.final


async def test_a_question_without_text_is_taken_back_as_soon_as_the_run_goes_on(sqlite_store: Store) -> None:
    """Or its buttons would stay while a long call runs again."""
    adapter = MemoryAdapter()
    work, lease = await asked(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        call = await script.call("create_ticket", Effect.ONCE, ARGUMENTS)
        await sink.ask(call)
        script.tell(*await sqlite_store.runs.wait_for_decision(lease, call))
    await sqlite_store.lanes.next_work(lease)
    await sqlite_store.runs.decide(work.run.id, call.interruption, Decision.AGAIN)
    work, lease = await taken_up(sqlite_store, lease)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        script.tell(*await sqlite_store.runs.start(lease, work.run.id))
        (call,) = await sqlite_store.runs.calls(work.run.id)
        script.tell(*await sqlite_store.runs.begin_call(lease, call))
        await adapter.until(lambda: adapter.texts == ["_Running `create_ticket`…_"])
        assert labels(adapter) == ["Stop"]


def labels(adapter: MemoryAdapter) -> list[str]:
    return [button.label for message in adapter.visible for button in message.now.buttons]


async def test_other_calls_that_end_meanwhile_do_not_hide_the_question(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        await sink.ask(call)
        other = call.model_copy(update={"position": 1, "name": "look", "state": CallState.DONE})
        script = RunScript(sqlite_store, lease, work.run, sink)
        script.tell(CallChanged(other))
        with pytest.raises(TimeoutError):
            await adapter.until(lambda: len(adapter.requests) > 1, timeout=0.3)
        script.tell(CallChanged(call.model_copy(update={"state": CallState.DONE})))
        await adapter.until(lambda: adapter.texts == [SENTENCE.strip()])


async def test_an_interim_edit_that_waits_for_its_turn_never_takes_the_buttons_away(sqlite_store: Store) -> None:
    adapter, clock = MemoryAdapter(), StillClock()
    work, lease = await asked(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease, clock=clock) as sink:
        script = RunScript(sqlite_store, lease, work.run, sink)
        await script.start()
        await script.say(SENTENCE)
        await adapter.until(lambda: len(adapter.visible) == 1)
        call = await script.call("create_ticket", Effect.ONCE, ARGUMENTS)
        await clock.until_asleep(f"interim {work.run.id}")
        assert await sink.ask(call)
        await clock.pass_by(60.0)
        with pytest.raises(TimeoutError):
            await adapter.until(lambda: len(adapter.requests) > 2, timeout=0.3)
    assert labels(adapter) == LABELS


async def test_where_there_are_no_buttons_nobody_is_asked(sqlite_store: Store) -> None:
    adapter = MemoryAdapter(capabilities=CAPABILITIES.model_copy(update={"buttons": False}))
    work, lease, call = await interrupted(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        assert not await sink.ask(call)
    assert adapter.messages == []


async def test_a_run_that_no_chat_waits_for_asks_nobody(sqlite_store: Store) -> None:
    work, lease, call = await interrupted(sqlite_store)
    relay = Relay(
        sqlite_store, [], SameEverywhere(await assistant_of(sqlite_store)), FastClock(), StoreControl(sqlite_store)
    )
    async with relay.open(work, lease) as elsewhere:
        assert not await elsewhere.ask(call)
    async with relay.open(work.model_copy(update={"delivery": None}), lease) as nobody:
        assert not await nobody.ask(call)


async def test_a_question_that_cannot_be_shown_now_is_an_error_and_shown_later(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store)
    adapter.faults["post"].extend([Lost(after=False)] * 5)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        with pytest.raises(Unreachable):
            await sink.ask(call)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        assert await sink.ask(call)
    assert len(adapter.messages) == 1


async def test_a_question_is_repeated_after_a_429_and_a_lost_answer(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store)
    adapter.faults["post"].extend([RateLimited(0.5), Lost(after=True)])
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        assert await sink.ask(call)
    assert len(adapter.messages) == 1


@pytest.mark.parametrize("error", [Gone(), Forbidden()])
async def test_without_a_place_nobody_is_asked_and_the_run_is_stopped(
    sqlite_store: Store, error: Gone | Forbidden
) -> None:
    adapter, control = MemoryAdapter(), StoreControl(sqlite_store)
    work, lease, call = await interrupted(sqlite_store)
    adapter.faults["post"].append(error)
    async with sink_of(sqlite_store, adapter, work, lease, control) as sink:
        assert not await sink.ask(call)
    assert control.cancelled == [work.run.id]


async def test_a_refused_question_is_as_if_nobody_could_be_asked(sqlite_store: Store) -> None:
    adapter, control = MemoryAdapter(), StoreControl(sqlite_store)
    work, lease, call = await interrupted(sqlite_store)
    adapter.faults["post"].append(Refused("no"))
    async with sink_of(sqlite_store, adapter, work, lease, control) as sink:
        assert not await sink.ask(call)
    assert control.cancelled == []


@pytest.mark.parametrize("sentences", [8, 9, 40])
async def test_the_question_is_whole_and_last_however_long_the_answer_is(sqlite_store: Store, sentences: int) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store, SENTENCE * sentences)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        assert await sink.ask(call)
    assert adapter.texts[-1].endswith(QUESTION)
    assert len(adapter.messages) <= CAPABILITIES.max_segments
    assert [bool(message.now.buttons) for message in adapter.messages] == [
        *[False] * (len(adapter.messages) - 1),
        True,
    ]


# --- the end of a run that waited


async def expired(script: RunScript) -> Run:
    return await script.end(Ending(status=RunStatus.EXPIRED))


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [(RunScript.stop, "_Stopped._"), (expired, "Nobody decided in time, so it ends here.")],
)
async def test_a_run_that_ends_while_it_waits_says_that_nobody_knows(
    sqlite_store: Store, ending: Callable[[RunScript], Coroutine[None, None, Run]], verdict: str
) -> None:
    adapter = MemoryAdapter()
    work, lease, _ = await interrupted(sqlite_store)
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        (call,) = await sqlite_store.runs.calls(work.run.id)
        await sink.ask(call)
        script = RunScript(sqlite_store, lease, work.run, sink)
        script.tell(*await sqlite_store.runs.wait_for_decision(lease, call))
        await sink.finish(await ending(script))
    doubt = (
        "⚠️ `create_ticket` was interrupted after it had begun. Nobody knows whether it took effect: "
        "please check before it is done again."
    )
    assert adapter.texts == [f"{SENTENCE.strip()}\n\n{doubt}\n\n{verdict.format(work.run.id[-8:])}"]
    assert labels(adapter) == []


# --- crashes


async def test_a_crash_between_any_two_calls_leaves_one_question(sqlite_store: Store) -> None:
    point, happened = 0, True
    while happened:
        adapter = MemoryAdapter(further_conversation="memory:opened")
        work, lease, call = await interrupted(sqlite_store, room=f"room{point}")
        happened = await asking_crashed(sqlite_store, adapter, work, lease, call, point)
        adapter.gate = Gate(10**9)
        async with sink_of(sqlite_store, adapter, work, lease) as sink:
            assert await sink.ask(call)
        assert adapter.texts == [f"{SENTENCE.strip()}\n\n{QUESTION}"], point
        assert len(adapter.messages) == 1
        point += 1
    assert point > 6


async def asking_crashed(
    store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, call: ToolCall, point: int
) -> bool:
    """Ask until the gate holds. Returns False when there was nothing left to hold."""
    gate = Gate(point)
    adapter.gate = gate

    async def process() -> None:
        async with sink_of(GatedStore(store, gate), adapter, work, lease) as sink:
            await sink.ask(call)

    asking, held = asyncio.create_task(process()), asyncio.create_task(gate.reached.wait())
    await asyncio.wait({asking, held}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    finished = asking.done()
    for task in (asking, held):
        task.cancel()
    await asyncio.gather(asking, held, return_exceptions=True)
    return not finished


# --- hostile text


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("{}", ""),
        ('{"a": "`x` ``` y"}', " It was called with `{\"a\": \"'x' ''' y\"}`."),
        ('{"a":\n\n"b\tc\u202e d"}', ' It was called with `{"a": "b c d"}`.'),
        ("x" * 500, f" It was called with `{'x' * 160}…`."),
        ("\u200b\u2060", ""),
    ],
)
def test_arguments_stay_inside_one_line_of_code(arguments: str, shown: str) -> None:
    call = ToolCall(
        id="call_1", run_id="run_1", turn=1, position=0, provider_call_id="c", name="x`@everyone`\n",
        arguments=arguments, effect=Effect.ONCE, state=CallState.STARTED,
    )  # fmt: skip
    said = question(call)
    assert said == (
        "⚠️ `xeveryone` was interrupted after it had begun. Nobody knows whether it took effect."
        f"{shown} Please check, then press a button."
    )


async def test_arguments_ping_nobody(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store, arguments='{"title": "@everyone https://evil.example/?q=1"}')
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        await sink.ask(call)
    assert '`{"title": "@\u200beveryone https :// evil.example /? q=1"}`' in adapter.texts[0]


@pytest.mark.parametrize("text", ["Paying now `", "Paying **now `** x`", "Paying\n```\na ``` b\n```"])
async def test_a_question_shares_no_message_with_backticks_of_the_model(sqlite_store: Store, text: str) -> None:
    """Whatever a platform makes of them, they cannot pair with those of the question."""
    adapter = MemoryAdapter()
    work, lease, call = await interrupted(sqlite_store, text, arguments='{"to": "[R](https://evil.example/x)"}')
    async with sink_of(sqlite_store, adapter, work, lease) as sink:
        await sink.ask(call)
    said, question_alone = adapter.texts
    assert said.startswith("Paying")
    assert question_alone.startswith("⚠️ `create_ticket`")
