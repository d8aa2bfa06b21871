"""A process that dies between any two writes loses nothing and repeats nothing that could do harm."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.messages import MessageStatus
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Decision, Effect, StepStatus
from bot.domain.turns import CallOutput, ModelRequest, TextDelta, TurnState
from bot.engine.tool_calls import SKIPPED, WORKED
from bot.ports import Store
from tests.support.engine_doubles import (
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    SmallToolbox,
    Step,
    calls,
    gives,
    say,
    somebody,
    text,
    until,
    waits_at,
)

RUN_WRITES = (
    "start",
    "begin_turn",
    "begin_message",
    "checkpoint",
    "finish_turn",
    "break_turn",
    "begin_call",
    "end_call",
    "wait_for_decision",
)
LIMITS = QUICK.model_copy(update={"checkpoint": 0.0})


class Died(BaseException):
    """The process is dead."""


class MortalStore:
    """A store whose process dies just before or just after its n-th write; nothing works afterwards."""

    def __init__(self, store: Store, nth: int, *, after: bool) -> None:
        self.left = nth
        self.after = after
        self.dead = False
        self.worker = ""
        for name in ("intake", "history", "assistants", "files", "collections", "notes", "duties", "upkeep"):
            setattr(self, name, getattr(store, name))
        self.runs = _Room(store.runs, self, (*RUN_WRITES, "end"))
        self.deliveries = _Room(store.deliveries, self, ("close",))
        self.lanes = _Room(store.lanes, self, ("next_work",))
        self.workers = _Room(store.workers, self, ())

    async def write(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Carry out a write, or die at it."""
        self.left -= 1
        last = self.left == 0
        if last and not self.after:
            self.dead = True
            raise Died
        result = await call()
        if last:
            self.dead = True
            raise Died
        return result


class _Room:
    """One aggregate of a mortal store."""

    def __init__(self, real: object, mortal: MortalStore, writes: tuple[str, ...]) -> None:
        self._real, self._mortal, self._writes = real, mortal, writes

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._real, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            if self._mortal.dead:
                raise Died
            if name == "enrol":
                self._mortal.worker = arguments[0]
            if name in self._writes:
                return await self._mortal.write(lambda: method(*arguments, **named))
            return await method(*arguments, **named)

        return call


def play(request: ModelRequest) -> list[Step]:
    """A model that acts on what it reads: two tool calls, then the answer."""
    given = [item.output for item in request.input if isinstance(item, CallOutput)]
    return text("All ", "done.") if given else calls(("look", {}), ("order", {}), say="I will order it.")


