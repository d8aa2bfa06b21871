"""`auto` finds out which wire a server speaks, once."""

from typing import Any

import pytest

from bot.errors import ModelError, ModelRefusedAccess, ModelUnavailable
from tests.models.asking import QUICK, connected, events_of, text_of, until_failure
from tests.support.model_server import Reply, ScriptedModel


async def test_responses_comes_first() -> None:
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(Reply("Hi"))
        await events_of(client)
        assert [seen.wire for seen in server.requests] == ["responses"]


async def test_a_server_without_responses_is_asked_only_once_in_the_process() -> None:
    async with ScriptedModel(lambda seen: Reply("Hi"), wires=("chat",)) as server:
        for _ in range(2):
            async with connected(server) as client:
                assert text_of(await events_of(client)) == "Hi"
                assert text_of(await events_of(client)) == "Hi"
        assert server.misses == 1
        assert [seen.wire for seen in server.requests] == ["chat"] * 4


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (400, "POST /v1/responses is not a route of this server"),
        (501, "Not Implemented"),
        (501, "this endpoint is not implemented"),
    ],
)
async def test_a_missing_endpoint_leads_to_chat(status: int, message: str) -> None:
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(Reply(status=status, error={"error": {"message": message}}), Reply("Hi"))
        await events_of(client)
        assert [seen.wire for seen in server.requests] == ["responses", "chat"]


async def test_a_missing_endpoint_with_status_200_leads_to_chat() -> None:
    """Older LM Studio answers like that."""
    error = {"error": "Unexpected endpoint or method. (POST /v1/responses)"}
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(Reply(content_type="application/json", error=error), Reply("Hi"))
        await events_of(client)
        assert [seen.wire for seen in server.requests] == ["responses", "chat"]


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no key"}, ModelRefusedAccess),
        (403, {"message": "not allowed"}, ModelRefusedAccess),
        (429, {"message": "slow down"}, ModelUnavailable),
        (503, {"message": "down"}, ModelUnavailable),
        (404, {"message": "The model does not exist", "code": "model_not_found"}, ModelRefusedAccess),
        (404, {"message": "model 'scripted' not found"}, ModelRefusedAccess),
        (400, {"message": "Unsupported value: 'top_k' is not supported with this model"}, ModelError),
    ],
)
async def test_other_refusals_do_not_lead_to_chat(status: int, error: dict[str, Any], kind: type) -> None:
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(Reply(status=status, error={"error": error}))
        assert type((await until_failure(client))[1]) is kind
        assert [seen.wire for seen in server.requests] == ["responses"]


async def test_a_server_that_has_spoken_responses_is_not_doubted_later() -> None:
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(Reply("Hi"), Reply(status=404, error={"error": {"message": "Not Found"}}))
        await events_of(client)
        await until_failure(client)
        assert [seen.wire for seen in server.requests] == ["responses", "responses"]


async def test_nothing_is_remembered_when_chat_fails_too() -> None:
    missing = Reply(status=404, error={"error": {"message": "Not Found"}})
    async with ScriptedModel() as server, connected(server) as client:
        server.enqueue(missing, missing, Reply("Hi"))
        await until_failure(client)
        await events_of(client)
        assert [seen.wire for seen in server.requests] == ["responses", "chat", "responses"]


@pytest.mark.parametrize("wire", ["responses", "chat"])
async def test_a_wire_that_is_set_is_never_left(wire: str) -> None:
    other = "chat" if wire == "responses" else "responses"
    async with ScriptedModel(wires=(other,)) as server, connected(server, wire=wire, retry=QUICK) as client:
        assert isinstance((await until_failure(client))[1], ModelRefusedAccess)
        assert server.misses == 1
