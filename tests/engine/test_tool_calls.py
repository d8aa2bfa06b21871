"""Tool calls: what is run, what is refused, and what the model gets to see of it."""

import asyncio
from typing import cast

import pytest

from bot.domain.events import RunEvent
from bot.domain.lanes import Lease
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect, ToolCall
from bot.domain.turns import AssistantText, CallInput, CallOutput, Finished, FinishReason, Opaque, OpaqueInput
from bot.errors import StoreUnavailable
from bot.ports import Asking, Store, ToolOutcome
from tests.support.engine_doubles import (
    ANN,
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    SmallToolbox,
    calls,
    gives,
    say,
    text,
    waits_at,
)


def outputs(bench: Bench, turn: int = -1) -> list[str]:
    """The tool outputs that the model saw in a request."""
    return [item.output for item in bench.model.requests[turn].input if isinstance(item, CallOutput)]


class TestParallelCalls:
    async def test_two_calls_run_at_the_same_time_and_both_outputs_go_to_the_model(self, store: Store) -> None:
        first, second = Gate(), Gate()
        toolbox = SmallToolbox(a=(Effect.READ, waits_at(first, "A")), b=(Effect.READ, waits_at(second, "B")))
        model = ScriptedClient(calls(("a", {}), ("b", {"x": 1}), say="Let me see."), text("Done"))
        bench = Bench(store, model, toolbox)
        accepted = await say(store, "Hi")
        with model.used_up():
            async with bench.working():
                await first.reached.wait()
                await second.reached.wait()
                second.open.set()
                first.open.set()
                run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED
        assert outputs(bench) == ["A", "B"]
        story = bench.outlet.story(run.id)
        assert story[:8] == [
            "run.in_progress",
            "step.created",
            "message.created",
            "message.delta",
            "message.completed",
            "step.completed",
            "step.created",
            "call.started",
        ]
        assert story[8:11] == ["call.started", "call.done", "call.done"]
        assert story[11:] == [
            "step.completed",
            "step.created",
            "message.created",
            "message.delta",
            "message.completed",
            "step.completed",
            "run.completed",
        ]

    async def test_a_turn_is_replayed_as_the_provider_wants_to_see_it(self, sqlite_store: Store) -> None:
        script = [Opaque('{"r":1}'), *calls(("a", {"n": 1}), say="Looking.")]
        bench = Bench(sqlite_store, ScriptedClient(script, text("Done")), SmallToolbox(a=(Effect.READ, gives("A"))))
        await bench.answer("Hi")
        assert bench.model.requests[1].input[1:] == (
            OpaqueInput(item='{"r":1}'),
            AssistantText(text="Looking."),
            CallInput(call_id="p0", name="a", arguments='{"n": 1}'),
            CallOutput(call_id="p0", output="A"),
        )

    async def test_no_more_calls_run_at_once_than_allowed(self, sqlite_store: Store) -> None:
        running, most = 0, 0

        async def tool(_arguments: dict[str, object], _asking: Asking) -> ToolOutcome:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return ToolOutcome(CallState.DONE, "ok")

        limits = QUICK.model_copy(update={"parallel_calls": 1})
        toolbox = SmallToolbox(a=(Effect.READ, tool))
        script = calls(*[("a", {})] * 5)
        bench = Bench(sqlite_store, ScriptedClient(script, text("Done")), toolbox, limits=limits)
        await bench.answer("Hi")
        assert (most, len(toolbox.begun)) == (1, 5)

    async def test_a_tool_hears_who_asked_and_gets_a_key_of_its_own(self, sqlite_store: Store) -> None:
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        bench = Bench(sqlite_store, ScriptedClient(calls(("a", {}), ("a", {})), text("Done")), toolbox)
        run = await bench.answer("Hi")
        assert [asking.person for asking in toolbox.asked] == [ANN, ANN]
        assert {asking.idempotency_key for asking in toolbox.asked} == {f"{run.id}:1:0", f"{run.id}:1:1"}
        assert {asking.thread_id for asking in toolbox.asked} == {run.thread_id}


