"""What servers do that no description mentions, one trap a test; each was measured or reported somewhere."""

import json
from typing import Any

import pytest

from bot.domain.turns import CallDone, CallInput, CallOutput, CallStarted, Finished, FinishReason
from bot.errors import BrokenStream, ModelError, ModelUnavailable
from tests.models.asking import WIRES, arguments_of, connected, events_of, request, said, text_of, until_failure
from tests.support.model_server import Call, Reply, ScriptedModel

# --- both wires -------------------------------------------------------------------------------------------------


async def turn(wire: str, *frames: dict[str, Any] | str) -> list[Any]:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(frames=frames))
        return await events_of(client)


async def broken_turn(wire: str, *frames: dict[str, Any] | str) -> tuple[list[Any], Exception]:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(frames=frames))
        return await until_failure(client)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_json_body_with_status_200_is_an_error(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(content_type="application/json", error={"id": "x", "output": []}))
        _, failure = await until_failure(client)
    assert type(failure) is ModelError
    assert "application/json" in str(failure)


@pytest.mark.parametrize("wire", WIRES)
async def test_an_error_in_a_json_body_with_status_200_is_told(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(content_type="application/json", error={"error": {"code": 429, "message": "slow down"}}))
        _, failure = await until_failure(client)
    assert isinstance(failure, ModelUnavailable)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("terminal", [True, False])
async def test_a_stream_that_ends_cleanly_without_terminal_event_is_broken(wire: str, terminal: bool) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Hi", terminal=terminal))
        if terminal:
            assert text_of(await events_of(client)) == "Hi"
        else:
            assert isinstance((await until_failure(client))[1], BrokenStream)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_frame_that_is_not_json_breaks_the_turn(wire: str) -> None:
    _, failure = await broken_turn(wire, "<html>")
    assert isinstance(failure, BrokenStream)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("number", ["NaN", "Infinity"])
async def test_numbers_that_json_does_not_know_break_the_turn(wire: str, number: str) -> None:
    _, failure = await broken_turn(wire, f'{{"x": {number}}}')
    assert isinstance(failure, BrokenStream)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_flood_of_calls_is_stopped(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(calls=[Call("a", {}, f"id_{number}") for number in range(257)]))
        assert type((await until_failure(client))[1]) is ModelError


@pytest.mark.parametrize("wire", WIRES)
async def test_endless_arguments_are_stopped(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(calls=[Call("a", {"x": "y" * 1_100_000}, pieces=30)]))
        assert type((await until_failure(client))[1]) is ModelError


@pytest.mark.parametrize("wire", WIRES)
async def test_an_endless_text_is_stopped(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply(["x" * 500_000] * 5))
        events, failure = await until_failure(client)
    assert type(failure) is ModelError
    assert len(text_of(events)) <= 2_000_000


@pytest.mark.parametrize("wire", WIRES)
async def test_what_came_before_a_failure_is_handed_on_first(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("one two", finish="failed"))
        events, failure = await until_failure(client)
    assert text_of(events) == "one two"
    assert isinstance(failure, ModelUnavailable)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("ids", [("", ""), ("same", "same")])
async def test_empty_and_equal_call_ids_are_repaired_when_they_are_replayed(wire: str, ids: tuple[str, str]) -> None:
    history = [
        said("hi"),
        *(CallInput(call_id=call_id, name=f"tool_{n}", arguments="{}") for n, call_id in enumerate(ids)),
        *(CallOutput(call_id=call_id, output=f"output {n}") for n, call_id in enumerate(ids)),
    ]
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Hi"))
        await events_of(client, request(*history))
        body = server.requests[0].body
    if wire == "responses":
        names = {item["call_id"]: item["name"] for item in body["input"] if item["type"] == "function_call"}
        outputs = [item for item in body["input"] if item["type"] == "function_call_output"]
        pairs = [(names[item["call_id"]], item["output"]) for item in outputs]
    else:
        calls = next(message["tool_calls"] for message in body["messages"] if "tool_calls" in message)
        names = {call["id"]: call["function"]["name"] for call in calls}
        outputs = [message for message in body["messages"] if message["role"] == "tool"]
        pairs = [(names[message["tool_call_id"]], message["content"]) for message in outputs]
    assert "" not in names
    assert pairs == [("tool_0", "output 0"), ("tool_1", "output 1")]


