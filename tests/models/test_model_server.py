"""The stand-in provider complains about a script that did not happen."""

import asyncio

import pytest

from bot.domain.turns import CallInput, CallOutput
from tests.models.asking import WIRES, connected, events_of, request, said, text_of, tool, until_failure
from tests.support.model_server import Call, Reply, ScriptedModel, SeenRequest


async def test_replies_left_over_fail_the_test() -> None:
    with pytest.raises(AssertionError, match="never fetched"):
        async with ScriptedModel() as server:
            server.enqueue(Reply("Hi"))


async def test_unexpected_requests_fail_the_test() -> None:
    with pytest.raises(AssertionError, match="not expected"):
        async with ScriptedModel() as server, connected(server) as client:
            await until_failure(client)


async def test_both_are_allowed_when_the_test_says_so() -> None:
    async with ScriptedModel(strict=False) as server, connected(server) as client:
        await until_failure(client)
        server.enqueue(Reply("Hi"))


@pytest.mark.parametrize("wire", WIRES)
async def test_a_rule_sees_what_was_said_called_and_offered(wire: str) -> None:
    def rule(seen: SeenRequest) -> Reply:
        if seen.tool_outputs:
            return Reply(f"It said {seen.tool_outputs[0]}")
        return Reply(calls=[Call(seen.tools[0], {"q": seen.last_user_text})])

    async with ScriptedModel(rule) as server, connected(server, wire=wire) as client:
        await events_of(client, request(said("hello"), tools=(tool(),)))
        inputs = [
            said("hello"),
            CallInput(call_id="1", name="lookup", arguments="{}"),
            CallOutput(call_id="1", output="42"),
        ]
        assert text_of(await events_of(client, request(*inputs, tools=(tool(),)))) == "It said 42"
        assert server.requests[0].instructions == "Be brief."


@pytest.mark.parametrize("wire", WIRES)
async def test_a_hook_runs_around_each_frame_and_a_gate_holds_the_stream(wire: str) -> None:
    frames: list[int] = []
    gate = asyncio.Event()
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("one two", before_frame=frames.append, hold=gate))
        stream = client.stream(request())
        assert text_of([await anext(aiter(stream))]) == "one "
        held_at = len(frames)
        gate.set()
        assert text_of([event async for event in stream]) == "two"
        assert len(frames) > held_at
