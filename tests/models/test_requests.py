"""What is sent: the whole conversation in each wire's own form, and nothing that the server refuses."""

from typing import Any

import pytest

from bot.domain.assistants import FunctionDefinition
from bot.domain.turns import AssistantText, CallInput, CallOutput, InputImage, InputText, Opaque, OpaqueInput, UserInput
from bot.models.pairing import NO_OUTPUT
from bot.models.profiles import Profile, profile_of
from tests.models.asking import WIRES, connected, events_of, request, said, text_of, tool, until_failure
from tests.support.model_server import Call, Reply, ScriptedModel

HISTORY = (
    said("What is the weather?"),
    AssistantText(text="Let me look."),
    CallInput(call_id="c1", name="weather", arguments='{"city":"Rome"}'),
    CallOutput(call_id="c1", output="sunny"),
    AssistantText(text="It is sunny."),
    said("And now?"),
)


async def body_of(wire: str, *inputs: Any, **fields: Any) -> dict[str, Any]:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        server.enqueue(Reply("Hi"))
        await events_of(client, request(*inputs, **fields))
        return server.requests[0].body


async def test_a_conversation_on_the_responses_wire() -> None:
    body = await body_of("responses", *HISTORY)
    assert body["store"] is False
    assert body["stream"] is True
    assert body["instructions"] == "Be brief."
    assert body["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Rome"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is sunny."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
    ]


async def test_a_conversation_on_the_chat_wire() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
    assert (await body_of("chat", *HISTORY))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the weather?"},
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        {"role": "assistant", "content": "It is sunny."},
        {"role": "user", "content": "And now?"},
    ]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_call_without_output_gets_one_and_an_output_without_call_goes(wire: str) -> None:
    inputs = [
        said("hi"),
        CallInput(call_id="c", name="a", arguments="{}"),
        said("?"),
        CallOutput(call_id="z", output="lost"),
    ]
    sent = str(await body_of(wire, *inputs))
    assert NO_OUTPUT in sent
    assert "lost" not in sent


@pytest.mark.parametrize("wire", WIRES)
async def test_invented_names_and_broken_arguments_are_sent_in_a_form_that_is_accepted(wire: str) -> None:
    call = CallInput(call_id="c", name="no such:tool!", arguments="{broken")
    body = await body_of(wire, said("hi"), call, CallOutput(call_id="c", output="unknown tool"))
    sent = body["input"][1] if wire == "responses" else body["messages"][2]["tool_calls"][0]["function"]
    assert sent["name"] == "no_such_tool_"
    assert sent["arguments"] == "{}"


async def test_tools_are_flat_on_responses_and_nested_on_chat() -> None:
    lookup = tool(q={"type": "string"}, strict=True)
    expected = {"name": "lookup", "description": "Does lookup.", "parameters": lookup.parameters, "strict": True}
    assert (await body_of("responses", tools=(lookup,)))["tools"] == [{"type": "function", **expected}]
    assert (await body_of("chat", tools=(lookup,)))["tools"] == [{"type": "function", "function": expected}]