class Story:
    """One message, answered by one process after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.model = ScriptedClient(*[play] * 8)
        self.toolbox = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered")))

    def process(self, store: Store) -> Bench:
        """A process that works on it."""
        return Bench(store, self.model, self.toolbox, limits=LIMITS)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_death_at_every_write(store: Store, *, after: bool) -> None:
    """Finished turns are reused, `once` tools begun at most once, one end is delivered, nothing is left open."""
    nth, survived = 0, False
    while not survived:
        nth += 1
        survived = not await die_and_recover(store, nth, after=after)
    assert nth > 14  # the walk has reached every write of a run with two turns and two calls


async def die_and_recover(store: Store, nth: int, *, after: bool) -> bool:
    """Kill the first process at its n-th write, let a second one finish, check. Returns whether the first died."""
    story = Story(store)
    accepted = await say(store, "Order it", conversation=f"c{nth}")
    mortal = MortalStore(store, nth, after=after)
    await live(story.process(cast("Store", mortal)), accepted.run_id)
    if mortal.dead:
        await store.workers.leave(mortal.worker)  # what a peer does when the heartbeat is too old
        async with story.process(store).working():
            await until(lambda: delivered(store, accepted.run_id))
    await check(story, accepted.run_id)
    return mortal.dead


async def live(bench: Bench, run_id: str) -> None:
    """Let a process work until the run's end is delivered or it dies."""
    work = asyncio.create_task(bench.run())
    end = asyncio.create_task(bench.outlet.end_of(run_id))
    with structlog.testing.capture_logs():  # the tests' own renderer takes long for a traceback
        await asyncio.wait([work, end], return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        end.cancel()
        await asyncio.wait([work, end])
    for outcome in await asyncio.gather(work, end, return_exceptions=True):
        if isinstance(outcome, BaseException):
            assert _is_death(outcome), outcome


def _is_death(outcome: BaseException) -> bool:
    if isinstance(outcome, BaseExceptionGroup):
        return all(_is_death(one) for one in outcome.exceptions)
    return isinstance(outcome, (Died, asyncio.CancelledError))


async def delivered(store: Store, run_id: str) -> bool:
    """Whether the end of the run was delivered."""
    delivery = await store.deliveries.get(run_id)
    return delivery is not None and delivery.state is DeliveryState.DELIVERED


async def check(story: Story, run_id: str) -> None:
    """The invariants after any death."""
    store = story.store
    run = await store.runs.get(run_id)
    assert run is not None
    assert run.status is RunStatus.COMPLETED
    turns = await store.runs.turns(run_id)
    assert [turn.state for turn in turns].count(TurnState.DONE) == 2
    assert len(story.model.requests) <= len(turns) <= 3
    assert await delivered(store, run_id)
    begun = [name for name, _ in story.toolbox.begun]
    assert begun.count("order") <= 1
    look, order = await store.runs.calls(run_id)
    assert (look.state, look.output) == (CallState.DONE, "seen")
    if order.state is CallState.UNKNOWN:
        assert "unknown" in (order.output or "")
    else:
        assert (order.state, order.output, begun.count("order")) == (CallState.DONE, "ordered", 1)
    messages = await store.runs.messages(run_id)
    shown = [message for message in messages if not message.superseded]
    assert [message.text for message in shown] == ["I will order it.", "All done."]
    assert {message.status for message in shown} == {MessageStatus.COMPLETED}
    steps = await store.runs.steps(run_id)
    assert {step.status for step in steps if not step.superseded} == {StepStatus.COMPLETED}


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_death_at_every_write_around_a_decision(store: Store, decision: Decision, *, after: bool) -> None:
    """The `once` tool is begun once, and one more time for each time that the person says so."""
    nth, survived = 0, False
    while not survived:
        nth += 1
        survived = not await interrupt_die_and_recover(store, nth, decision, after=after)
    assert nth > 11  # start, look, question, wait, again, answer


async def interrupt_die_and_recover(store: Store, nth: int, decision: Decision, *, after: bool) -> bool:
    """One process dies in the middle of the order, the next one at its n-th write; a person decides when asked."""
    accepted = await say(store, "Order it", conversation=f"{decision}{nth}")
    await interrupt_the_order(store, accepted.run_id)
    model = ScriptedClient(*[text("All ", "done.")] * 4)
    toolbox = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered")))
    said: list[str] = []
    person = asyncio.create_task(decide_when_asked(store, accepted.run_id, decision, said))
    mortal = MortalStore(store, nth, after=after)
    second = Bench(cast("Store", mortal), model, toolbox, limits=LIMITS)
    second.outlet.at_question = somebody
    await live(second, accepted.run_id)
    if mortal.dead:
        await store.workers.leave(mortal.worker)
        third = Bench(store, model, toolbox, limits=LIMITS)
        third.outlet.at_question = somebody
        async with third.working():
            await until(lambda: delivered(store, accepted.run_id))
    person.cancel()
    await asyncio.wait([person])
    begun = [name for name, _ in toolbox.begun].count("order")
    again = len(said) if decision is Decision.AGAIN else 0
    assert len(said) >= 1
    assert begun <= again
    run = await store.runs.get(accepted.run_id)
    assert run is not None
    assert run.status is RunStatus.COMPLETED
    assert await delivered(store, accepted.run_id)
    look, order = await store.runs.calls(accepted.run_id)
    assert look.output == "seen"
    assert order.begins <= 1 + again
    ends = {
        Decision.WORKED: (CallState.DONE, WORKED),
        Decision.SKIP: (CallState.UNKNOWN, SKIPPED),
        Decision.AGAIN: (CallState.DONE, "ordered"),
    }
    assert (order.state, order.output) == ends[decision]
    steps = await store.runs.steps(accepted.run_id)
    assert {step.status for step in steps if not step.superseded} == {StepStatus.COMPLETED}
    return mortal.dead


async def interrupt_the_order(store: Store, run_id: str) -> None:
    """Let a process begin the run's tools and die."""
    gates = Gate(), Gate()
    toolbox = SmallToolbox(look=(Effect.READ, waits_at(gates[0])), order=(Effect.ONCE, waits_at(gates[1])))
    limits = QUICK.model_copy(update={"drain": 0.0})
    async with Bench(store, ScriptedClient(calls(("look", {}), ("order", {}))), toolbox, limits=limits).working():
        for gate in gates:
            await gate.reached.wait()
    assert [call.state for call in await store.runs.calls(run_id)] == [CallState.STARTED] * 2


async def decide_when_asked(store: Store, run_id: str, decision: Decision, said: list[str]) -> None:
    """A person who presses the same button whenever the run waits."""

    async def asked() -> bool:
        run = await store.runs.get(run_id)
        return run is not None and run.status is RunStatus.REQUIRES_ACTION

    while True:
        await until(asked)
        (call,) = [call for call in await store.runs.calls(run_id) if call.interrupted]
        if await store.runs.decide(run_id, call.interruption, decision):
            said.append(call.interruption)


async def test_a_turn_that_a_crash_cut_is_not_an_attempt(sqlite_store: Store) -> None:
    """More processes than a turn has attempts may die in the middle of it: the next one asks again."""
    accepted = await say(sqlite_store, "Hi")
    for _ in range(QUICK.attempts + 1):
        gate = Gate()
        limits = QUICK.model_copy(update={"drain": 0.0})
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("Hal"), gate]), limits=limits)
        async with bench.working():
            await gate.reached.wait()
    bench = Bench(sqlite_store, ScriptedClient(text("Hello")))
    async with bench.working():
        run = await bench.outlet.end_of(accepted.run_id)
    assert run.status is RunStatus.COMPLETED