# --- Responses --------------------------------------------------------------------------------------------------


def added(item_id: str, call_id: str = "c1", name: str = "a", **fields: Any) -> dict[str, Any]:
    item = {"id": item_id, "type": "function_call", "call_id": call_id, "name": name, "arguments": "", **fields}
    return {"type": "response.output_item.added", "item": item}


def delta(item_id: str, text: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "item_id": item_id, "delta": text}


def done(item_id: str, text: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.done", "item_id": item_id, "arguments": text}


def item_done(item_id: str, arguments: str, call_id: str = "c1", name: str = "a") -> dict[str, Any]:
    return {**added(item_id, call_id, name, arguments=arguments), "type": "response.output_item.done"}


def completed(**fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", **fields}}


async def test_interleaved_calls_are_told_apart_by_item_id() -> None:
    events = await turn(
        "responses",
        added("i1", "c1", "a"),
        added("i2", "c2", "b"),
        delta("i2", '{"b":'),
        delta("i1", '{"a":'),
        delta("i2", "2}"),
        delta("i1", "1}"),
        done("i2", '{"b":2}'),
        done("i1", '{"a":1}'),
        completed(),
    )
    started = {event.key: event.name for event in events if isinstance(event, CallStarted)}
    ended = {started[event.key]: event.arguments for event in events if isinstance(event, CallDone)}
    assert ended == {"a": '{"a":1}', "b": '{"b":2}'}


async def test_positions_are_not_trusted() -> None:
    """All items may claim index 0."""
    frames = [added("i1", "c1"), added("i2", "c2"), delta("i1", "{}"), delta("i2", '{"x":1}'), completed()]
    assert arguments_of(await turn("responses", *({**frame, "output_index": 0} for frame in frames))) == [
        "{}",
        '{"x":1}',
    ]


async def test_calls_without_any_done_are_closed_by_the_terminal_event() -> None:
    events = await turn("responses", added("i1"), delta("i1", '{"x"'), delta("i1", ":1}"), completed())
    assert arguments_of(events) == ['{"x":1}']
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)


async def test_a_call_without_arguments_done_is_closed_by_its_item() -> None:
    events = await turn("responses", added("i1"), delta("i1", "{}"), item_done("i1", "{}"), completed())
    assert arguments_of(events) == ["{}"]


async def test_an_open_call_that_breaks_off_is_no_completed_turn() -> None:
    _, failure = await broken_turn("responses", added("i1"), delta("i1", '{"x"'), completed())
    assert isinstance(failure, BrokenStream)


async def test_a_call_that_only_its_item_s_end_mentions_is_a_call() -> None:
    events = await turn("responses", item_done("i1", '{"x":1}'), completed())
    assert [type(event).__name__ for event in events] == ["CallStarted", "CallDone", "Finished"]


async def test_parallel_calls_with_one_item_id_stay_two_calls() -> None:
    events = await turn(
        "responses",
        added("same", "same", "a"),
        delta("same", '{"x":1}'),
        added("same", "same", "b"),
        delta("same", '{"y":2}'),
        done("same", '{"x":1}'),
        done("same", '{"y":2}'),
        item_done("same", '{"x":1}', "same", "a"),
        item_done("same", '{"y":2}', "same", "b"),
        completed(),
    )
    assert [event.name for event in events if isinstance(event, CallStarted)] == ["a", "b"]
    assert arguments_of(events) == ['{"x":1}', '{"y":2}']


async def test_a_call_is_closed_once_however_often_the_server_says_so() -> None:
    events = await turn(
        "responses", added("i1"), done("i1", "{}"), item_done("i1", "{}"), item_done("i1", "{}"), completed()
    )
    assert arguments_of(events) == ["{}"]


async def test_a_name_that_comes_late_delays_the_announcement() -> None:
    events = await turn(
        "responses", added("i1", name=""), delta("i1", "{}"), item_done("i1", "{}", name="a"), completed()
    )
    assert [type(event).__name__ for event in events] == ["CallStarted", "CallArguments", "CallDone", "Finished"]
    assert events[0] == CallStarted("0", "c1", "a")


async def test_truncation_is_believed_although_the_status_says_completed() -> None:
    events = await turn(
        "responses",
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Once"},
        completed(incomplete_details={"reason": "max_output_tokens"}),
    )
    assert events[-1] == Finished(FinishReason.LENGTH)


async def test_text_that_only_the_terminal_event_holds_is_found() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert text_of(await turn("responses", completed(output=[message]))) == "Hi"


async def test_text_is_not_told_twice() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    events = await turn(
        "responses",
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Hi"},
        {"type": "response.output_item.done", "item": message},
        completed(output=[message]),
    )
    assert text_of(events) == "Hi"


async def test_unknown_kinds_of_events_mean_nothing() -> None:
    events = await turn("responses", {"type": "response.from_the_future", "x": 1}, {"x": 1}, completed(output=[]))
    assert events == [Finished(FinishReason.STOP)]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
        {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
        {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}},
    ],
)
async def test_an_error_event_ends_the_turn(frame: dict[str, Any]) -> None:
    _, failure = await broken_turn("responses", frame)
    assert isinstance(failure, ModelUnavailable)
    assert failure.limited