LOOSE: list[dict[str, Any]] = [
    {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
    {"type": "object", "properties": {"x": {"type": "string"}}, "required": [], "additionalProperties": False},
    {
        "type": "object",
        "properties": {"x": {"type": "object", "properties": {}}},
        "required": ["x"],
        "additionalProperties": False,
    },
]


@pytest.mark.parametrize("schema", LOOSE)
async def test_a_schema_that_does_not_keep_the_rules_is_sent_unchanged_and_not_strict(schema: dict[str, Any]) -> None:
    loose = FunctionDefinition(name="a", parameters=schema, strict=True)
    sent = (await body_of("responses", tools=(loose,)))["tools"][0]
    assert sent["strict"] is False
    assert sent["parameters"] == schema


@pytest.mark.parametrize("wire", WIRES)
async def test_images_are_described_to_a_model_that_sees_none(wire: str) -> None:
    image = UserInput(parts=(InputText(text="Look"), InputImage(media_type="image/png", base64="QUJD")))
    assert "QUJD" not in str(await body_of(wire, image))


@pytest.mark.parametrize("wire", WIRES)
async def test_images_are_data_urls(wire: str) -> None:
    image = UserInput(parts=(InputText(text="Look"), InputImage(media_type="image/png", base64="QUJD")))
    async with ScriptedModel() as server, connected(server, wire=wire, model="gpt-4o") as client:
        server.enqueue(Reply("Hi"))
        await events_of(client, request(image))
        body = server.requests[0].body
    part = (body["input"][0] if wire == "responses" else body["messages"][1])["content"][1]
    url = part["image_url"] if wire == "responses" else part["image_url"]["url"]
    assert url == "data:image/png;base64,QUJD"


async def test_options_have_each_wire_s_names() -> None:
    options: dict[str, Any] = {"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9, "tools": (tool(),)}
    responses, chat = await body_of("responses", **options), await body_of("chat", **options)
    assert responses["max_output_tokens"] == 9
    assert chat["max_tokens"] == 9
    for body in (responses, chat):
        assert (body["temperature"], body["top_p"], body["parallel_tool_calls"]) == (0.5, 0.9, True)


async def test_the_default_profile_sends_no_bookkeeping() -> None:
    """Servers that nobody knows may refuse fields that only OpenAI has."""
    for wire in WIRES:
        body = await body_of(wire, thread_id="thread_1", person_hash="abc")
        assert not {"prompt_cache_key", "safety_identifier", "include"} & body.keys()


# --- what a server refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "param"),
    [("Unrecognized request argument supplied: stream_options", None), ("Unsupported parameter", "stream_options")],
)
async def test_refused_stream_options_are_left_out_from_then_on(message: str, param: str | None) -> None:
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        server.enqueue(
            Reply(status=400, error={"error": {"message": message, "param": param}}), Reply("Hi"), Reply("Hi")
        )
        assert text_of(await events_of(client)) == "Hi"
        await events_of(client)
        assert ["stream_options" in seen.body for seen in server.requests] == [True, False, False]


async def test_a_field_refused_by_a_list_of_details_is_left_out() -> None:
    """Mistral and other validators answer 422 like that."""
    detail = [{"type": "extra_forbidden", "loc": ["body", "parallel_tool_calls"], "msg": "Extra inputs"}]
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        server.enqueue(Reply(status=422, error={"detail": detail}), Reply("Hi"))
        await events_of(client, request(tools=(tool(),)))
        assert "parallel_tool_calls" not in server.requests[1].body


async def test_the_limit_s_other_name_is_used_when_one_is_refused() -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        server.enqueue(Reply(status=400, error={"error": {"message": message, "param": "max_tokens"}}), Reply("Hi"))
        await events_of(client, request(max_output_tokens=7))
        assert server.requests[1].body["max_completion_tokens"] == 7
        assert "max_tokens" not in server.requests[1].body


async def test_a_field_is_given_up_only_once() -> None:
    refused = Reply(status=400, error={"error": {"message": "bad", "param": "stream_options"}})
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        server.enqueue(refused, refused)
        await until_failure(client)
        assert len(server.requests) == 2


# --- reasoning items --------------------------------------------------------------------------------------------


async def opaque_item(server: ScriptedModel, client: Any, **fields: Any) -> str:
    server.enqueue(Reply(calls=[Call("a", {}, "c1")], reasoning=["hm"], encrypted="sealed"))
    events = await events_of(client, request(**fields))
    return next(event.item for event in events if isinstance(event, Opaque))


def second_turn(item: str, **fields: Any) -> Any:
    call = CallInput(call_id="c1", name="a", arguments="{}")
    return request(said("hi"), OpaqueInput(item=item), call, CallOutput(call_id="c1", output="ok"), **fields)


async def test_encrypted_reasoning_is_replayed_in_place_without_its_id() -> None:
    async with ScriptedModel() as server, connected(server, wire="responses") as client:
        item = await opaque_item(server, client)
        server.enqueue(Reply("Hi"))
        await events_of(client, second_turn(item))
        sent = server.requests[1].body["input"]
    assert sent[1] == {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    assert [entry["type"] for entry in sent] == ["message", "reasoning", "function_call", "function_call_output"]


async def test_reasoning_is_replayed_with_its_calls_on_the_chat_wire() -> None:
    async with ScriptedModel() as server, connected(server, wire="chat") as client:
        item = await opaque_item(server, client)
        server.enqueue(Reply("Hi"))
        await events_of(client, second_turn(item))
        message = server.requests[1].body["messages"][2]
    assert message["reasoning_content"] == "hm"
    assert message["tool_calls"][0]["id"] == "c1"


@pytest.mark.parametrize("wire", WIRES)
async def test_an_item_is_replayed_by_the_wire_that_made_it_only(wire: str) -> None:
    other = "chat" if wire == "responses" else "responses"
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        item = await opaque_item(server, client)
        async with connected(server, wire=other) as elsewhere:
            server.enqueue(Reply("Hi"))
            await events_of(elsewhere, second_turn(item))
        sent = str(server.requests[1].body)
    assert "sealed" not in sent
    assert "hm" not in sent


@pytest.mark.parametrize("wire", WIRES)
async def test_an_item_is_dropped_when_the_model_changed(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        item = await opaque_item(server, client)
        server.enqueue(Reply("Hi"))
        await events_of(client, second_turn(item, model="another"))
        sent = str(server.requests[1].body)
    assert "sealed" not in sent
    assert "hm" not in sent


@pytest.mark.parametrize("item", ["", "{", "[]", '{"wire":"responses"}', '{"item":{"type":"reasoning"}}'])
async def test_an_item_of_unknown_origin_is_dropped(item: str) -> None:
    body = await body_of("responses", said("hi"), OpaqueInput(item=item))
    assert len(body["input"]) == 1


async def test_lost_items_are_dropped_and_the_request_is_put_again_once() -> None:
    message = "Item with id 'rs_1' not found. Items are not persisted when store is set to false."
    lost = Reply(status=404, error={"error": {"message": message}})
    async with ScriptedModel() as server, connected(server, wire="responses") as client:
        item = await opaque_item(server, client)
        server.enqueue(lost, Reply("Hi"), lost, lost)
        assert text_of(await events_of(client, second_turn(item))) == "Hi"
        assert ["sealed" in str(seen.body) for seen in server.requests] == [False, True, False]
        await until_failure(client, second_turn(item))
        assert len(server.requests) == 5


async def test_a_reasoning_model_is_asked_for_its_encrypted_reasoning() -> None:
    async with ScriptedModel() as server, connected(server, wire="responses", model="gpt-5-mini") as client:
        server.enqueue(Reply("Hi"))
        await events_of(client, request(model="", temperature=0.5))
        assert server.requests[0].body["include"] == ["reasoning.encrypted_content"]
        assert "temperature" not in server.requests[0].body


# --- profiles ---------------------------------------------------------------------------------------------------


def test_an_unknown_server_gets_the_careful_profile() -> None:
    assert profile_of("http://localhost:8080/v1", "anything") == Profile()


@pytest.mark.parametrize("name", ["gpt-5", "openai/gpt-5", "GPT-5-mini"])
def test_a_model_is_known_under_a_maker_s_prefix(name: str) -> None:
    assert profile_of("https://openrouter.ai/api/v1", name).reasoning


def test_a_host_s_flags_reach_every_model_of_it() -> None:
    assert profile_of("https://api.openai.com/v1", "gpt-4.1").bookkeeping
    assert profile_of("https://x.openai.azure.com/openai/v1", "my-deployment").bookkeeping
    assert profile_of("https://api.mistral.ai/v1", "mistral-large").wire == "chat"
