"""The engine with real model clients: over a socket, and without a language model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect
from bot.domain.turns import FinishReason
from bot.engine import EngineLimits
from bot.models import ModelConfig, RetryPolicy, connect
from bot.ports import Store
from tests.support.engine_doubles import QUICK, Bench, SmallToolbox, gives, say
from tests.support.model_server import Call, Reply, ScriptedModel


@asynccontextmanager
async def connected(
    store: Store, server: ScriptedModel, wire: Any, toolbox: SmallToolbox, limits: EngineLimits = QUICK
) -> AsyncIterator[Bench]:
    """An engine whose model is behind a socket."""
    config = ModelConfig(
        provider="openai",
        api_key=SecretStr("sk-test"),
        base_url=server.base_url,
        model="scripted",
        wire=wire,
        retry=RetryPolicy(base=0.0),
    )
    model = connect(config)
    try:
        yield Bench(store, model, toolbox, limits=limits)  # type: ignore[arg-type]
    finally:
        await model.close()


@pytest.mark.parametrize("wire", ["responses", "chat"])
class TestOverASocket:
    async def test_an_overloaded_provider_gets_the_requests_of_one_retry_loop_for_each_outage(
        self, sqlite_store: Store, wire: str
    ) -> None:
        overloaded = Reply(status=503, error={"error": {"message": "overloaded"}})
        limits = QUICK.model_copy(update={"outages": 2})
        async with ScriptedModel() as server, connected(sqlite_store, server, wire, SmallToolbox(), limits) as bench:
            server.enqueue(*[overloaded] * 6)
            run = await bench.answer("Hi")
            assert len(server.requests) == 6
        assert run.status is RunStatus.FAILED

    async def test_parallel_calls_and_the_answer(self, sqlite_store: Store, wire: str) -> None:
        toolbox = SmallToolbox(a=(Effect.READ, gives("A")), b=(Effect.ONCE, gives("B")))
        async with ScriptedModel() as server, connected(sqlite_store, server, wire, toolbox) as bench:
            server.enqueue(
                Reply("Let me see.", calls=[Call("a", {"x": 1}, "c1"), Call("b", {}, "c2")], encrypted="sealed"),
                Reply("All done."),
            )
            run = await bench.answer("Hi")
            assert run.status is RunStatus.COMPLETED
            assert server.requests[0].last_user_text == "[Ann]: Hi"
            assert server.requests[0].tools == ["a", "b"]
            assert server.requests[1].tool_outputs == ["A", "B"]
        assert [message.text for message in await sqlite_store.runs.messages(run.id)] == ["Let me see.", "All done."]
        assert run.usage is not None
        assert (run.usage.total_tokens, run.usage.estimated) == (30, False)

    async def test_stop_closes_the_stream_at_once(self, sqlite_store: Store, wire: str) -> None:
        async with ScriptedModel() as server, connected(sqlite_store, server, wire, SmallToolbox()) as bench:
            server.enqueue(Reply(["Hal", "f", "never"], hold=asyncio.Event(), hold_after=2))
            accepted = await say(sqlite_store, "Hi")
            async with bench.working() as control:
                while bench.outlet.shown(accepted.run_id) != "Half":  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                await control.cancel(accepted.run_id)
                run = await bench.outlet.end_of(accepted.run_id)
                await server.left()
        assert run.status is RunStatus.CANCELLED
        assert (await sqlite_store.runs.messages(run.id))[0].text == "Half"

    async def test_a_stream_that_is_cut_anywhere_is_asked_again(self, sqlite_store: Store, wire: str) -> None:
        for frames in range(1, 4):  # before the frame that ends the turn, on either wire
            async with ScriptedModel() as server, connected(sqlite_store, server, wire, SmallToolbox()) as bench:
                whole = Reply(["a", "b", "c"])
                server.enqueue(Reply(["x", "y", "z"], cut_after_frames=frames, cut="clean"), whole)
                run = await bench.answer("Hi", conversation=f"cut {frames}")
            assert run.status is RunStatus.COMPLETED
            shown = [message.text for message in await sqlite_store.runs.messages(run.id) if not message.superseded]
            assert shown == ["abc"]

    async def test_arguments_that_the_token_limit_cut_are_never_run(self, sqlite_store: Store, wire: str) -> None:
        toolbox = SmallToolbox(a=(Effect.ONCE, gives("A")))
        async with ScriptedModel() as server, connected(sqlite_store, server, wire, toolbox) as bench:
            server.enqueue(Reply(calls=[Call("a", "{", "c1")]), Reply("Sorry."))
            run = await bench.answer("Hi")
        assert toolbox.begun == []
        states = [call.state for call in await sqlite_store.runs.calls(run.id)]
        assert (run.status, states) in [
            (RunStatus.COMPLETED, [CallState.FAILED]),
            (RunStatus.INCOMPLETE, []),
        ]

    async def test_a_wrong_key_is_the_operators_matter(self, sqlite_store: Store, wire: str) -> None:
        async with ScriptedModel() as server, connected(sqlite_store, server, wire, SmallToolbox()) as bench:
            server.enqueue(Reply(status=401, error={"error": {"message": "Incorrect API key provided: sk-test"}}))
            run = await bench.answer("Hi")
        assert run.last_error is not None
        assert "operator" in run.last_error.message
        assert "sk-test" not in run.model_dump_json()


async def test_the_offline_provider_calls_a_tool_and_prints_its_result(sqlite_store: Store) -> None:
    model = connect(ModelConfig(provider="offline", offline_pace=0.0))
    toolbox = SmallToolbox(look=(Effect.READ, gives("seen it")))
    bench = Bench(sqlite_store, model, toolbox)  # type: ignore[arg-type]
    run = await bench.answer("!tool look")
    assert run.status is RunStatus.COMPLETED
    assert toolbox.begun == [("look", f"{run.id}:1:0")]
    assert "seen it" in bench.outlet.shown(run.id)
    assert "no language model" in bench.outlet.shown(run.id)
    assert (await sqlite_store.runs.turns(run.id))[-1].finish is FinishReason.STOP