async def test_events_behind_the_terminal_one_are_ignored() -> None:
    events = await turn("responses", completed(), {"type": "response.output_text.delta", "delta": "more"}, "[DONE]")
    assert events == [Finished(FinishReason.STOP)]


# --- Chat Completions -------------------------------------------------------------------------------------------


def chunk(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def fragment(**fields: Any) -> dict[str, Any]:
    return chunk(tool_calls=[fields])


def function(arguments: str = "", name: str | None = None) -> dict[str, Any]:
    return {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}


async def test_chunks_without_choices_are_harmless() -> None:
    events = await turn("chat", {"choices": []}, {}, {"choices": None}, chunk(content="Hi"), chunk("stop"), "[DONE]")
    assert text_of(events) == "Hi"


async def test_calls_count_although_the_finish_reason_is_stop() -> None:
    """Gemini streams it like that."""
    events = await turn("chat", fragment(id="g", function=function("{}", "a")), chunk("stop"), "[DONE]")
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)


async def test_a_missing_finish_reason_is_a_failed_turn() -> None:
    events, failure = await broken_turn("chat", chunk(content="Hi"), "[DONE]")
    assert text_of(events) == "Hi"
    assert isinstance(failure, BrokenStream)


async def test_an_empty_finish_reason_is_none() -> None:
    events = await turn("chat", chunk("", content="Hi "), chunk("", content="Ada"), chunk("stop"), "[DONE]")
    assert text_of(events) == "Hi Ada"


async def test_a_finish_reason_without_done_is_enough() -> None:
    assert text_of(await turn("chat", chunk(content="Hi"), chunk("stop"))) == "Hi"


async def test_fragments_without_index_follow_their_id() -> None:
    events = await turn(
        "chat",
        fragment(id="x", function=function('{"a":', "a")),
        fragment(id="y", function=function('{"b":', "b")),
        fragment(id="x", function=function("1}")),
        fragment(id="y", function=function("2}")),
        chunk("tool_calls"),
        "[DONE]",
    )
    assert arguments_of(events) == ['{"a":1}', '{"b":2}']


async def test_fragments_without_index_and_id_follow_their_order() -> None:
    events = await turn(
        "chat",
        fragment(function=function('{"a":', "a")),
        fragment(function=function("1}")),
        fragment(function=function("{}", "b")),
        chunk("tool_calls"),
        "[DONE]",
    )
    assert [event.name for event in events if isinstance(event, CallStarted)] == ["a", "b"]
    assert arguments_of(events) == ['{"a":1}', "{}"]


