"""One vocabulary: the same script gives the same events on both wires."""

import asyncio
from typing import Any

import pytest

from bot.domain.runs import Usage
from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallStarted,
    Finished,
    FinishReason,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    UsageReport,
)
from bot.models import ModelConfig, connect
from tests.models.asking import WIRES, arguments_of, connected, events_of, request, text_of
from tests.support.model_server import Call, Reply, ScriptedModel

pytestmark = pytest.mark.parametrize("wire", WIRES)


async def test_text_arrives_in_pieces_then_usage_then_the_end(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Hello there, Ada"))
        assert await events_of(client) == [
            TextDelta("Hello "),
            TextDelta("there, "),
            TextDelta("Ada"),
            UsageReport(Usage(prompt_tokens=10, completion_tokens=5, total_tokens=15)),
            Finished(FinishReason.STOP),
        ]


async def test_parallel_calls_have_keys_of_their_own(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(calls=[Call("a", {"x": 1}, "id_a"), Call("b", {"y": "ü"}, "id_b")], usage=None))
        events = await events_of(client)
    assert [event for event in events if not isinstance(event, CallArguments)] == [
        CallStarted("0", "id_a", "a"),
        *([CallDone("0", '{"x": 1}'), CallStarted("1", "id_b", "b")] if wire == "responses" else []),
        *([CallStarted("1", "id_b", "b"), CallDone("0", '{"x": 1}')] if wire == "chat" else []),
        CallDone("1", '{"y": "\\u00fc"}'),
        Finished(FinishReason.TOOL_CALLS),
    ]
    fragments = [event.fragment for event in events if isinstance(event, CallArguments) and event.key == "0"]
    assert "".join(fragments) == '{"x": 1}'


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_a_cut_answer_says_why(wire: str, finish: Any) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Once upon", finish=finish))
        events = await events_of(client)
    assert text_of(events) == "Once upon"
    assert events[-1] == Finished(FinishReason(finish))


async def test_a_refusal_is_not_text(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(refusal="I will not.", usage=None))
        assert await events_of(client) == [RefusalDelta("I will not."), Finished(FinishReason.STOP)]


async def test_reasoning_alone_is_an_empty_answer(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(reasoning=["Let me ", "think."], usage=None))
        events = await events_of(client)
    assert events == [ReasoningDelta("Let me "), ReasoningDelta("think."), Finished(FinishReason.STOP)]


@pytest.mark.parametrize("usage", [None, (0, 0)])
async def test_missing_and_zero_usage_are_not_reported(wire: str, usage: Any) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Hi", usage=usage))
        assert not [event for event in await events_of(client) if isinstance(event, UsageReport)]


async def test_broken_arguments_are_handed_on_as_they_are(wire: str) -> None:
    """llama.cpp reports a call that was cut at the token limit as completed: the toolbox refuses it, not the wire."""
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(calls=[Call("a", "{")]))
        events = await events_of(client)
    assert arguments_of(events) == ["{"]
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)


async def test_whole_calls_count_although_the_length_limit_is_named(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(calls=[Call("a", {})], finish="length"), Reply(calls=[Call("a", '{"x')], finish="length"))
        assert (await events_of(client))[-1] == Finished(FinishReason.TOOL_CALLS)
        assert (await events_of(client))[-1] == Finished(FinishReason.LENGTH)


async def test_null_characters_are_taken_out(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(["a\0b"]))
        assert text_of(await events_of(client)) == "ab"


async def test_connections_are_used_again_although_the_body_ends_a_little_later(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.rule = lambda seen: Reply("Hi", after_frame=lambda number: asyncio.sleep(0.01))
        for _ in range(3):
            await events_of(client)
        assert len({seen.peer for seen in server.requests}) == 1


async def test_leaving_a_stream_early_closes_it(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("one two three", hold=asyncio.Event(), hold_after=2))
        stream = client.stream(request())
        assert await anext(aiter(stream)) == TextDelta("one ")
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        await server.left()


async def test_cancellation_passes_through_and_closes_the_stream(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("one two", hold=asyncio.Event(), hold_after=1))
        task = asyncio.create_task(events_of(client))
        await server.seen(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left()


async def test_the_request_s_model_goes_before_the_connection_s(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.rule = lambda seen: Reply("Hi")
        await events_of(client, request(model="other"))
        await events_of(client, request(model=""))
        assert [seen.model for seen in server.requests] == ["other", "scripted"]


async def test_a_local_server_gets_a_placeholder_for_the_missing_key(wire: str) -> None:
    async with ScriptedModel() as server:
        server.enqueue(Reply("Hi"))
        client = connect(ModelConfig(base_url=server.base_url, model="scripted", wire=wire))  # pyright: ignore[reportArgumentType]
        await events_of(client)
        await client.close()
        assert server.requests[0].headers["authorization"] == "Bearer no-key"


async def test_opaque_items_are_events_too(wire: str) -> None:
    reply = Reply(calls=[Call("a", {})], reasoning=["hm"], encrypted="sealed")
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(reply)
        assert len([event for event in await events_of(client) if isinstance(event, Opaque)]) == 1
