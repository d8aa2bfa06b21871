"""A provider's error is named by who has to act, and what can be repeated is repeated before anything was shown."""

import asyncio
import email.utils
import socket
import time
from typing import Any

import pytest

from bot.errors import (
    BrokenStream,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    ModelRefusedAccess,
    ModelUnavailable,
)
from bot.models import ModelConfig, RetryPolicy, connect
from tests.models.asking import QUICK, WIRES, connected, events_of, text_of, until_failure
from tests.support.model_server import Reply, ScriptedModel


def refusal(status: int, message: str = "", code: str = "", **headers: str) -> Reply:
    error = {"error": {"message": message, "code": code or None, "type": "some_error"}}
    return Reply(status=status, error=error, headers={name.replace("_", "-"): text for name, text in headers.items()})


async def failure_of(reply: Reply, **config: Any) -> Any:
    async with ScriptedModel() as server, connected(server, **{"wire": "chat", **config}) as client:
        server.enqueue(reply)
        return (await until_failure(client))[1]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (401, "invalid_api_key", "Incorrect API key provided: sk-abc", ModelRefusedAccess),
        (403, "", "Country not supported", ModelRefusedAccess),
        (404, "model_not_found", "The model `scripted` does not exist", ModelRefusedAccess),
        (429, "insufficient_quota", "You exceeded your current quota", ModelRefusedAccess),
        (307, "", "", ModelRefusedAccess),
        (429, "rate_limit_exceeded", "Rate limit reached", ModelUnavailable),
        (408, "", "", ModelUnavailable),
        (409, "", "", ModelUnavailable),
        (500, "", "", ModelUnavailable),
        (502, "", "", ModelUnavailable),
        (503, "", "overloaded", ModelUnavailable),
        (400, "context_length_exceeded", "too long", ContextTooLong),
        (400, "", "This model's maximum context length is 8192 tokens", ContextTooLong),
        (400, "", "the request exceeds the available context size", ContextTooLong),
        (413, "", "", ContextTooLong),
        (413, "rate_limit_exceeded", "Request too large for this model on tokens per minute", ContextTooLong),
        (429, "rate_limit_exceeded", "Request too large for this model on tokens per minute", ContextTooLong),
        (400, "content_filter", "The response was filtered", ContentFiltered),
        (400, "invalid_prompt", "flagged", ContentFiltered),
        (400, "", "something else is wrong", ModelError),
        (422, "", "something else is wrong", ModelError),
    ],
)
async def test_each_refusal_has_its_kind(wire: str, status: int, code: str, message: str, kind: type) -> None:
    assert type(await failure_of(refusal(status, message, code), wire=wire)) is kind


async def test_the_provider_s_words_about_a_key_are_not_repeated() -> None:
    failure = await failure_of(refusal(401, "Incorrect API key provided: sk-secret"))
    assert "sk-secret" not in str(failure)
    assert "OPENAI_API_KEY" in str(failure)


async def test_an_unknown_model_names_the_setting() -> None:
    assert "OPENAI_MODEL" in str(await failure_of(refusal(404, "model 'scripted' not found, try pulling it first")))


async def test_a_wrong_address_names_the_setting() -> None:
    assert "OPENAI_BASE_URL" in str(await failure_of(refusal(404, "Not Found")))


@pytest.mark.parametrize("body", ["not json", [], {"error": None}, {"detail": [{"msg": "no"}]}])
async def test_error_bodies_of_any_shape_are_survived(body: Any) -> None:
    assert type(await failure_of(Reply(status=400, error=body))) is ModelError


async def test_a_key_is_not_carried_along_a_redirect() -> None:
    async with ScriptedModel() as other:
        failure = await failure_of(refusal(307, location=f"{other.base_url}/chat/completions"), api_key="sk-secret")
        assert isinstance(failure, ModelRefusedAccess)
        assert not other.requests


# --- retries ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_busy_provider_is_asked_again(wire: str, status: int) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire, retry=QUICK) as client:
        server.enqueue(refusal(status), refusal(status), Reply("Hi"))
        assert text_of(await events_of(client)) == "Hi"


async def test_attempts_end() -> None:
    async with ScriptedModel() as server, connected(server, wire="chat", retry=QUICK) as client:
        server.enqueue(*(refusal(503) for _ in range(QUICK.attempts)))
        assert isinstance((await until_failure(client))[1], ModelUnavailable)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_wrong_request_is_not_repeated(status: int) -> None:
    async with ScriptedModel() as server, connected(server, wire="chat", retry=QUICK) as client:
        server.enqueue(refusal(status))
        await until_failure(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("cut", ["reset", "clean"])
async def test_a_stream_that_broke_before_its_first_event_is_asked_again(wire: str, cut: Any) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire, retry=QUICK) as client:
        server.enqueue(Reply("lost", cut_after_frames=1, cut=cut), Reply("Hi"))
        assert text_of(await events_of(client)) == "Hi"


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_that_broke_after_its_first_event_is_never_asked_again(wire: str) -> None:
    frames_until_text = 5 if wire == "responses" else 2
    async with ScriptedModel() as server, connected(server, wire=wire, retry=QUICK) as client:
        server.enqueue(Reply("one two", cut_after_frames=frames_until_text))
        events, failure = await until_failure(client)
        assert text_of(events) == "one "
        assert isinstance(failure, BrokenStream)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = connect(ModelConfig(base_url=f"http://127.0.0.1:{port}/v1", model="scripted", retry=QUICK))
    try:
        assert isinstance((await until_failure(client))[1], ModelUnavailable)
    finally:
        await client.close()


async def test_a_provider_that_never_begins_to_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = ModelConfig(base_url=base_url, model="scripted", idle_timeout=0.1, retry=RetryPolicy(attempts=1))
        client = connect(config)
        try:
            assert isinstance((await until_failure(client))[1], ModelUnavailable)
        finally:
            await client.close()


async def test_a_server_that_hangs_up_at_once_is_unavailable() -> None:
    def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        client = connect(ModelConfig(base_url=base_url, model="scripted", retry=QUICK))
        try:
            assert isinstance((await until_failure(client))[1], ModelUnavailable)
        finally:
            await client.close()


# --- Retry-After ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "seconds"), [("retry_after", "0.2"), ("retry_after_ms", "200")])
async def test_a_short_retry_after_is_kept(header: str, seconds: str) -> None:
    async with ScriptedModel() as server, connected(server, wire="chat", retry=QUICK) as client:
        server.enqueue(refusal(429, **{header: seconds}), Reply("Hi"))
        began = time.monotonic()
        assert text_of(await events_of(client)) == "Hi"
        assert time.monotonic() - began >= 0.2


async def test_a_long_retry_after_is_left_to_the_engine() -> None:
    failure = await failure_of(refusal(429, retry_after="120"), retry=QUICK)
    assert isinstance(failure, ModelUnavailable)
    assert failure.retry_after == 120
    assert failure.limited


async def test_retry_after_may_be_a_date() -> None:
    failure = await failure_of(refusal(503, retry_after=email.utils.formatdate(time.time() + 90)), retry=QUICK)
    assert failure.retry_after == pytest.approx(90, abs=5)
    assert not failure.limited


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
async def test_a_senseless_retry_after_is_none(value: str) -> None:
    assert (await failure_of(refusal(429, retry_after=value))).retry_after is None