async def test_parallel_calls_that_all_claim_index_0_stay_apart_by_id() -> None:
    events = await turn(
        "chat",
        fragment(index=0, id="x", function=function("{}", "a")),
        fragment(index=0, id="y", function=function('{"b":1}', "b")),
        chunk("stop"),
        "[DONE]",
    )
    assert arguments_of(events) == ["{}", '{"b":1}']


async def test_parallel_calls_with_equal_ids_and_no_index_stay_apart_when_the_first_is_whole() -> None:
    events = await turn(
        "chat",
        fragment(id="x", function=function('{"a":1}', "a")),
        fragment(id="x", function=function('{"b":2}', "a")),
        chunk("stop"),
        "[DONE]",
    )
    assert arguments_of(events) == ['{"a":1}', '{"b":2}']


async def test_repeated_names_and_ids_are_not_put_together() -> None:
    events = await turn(
        "chat",
        fragment(index=0, id="x", function=function("{", "look")),
        fragment(index=0, id="x", function=function("}", "look")),
        chunk("tool_calls"),
        "[DONE]",
    )
    assert [event for event in events if isinstance(event, CallStarted)] == [CallStarted("0", "x", "look")]
    assert arguments_of(events) == ["{}"]


async def test_arguments_that_come_as_an_object_are_text_for_us() -> None:
    frames = (
        chunk(tool_calls=[{"index": 0, "id": "x", "function": {"name": "a", "arguments": {"x": 1}}}]),
        chunk("stop"),
    )
    assert arguments_of(await turn("chat", *frames, "[DONE]")) == ['{"x":1}']


async def test_thought_signatures_come_back_as_they_were_even_in_a_delta_of_their_own() -> None:
    """Gemini 3 refuses the next request otherwise."""
    signature = {"google": {"thought_signature": "s=="}}
    events = await turn(
        "chat",
        fragment(index=0, id="x", function=function("{}", "a")),
        fragment(index=0, extra_content=signature),
        chunk("stop"),
        "[DONE]",
    )
    ended = next(event for event in events if isinstance(event, CallDone))
    assert {key: json.loads(text) for key, text in ended.extra} == {"extra_content": signature}
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        server.enqueue(Reply("Hi"))
        call = CallInput(call_id="x", name="a", arguments="{}", extra=dict(ended.extra))
        await events_of(client, request(said("hi"), call, CallOutput(call_id="x", output="ok")))
        sent = next(message for message in server.requests[0].body["messages"] if "tool_calls" in message)
    assert sent["tool_calls"][0]["extra_content"] == signature


@pytest.mark.parametrize("error", [{"code": 502, "message": "Upstream"}, {"code": "server_error", "message": "x"}])
async def test_an_error_frame_after_text_fails_the_turn(error: dict[str, Any]) -> None:
    """OpenRouter reports a failure with status 200, and its code may be a number."""
    events, failure = await broken_turn("chat", chunk(content="Hi"), {"error": error, **chunk("error")})
    assert text_of(events) == "Hi"
    assert isinstance(failure, ModelUnavailable)


async def test_an_error_that_is_a_mere_text_fails_the_turn() -> None:
    _, failure = await broken_turn("chat", {"error": "backend exploded"})
    assert type(failure) is ModelError
    assert "backend exploded" in str(failure)


async def test_cumulative_usage_counts_once() -> None:
    usage = [{"prompt_tokens": 3, "completion_tokens": number} for number in (1, 2, 3)]
    frames = [{**chunk(content="x"), "usage": counts} for counts in usage]
    events = await turn("chat", *frames, chunk("stop"), "[DONE]")
    assert [event.usage.total_tokens for event in events if hasattr(event, "usage")] == [6]


async def test_content_in_parts_is_text() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi"}]
    assert text_of(await turn("chat", chunk(content=parts), chunk("stop"), "[DONE]")) == "Hi"


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
async def test_reasoning_is_not_text_under_either_name(key: str) -> None:
    events = await turn("chat", chunk(**{key: "hm"}), chunk(content="Hi"), chunk("stop"), "[DONE]")
    assert text_of(events) == "Hi"