async def test_a_repeatable_tool_is_run_again_with_the_same_key(store: Store) -> None:
    """The process dies while an idempotent tool runs; the next one begins it again."""
    accepted = await say(store, "Hi")
    keys: list[str] = []
    gate = Gate()
    limits = QUICK.model_copy(update={"drain": 0.0})
    for script, tool in ((calls(("put", {})), waits_at(gate)), (text("Done"), gives("put"))):
        toolbox = SmallToolbox(put=(Effect.IDEMPOTENT, tool))
        bench = Bench(store, ScriptedClient(script), toolbox, limits=limits)
        async with bench.working():
            await (bench.outlet.end_of(accepted.run_id) if keys else gate.reached.wait())
        keys += [key for _, key in toolbox.begun]
    assert keys == [f"{accepted.run_id}:1:0"] * 2


async def test_a_harmful_tool_that_a_crash_cut_is_unknown_and_the_model_is_told(store: Store) -> None:
    """The process dies while a `once` tool runs; the next one tells the model instead of repeating it."""
    accepted = await say(store, "Hi")
    gate = Gate()
    limits = QUICK.model_copy(update={"drain": 0.0})
    first = Bench(
        store,
        ScriptedClient(calls(("order", {}))),
        SmallToolbox(order=(Effect.ONCE, waits_at(gate))),
        limits=limits,
    )
    async with first.working():
        await gate.reached.wait()
    toolbox = SmallToolbox(order=(Effect.ONCE, gives("ordered")))
    second = Bench(store, ScriptedClient(text("I do not know")), toolbox)
    async with second.working():
        run = await second.outlet.end_of(accepted.run_id)
    assert run.status is RunStatus.COMPLETED
    assert toolbox.begun == []
    (output,) = [item.output for item in second.model.requests[0].input if isinstance(item, CallOutput)]
    assert "Check before you repeat it" in output


async def test_a_turn_that_kills_every_process_ends_the_run(store: Store) -> None:
    """After so many lives nobody asks again, and the person is told why."""
    accepted = await say(store, "Hi")
    limits = QUICK.model_copy(update={"drain": 0.0, "lives": 3})
    for _ in range(3):
        gate = Gate()
        bench = Bench(store, ScriptedClient([TextDelta("Hal"), gate]), limits=limits)
        async with bench.working():
            await gate.reached.wait()
    last = Bench(store, ScriptedClient(), limits=limits)
    async with last.working():
        run = await last.outlet.end_of(accepted.run_id)
    assert run.status is RunStatus.FAILED
    assert run.last_error is not None
    assert "interrupted 3 times" in run.last_error.message
    assert last.model.requests == []


async def test_a_finished_turn_gives_the_next_one_its_own_lives(sqlite_store: Store) -> None:
    """Two turns of one run survive one death each, though there are only two lives."""
    accepted = await say(sqlite_store, "Hi")
    limits = QUICK.model_copy(update={"drain": 0.0, "lives": 2})
    toolbox = SmallToolbox(look=(Effect.READ, gives("seen")))
    first, second = Gate(), Gate()
    scripts: list[tuple[list[list[Step]], Gate | None]] = [
        ([[TextDelta("a"), first]], first),
        ([calls(("look", {})), [TextDelta("b"), second]], second),
        ([text("Done")], None),
    ]
    for script, gate in scripts:
        bench = Bench(sqlite_store, ScriptedClient(*script), toolbox, limits=limits)
        async with bench.working():
            await (gate.reached.wait() if gate is not None else bench.outlet.end_of(accepted.run_id))
    (run,) = bench.outlet.ended
    assert run.status is RunStatus.COMPLETED


@pytest.mark.parametrize("effect", [Effect.READ, Effect.IDEMPOTENT])
async def test_a_tool_that_kills_every_process_is_given_up(store: Store, effect: Effect) -> None:
    """It is begun three times in all; then the call has failed and the model is told."""
    accepted = await say(store, "Hi")
    limits = QUICK.model_copy(update={"drain": 0.0, "begins": 3})
    scripts = [calls(("look", {}))]
    for life in range(3):
        gate = Gate()
        toolbox = SmallToolbox(look=(effect, waits_at(gate)))
        async with Bench(store, ScriptedClient(*scripts), toolbox, limits=limits).working():
            await gate.reached.wait()
        scripts = []
        (call,) = await store.runs.calls(accepted.run_id)
        assert (call.state, call.begins) == (CallState.STARTED, life + 1)
    toolbox = SmallToolbox(look=(effect, gives("seen")))
    last = Bench(store, ScriptedClient(text("I could not look.")), toolbox, limits=limits)
    async with last.working():
        run = await last.outlet.end_of(accepted.run_id)
    assert run.status is RunStatus.COMPLETED
    assert toolbox.begun == []
    (call,) = await store.runs.calls(accepted.run_id)
    assert call.state is CallState.FAILED
    (output,) = [item.output for item in last.model.requests[0].input if isinstance(item, CallOutput)]
    assert "begun 3 times" in output