class TestRefusals:
    async def test_unknown_tools_and_broken_arguments_are_outputs_and_nothing_is_begun(self, store: Store) -> None:
        toolbox = SmallToolbox(a=(Effect.ONCE, gives("A")))
        script = calls(("nothing", {}), ("a", "{"), ("a", {"ok": 1}))
        bench = Bench(store, ScriptedClient(script, text("Sorry")), toolbox)
        run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert outputs(bench) == ["unknown tool nothing", "broken arguments", "A"]
        assert len(toolbox.begun) == 1
        states = [call.state for call in await store.runs.calls(run.id)]
        assert states == [CallState.FAILED, CallState.FAILED, CallState.DONE]

    async def test_a_failing_tool_and_one_of_unknown_outcome_do_not_fail_the_run(self, sqlite_store: Store) -> None:
        toolbox = SmallToolbox(
            bad=(Effect.READ, gives("it raised", CallState.FAILED)),
            slow=(Effect.ONCE, gives("cut off", CallState.UNKNOWN)),
        )
        bench = Bench(sqlite_store, ScriptedClient(calls(("bad", {}), ("slow", {})), text("Sorry")), toolbox)
        run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert [call.state for call in await sqlite_store.runs.calls(run.id)] == [CallState.FAILED, CallState.UNKNOWN]

    async def test_more_calls_than_allowed_are_refused_and_a_flood_is_dropped(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"calls": 2})
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        bench = Bench(sqlite_store, ScriptedClient(calls(*[("a", {})] * 50), text("ok")), toolbox, limits=limits)
        run = await bench.answer("Hi")
        assert len(toolbox.begun) == 2
        assert [call.state for call in await sqlite_store.runs.calls(run.id)][2:] == [CallState.FAILED] * 6
        assert "at most 2" in outputs(bench)[2]

    async def test_huge_arguments_are_cut_and_refused(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"call_arguments": 100})
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        script = calls(("a", {"x": "y" * 1000}))
        bench = Bench(sqlite_store, ScriptedClient(script, text("ok")), toolbox, limits=limits)
        run = await bench.answer("Hi")
        assert toolbox.begun == []
        assert len((await sqlite_store.runs.calls(run.id))[0].arguments) == 100

    async def test_calls_of_a_cut_turn_are_not_run(self, sqlite_store: Store) -> None:
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        script = [*calls(("a", {}), say="I will")[:-1], Finished(FinishReason.LENGTH)]
        run = await Bench(sqlite_store, ScriptedClient(script), toolbox).answer("Hi")
        assert run.status is RunStatus.INCOMPLETE
        assert toolbox.begun == []

    async def test_endless_tool_rounds_fail_with_a_clear_sentence(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"rounds": 3})
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        model = ScriptedClient(*[calls(("a", {}))] * 3)
        with model.used_up():
            run = await Bench(sqlite_store, model, toolbox, limits=limits).answer("Hi")
        assert run.last_error is not None
        assert "3 times in a row" in run.last_error.message

    async def test_silence_after_tools_is_an_end_when_text_came_before_them(self, sqlite_store: Store) -> None:
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")))
        model = ScriptedClient(calls(("a", {}), say="Done, I also file it."), text())
        with model.used_up():
            run = await Bench(sqlite_store, model, toolbox).answer("Hi")
        assert run.status is RunStatus.COMPLETED


class _Runs:
    """The store's runs, whose `end_call` fails at times."""

    def __init__(self, store: Store, *, after: bool) -> None:
        self._runs, self._after, self.failed = store.runs, after, 0

    async def end_call(self, lease: Lease, call: ToolCall, state: CallState, output: str) -> tuple[RunEvent, ...]:
        if self.failed == 2:
            return await self._runs.end_call(lease, call, state, output)
        self.failed += 1
        if self._after and self.failed == 1:
            await self._runs.end_call(lease, call, state, output)  # written, but its answer is lost
        raise StoreUnavailable

    def __getattr__(self, name: str) -> object:
        return getattr(self._runs, name)


class TestOutage:
    @pytest.mark.parametrize("after", [False, True])
    async def test_an_outcome_that_is_known_is_not_lost_with_the_database(self, store: Store, after: bool) -> None:
        """Else a person would be asked what only this process knows."""
        runs = _Runs(store, after=after)

        class Other:
            def __getattr__(self, name: str) -> object:
                return runs if name == "runs" else getattr(store, name)

        toolbox = SmallToolbox(order=(Effect.ONCE, gives("ordered")))
        bench = Bench(cast("Store", Other()), ScriptedClient(calls(("order", {})), text("Done")), toolbox)
        accepted = await say(store, "Hi")
        async with bench.working():
            run = await bench.outlet.end_of(accepted.run_id)
        (call,) = await store.runs.calls(run.id)
        assert (call.state, call.output, call.begins) == (CallState.DONE, "ordered", 1)
        assert (runs.failed, bench.outlet.questions) == (2, [])
        assert outputs(bench) == ["ordered"]


class TestStop:
    async def test_stop_while_tools_run_leaves_harmful_ones_unknown(self, store: Store) -> None:
        gates = Gate(), Gate()
        toolbox = SmallToolbox(order=(Effect.ONCE, waits_at(gates[0])), look=(Effect.READ, waits_at(gates[1])))
        bench = Bench(store, ScriptedClient(calls(("order", {}), ("look", {}))), toolbox)
        accepted = await say(store, "Hi")
        async with bench.working() as control:
            for gate in gates:
                await gate.reached.wait()
            await control.cancel(accepted.run_id)
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.CANCELLED
        assert [call.state for call in await store.runs.calls(run.id)] == [CallState.UNKNOWN, CallState.FAILED]
        assert bench.outlet.story(run.id)[-2:] == ["step.cancelled", "run.cancelled"]
