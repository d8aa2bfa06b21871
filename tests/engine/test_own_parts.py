"""A run has the tools and the model that it was accepted with, whatever the worker has."""

from bot.domain.assistants import Assistant, FunctionDefinition, FunctionTool
from bot.domain.steps import CallState, Effect
from bot.domain.turns import InputText, UserInput
from bot.ports import Store
from tests.support.engine_doubles import (
    ASSISTANT,
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

NO_DRAIN = QUICK.model_copy(update={"drain": 0.0})


def with_tools(*names: str, **changes: object) -> Assistant:
    """The assistant with these tools."""
    tools = tuple(FunctionTool(function=FunctionDefinition(name=name)) for name in names)
    return ASSISTANT.model_copy(update={"tools": tools, **changes})


class TestTools:
    async def test_only_the_tools_of_the_run_are_offered(self, store: Store) -> None:
        tools = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered")))
        model = ScriptedClient(text("Hi"), text("Hi"))
        bench = Bench(store, model, tools)
        some = await say(store, "a", assistant=with_tools("look", "gone"))
        async with bench.working():
            await bench.outlet.end_of(some.run_id)
            none = await say(store, "b", assistant=with_tools())
            await bench.outlet.end_of(none.run_id)
        assert [[tool.name for tool in request.tools] for request in model.requests] == [["look"], []]

    async def test_a_call_of_another_tool_is_refused_like_one_that_does_not_exist(self, store: Store) -> None:
        tools = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered")))
        script = calls(("order", {}), ("nothing", {}), ("look", {}))
        bench = Bench(store, ScriptedClient(script, text("Sorry")), tools)
        accepted = await say(store, "Order it", assistant=with_tools("look"))
        async with bench.working():
            await bench.outlet.end_of(accepted.run_id)
        found = {call.name: (call.state, call.output) for call in await store.runs.calls(accepted.run_id)}
        assert found["order"] == (CallState.FAILED, "unknown tool order")
        assert found["nothing"] == (CallState.FAILED, "unknown tool nothing")
        assert found["look"] == (CallState.DONE, "seen")
        assert [name for name, _ in tools.begun] == ["look"]

    async def test_a_run_that_is_resumed_by_a_worker_with_more_tools_is_held_to_its_own(self, store: Store) -> None:
        """The call was planned before the crash, when nobody had looked whether it may be run."""
        gate = Gate()
        first = Bench(
            store,
            ScriptedClient(calls(("look", {}), ("order", {}))),
            SmallToolbox(look=(Effect.READ, waits_at(gate)), order=(Effect.ONCE, waits_at(gate))),
            limits=NO_DRAIN.model_copy(update={"parallel_calls": 1}),
        )
        accepted = await say(store, "Order it", assistant=with_tools("look"))
        async with first.working():
            await gate.reached.wait()
        second = Bench(
            store,
            ScriptedClient(text("Fine")),
            SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered"))),
        )
        async with second.working():
            await second.outlet.end_of(accepted.run_id)
        assert [name for name, _ in second.toolbox.begun] == ["look"]
        states = {call.name: call.state for call in await store.runs.calls(accepted.run_id)}
        assert states == {"look": CallState.DONE, "order": CallState.FAILED}


class TestModel:
    async def test_a_chat_is_answered_by_the_workers_model_whatever_was_accepted(self, store: Store) -> None:
        model = ScriptedClient(text("Hi"))
        model.others["elsewhere"] = ScriptedClient()
        bench = Bench(store, model)
        accepted = await say(store, "Hi", assistant=with_tools(model="elsewhere"))
        async with bench.working():
            await bench.outlet.end_of(accepted.run_id)
        assert [request.model for request in model.requests] == ["scripted"]

    async def test_a_model_that_was_named_for_the_assistant_is_asked_with_its_own_window(self, store: Store) -> None:
        small = ScriptedClient(text("Hi"), context_tokens=2_000, summarises=False)
        small.traits = type(small.traits)("small", 2_000, images=False, summarises=False)
        large = ScriptedClient(context_tokens=100_000)
        large.others["small"] = small
        bench = Bench(store, large)
        accepted = await say(store, "word " * 4_000, assistant=with_tools(model="small", own_model=True))
        async with bench.working():
            await bench.outlet.end_of(accepted.run_id)
        (request,) = small.requests
        assert request.model == "small"
        (said,) = [
            part.text
            for item in request.input
            if isinstance(item, UserInput)
            for part in item.parts
            if isinstance(part, InputText)
        ]
        assert len(said) < 10_000, "cut to the small model's window"
        run = await store.runs.get(accepted.run_id)
        assert run is not None
        assert (run.model, run.own_model) == ("small", True)
