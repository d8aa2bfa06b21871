"""Slack over HTTP: what is let in, what is turned away and with which status, and what works only once."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import pytest
import structlog

from adapters.slack import SlackAdapter
from adapters.slack.http import EVENTS
from adapters.slack.signatures import signature
from bot.playground.slack import SlackStandIn, Tampering
from bot.playground.view import NotPossible
from bot.ports import Notes
from bot.relay.contract import Button, Inbound, Outbound
from bot.web import WebServer
from tests.adapters.slack.conftest import adapter_of
from tests.adapters.slack.serving import serving
from tests.adapters.slack.test_catch_up import kept
from tests.adapters.slack.test_ingress import envelope
from tests.support.reception import RecordingReception

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SECRET_WORDS = "the merger is off"


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who sends requests to the bot, with or without Slack's secret."""

    http: aiohttp.ClientSession
    url: str
    secret: str

    def signed(self, body: bytes, timestamp: str | None = None) -> dict[str, str]:
        at = str(int(time.time())) if timestamp is None else timestamp
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature(self.secret, at, body)}

    async def send(self, body: bytes, content_type: str = JSON, headers: dict[str, str] | None = None) -> int:
        given = self.signed(body) if headers is None else headers
        async with self.http.post(self.url, data=body, headers={"Content-Type": content_type, **given}) as response:
            text = await response.text()
            assert "Traceback" not in text
            assert len(text) < 200
            return response.status

    async def said(self, body: object) -> int:
        return await self.send(json.dumps(body).encode())


@pytest.fixture
async def server(slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> AsyncGenerator[WebServer]:
    adapter = adapter_of(slack, notes, http=True)
    try:
        async with serving(adapter, reception, slack) as server:
            yield server
    finally:
        await adapter.close()


@pytest.fixture
async def client(server: WebServer, slack: SlackStandIn) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        yield Client(http, f"http://127.0.0.1:{server.port}{EVENTS}", slack.signing_secret)


def nested(depth: int) -> bytes:
    return b'{"type":"x","a":' + b"[" * depth + b"]" * depth + b"}"


SIGNED = [
    pytest.param(b"not json", JSON, 400, id="no JSON"),
    pytest.param(b"[1, 2]", JSON, 400, id="a list"),
    pytest.param(b'"x"', JSON, 400, id="a text"),
    pytest.param(b"", JSON, 400, id="nothing"),
    pytest.param(b'{"type": "\xff"}', JSON, 400, id="no UTF-8"),
    pytest.param(b'{"type": NaN}', JSON, 400, id="not a number"),
    pytest.param(nested(100_000), JSON, 400, id="100,000 brackets"),
    pytest.param(nested(900), JSON, 400, id="brackets that JSON reads and others do not"),
    pytest.param(b'{"type": "x", "n": ' + b"9" * 5_000 + b"}", JSON, 400, id="5,000 digits"),
    pytest.param(b"{}", JSON, 400, id="no type"),
    pytest.param(b'{"type": 1}', JSON, 400, id="a type that is no text"),
    pytest.param(b'{"type": "event_callback", "event": null}', JSON, 400, id="no event"),
    pytest.param(b'{"type": "event_callback", "event": {"type": null}}', JSON, 400, id="an event without a type"),
    pytest.param(b'{"type": "url_verification"}', JSON, 400, id="no challenge"),
    pytest.param(b"payload=%7Bx", FORM, 400, id="a form with broken JSON"),
    pytest.param(b"payload=%5B%5D", FORM, 400, id="a form with a list"),
    pytest.param(b"a=1", FORM, 400, id="a form without a command"),
    pytest.param(b"a=1&payload=%7B%22type%22%3A%22x%22%7D", FORM, 400, id="a press after something else"),
    pytest.param(b"a=1&command=%2Fask", FORM, 400, id="a command with something else"),
    pytest.param(b"&".join(b"a=1" for _ in range(2_000)), FORM, 400, id="2,000 fields"),
    pytest.param(b"{}", "text/plain", 400, id="another content type"),
    pytest.param(b"{}", "multipart/form-data; boundary=x", 400, id="a multipart form"),
    pytest.param(b'{"type": "app_rate_limited", "minute_rate_limited": 1}', JSON, 200, id="a type that is not ours"),
    pytest.param(json.dumps(envelope(channel=None)).encode(), JSON, 200, id="an event that is not as it should be"),
    pytest.param(json.dumps(envelope(type="never_heard_of")).encode(), JSON, 200, id="an event of another kind"),
    pytest.param(b"command=%2Fask&text=hello", FORM, 200, id="a command without a person"),
]


@pytest.mark.parametrize(("body", "content_type", "status"), SIGNED)
async def test_what_slack_signed_is_taken_or_400(client: Client, body: bytes, content_type: str, status: int) -> None:
    assert await client.send(body, content_type) == status


@pytest.mark.parametrize(("body", "content_type", "_status"), SIGNED)
async def test_what_nobody_signed_is_401_whatever_it_is(
    client: Client, body: bytes, content_type: str, _status: int
) -> None:
    """Nothing of it is read before the signature is known to be good."""
    assert await client.send(body, content_type, headers={}) == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Slack-Request-Timestamp": "abc"}, 400),
        ({"X-Slack-Request-Timestamp": "9" * 400}, 400),
        ({"X-Slack-Request-Timestamp": "-1"}, 400),
        ({"X-Slack-Request-Timestamp": "1e9"}, 400),
        ({"X-Slack-Request-Timestamp": "\u0661\u0662"}, 400),
        ({"X-Slack-Request-Timestamp": ""}, 401),
        ({"X-Slack-Request-Timestamp": "0"}, 401),
        ({"X-Slack-Signature": ""}, 401),
        ({"X-Slack-Signature": "v0="}, 401),
        ({"X-Slack-Signature": "v0=" + "0" * 64}, 401),
        ({"X-Slack-Signature": "v1=" + "0" * 64}, 401),
        ({"X-Slack-Signature": "v0=" + "é" * 64}, 401),
        ({"X-Slack-Signature": "v0=" + "A" * 5_000}, 401),
    ],
)
async def test_odd_times_are_400_and_odd_signatures_401(client: Client, headers: dict[str, str], status: int) -> None:
    body = json.dumps(envelope()).encode()
    assert await client.send(body, headers={**client.signed(body), **headers}) == status


@pytest.mark.parametrize(("off", "status"), [(-301, 401), (-290, 200), (290, 200), (310, 401)])
async def test_a_signature_is_good_for_five_minutes(client: Client, off: int, status: int) -> None:
    body = json.dumps(envelope()).encode()
    assert await client.send(body, headers=client.signed(body, str(int(time.time()) + off))) == status


@pytest.mark.parametrize(
    "said",
    ["so &{}& it is", "so &command=%2Fask&text=hello&user_id=U1& it is"],
    ids=["a press", "a command"],
)
@pytest.mark.parametrize("before", [b"", b" \r\n\t"], ids=["as it was", "after white space"])
async def test_a_signed_event_sent_again_as_a_form_is_no_form(client: Client, said: str, before: bytes) -> None:
    """What kind a body is said to be is not signed, and people write into it what they like."""
    press = {"type": "block_actions", "actions": [{"action_id": "run.stop", "value": "run_1"}], "user": {"id": "U1"}}
    body = before + json.dumps(envelope(text=said.format(urlencode({"payload": json.dumps(press)})))).encode()
    assert await client.send(body, FORM) == 400
    assert await client.send(body, JSON) == 200


async def test_a_second_signature_in_the_same_request_is_not_looked_at(client: Client) -> None:
    """Two proxies that read different ones of them would be a way in."""
    body = json.dumps(envelope()).encode()
    headers = [*client.signed(body).items(), ("X-Slack-Signature", "v0=" + "0" * 64), ("Content-Type", JSON)]
    async with client.http.post(client.url, data=body, headers=headers) as response:
        assert response.status == 401


async def test_another_secret_is_401(client: Client, reception: RecordingReception) -> None:
    other = Client(client.http, client.url, "0" * 32)
    assert await other.said(envelope()) == 401
    assert not reception.deliveries


async def test_more_than_a_megabyte_is_413_before_any_of_it_came(client: Client, server: WebServer) -> None:
    assert await begun(server, b"Content-Length: 10000000\r\n\r\n") == b"HTTP/1.1 413"
    assert await client.said(envelope()) == 200


async def test_a_body_of_unknown_length_is_413_as_soon_as_it_is_too_large(client: Client, server: WebServer) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    assert await begun(server, b"Transfer-Encoding: chunked\r\n\r\n" + 17 * chunk) == b"HTTP/1.1 413"
    assert await client.said(envelope()) == 200


async def begun(server: WebServer, rest: bytes) -> bytes:
    """The beginning of the answer to a request that was not sent to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n".encode() + rest)
        async with asyncio.timeout(2):
            return await reader.readexactly(12)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_certificate_check_is_answered_unsigned(client: Client) -> None:
    """It asks for nothing."""
    for body in (b"ssl_check=1", b"token=abc&ssl_check=1", b"ssl_check=1&token=abc"):
        assert await client.send(body, FORM, headers={}) == 200
    assert await client.send(b"ssl_check=1&command=%2Fask&text=x", FORM, headers={}) == 401
    async with client.http.get(client.url, params={"ssl_check": "1"}) as response:
        assert response.status == 200
    async with client.http.get(client.url) as response:
        assert response.status == 400


async def test_the_challenge_comes_back(client: Client) -> None:
    body = b'{"type": "url_verification", "challenge": "c4"}'
    async with client.http.post(
        client.url, data=body, headers={"Content-Type": JSON, **client.signed(body)}
    ) as response:
        assert (response.status, await response.text()) == (200, "c4")


async def test_a_challenge_that_is_no_text_comes_back_as_text(client: Client) -> None:
    assert await client.send(b'{"type": "url_verification", "challenge": "\\ud800"}') == 200


async def test_a_wrong_secret_is_found_out_when_the_url_is_entered(server: WebServer, slack: SlackStandIn) -> None:
    slack.signing_secret = "f" * 32
    with pytest.raises(NotPossible, match="challenge"):
        await slack.subscribe(f"http://127.0.0.1:{server.port}{EVENTS}")


async def test_characters_that_no_database_takes_are_replaced(client: Client, reception: RecordingReception) -> None:
    body = json.dumps(envelope(text="<@UBOT> a\ud800b\0c", channel="D1", channel_type="im")).encode()
    assert await client.send(body) == 200
    (inbound,) = reception.inbound
    assert "a\ufffdb\ufffdc" in inbound.event.text


async def test_nothing_that_was_sent_is_in_the_log(client: Client, reception: RecordingReception) -> None:
    """Neither of what is taken nor of what is refused."""
    reception.unavailable = 1
    with structlog.testing.capture_logs() as lines:
        for body in (envelope(text=SECRET_WORDS), envelope(channel=None, text=SECRET_WORDS), {"type": SECRET_WORDS}):
            await client.said(body)
        await client.send(SECRET_WORDS.encode())
        await client.send(SECRET_WORDS.encode(), headers={})
        await client.send(urlencode({"command": "/ask", "text": SECRET_WORDS}).encode(), FORM)
    assert lines
    assert SECRET_WORDS not in str(lines)


# --- acknowledgement ----------------------------------------------------------------------------------------------


async def test_the_acknowledgement_comes_after_the_acceptance(
    client: Client, reception: RecordingReception, slack: SlackStandIn
) -> None:
    reception.open.clear()
    sending = asyncio.create_task(client.said(envelope(channel="D1", channel_type="im")))
    await reception.entered.wait()
    assert not sending.done()
    reception.open.set()
    assert await sending == 200
    assert len(reception.inbound) == 1


async def test_what_was_not_stored_is_503_and_sent_again(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.unavailable = 2
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)
    statuses = [one.status for one in slack.request_url.delivered if one.kind == "events_api"]
    assert statuses[:2] == [503, 503]
    await slack.wait_for(lambda: slack.request_url.delivered[-1].status == 200)
    last = slack.request_url.delivered[-1]
    assert (last.headers["X-Slack-Retry-Num"], last.headers["X-Slack-Retry-Reason"]) == ("2", "http_error")


async def test_a_store_that_hangs_makes_slack_send_again_and_the_message_is_taken_once(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.open.clear()
    await slack.speak("ada", "dm", "hello")
    await slack.wait_for(lambda: [one for one in slack.request_url.delivered if one.reason == "http_timeout"])
    reception.open.set()
    await slack.wait_for(lambda: slack.request_url.delivered[-1].status == 200)
    assert slack.request_url.delivered[-1].headers["X-Slack-Retry-Reason"] == "http_timeout"
    await reception.until(lambda: len(reception.deliveries) >= 2)
    assert len(reception.inbound) == 1


@pytest.mark.parametrize("how", ["bad", "old", "missing", "not_ascii"])
async def test_a_delivery_with_a_spoilt_signature_is_refused_and_the_next_one_taken(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception, how: Tampering
) -> None:
    slack.request_url.tamper(how, 1)
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)
    assert next(one for one in slack.request_url.delivered if one.kind == "events_api").status == 401


async def test_a_server_that_ends_asks_slack_to_come_again(
    server: WebServer, client: Client, reception: RecordingReception
) -> None:
    server.shut("ending")
    body = json.dumps(envelope()).encode()
    async with client.http.post(
        client.url, data=body, headers={"Content-Type": JSON, **client.signed(body)}
    ) as response:
        assert response.status == 503
        assert "X-Slack-No-Retry" not in response.headers
        assert int(response.headers["Retry-After"]) > 0
    assert not reception.deliveries


# --- replays ------------------------------------------------------------------------------------------------------


async def test_a_replayed_message_is_known_by_its_keys(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)
    await slack.wait_for(lambda: slack.request_url.delivered[-1].kind == "events_api")
    assert await slack.request_url.replay(slack.request_url.delivered[-1]) == 200
    assert len(reception.deliveries) == 2
    assert len(reception.inbound) == 1


async def test_a_replayed_command_does_nothing(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """A question would be known by its trigger; `/new` has nothing by which it is."""
    await slack.command("ada", "general", "ask", {"text": "hello"})
    await slack.command("ada", "general", "new", {})
    ask, new = (one for one in slack.request_url.delivered if one.kind == "slash_commands")
    assert [await slack.request_url.replay(one) for one in (ask, new, new)] == [200, 200, 200]
    assert len(reception.deliveries) == 1
    assert [command.name for command in reception.commands] == ["new"]


async def test_a_replayed_press_does_nothing(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    await slack.speak("ada", "general", "@Parley hello")
    inbound: Inbound = (await reception.messages(1))[0]
    adapter: SlackAdapter = adapter_of(slack, notes, http=True)
    posted = await adapter.post(
        inbound.event.address, Outbound(text="hi", buttons=(Button(op="stop", run_id="run_1", label="Stop"),)), "k1"
    )
    await adapter.close()
    button = next(one for message in slack.view().messages for one in message.buttons)
    await slack.press("ada", "general", posted.ref["ts"], button.id)
    await slack.press("ada", "general", posted.ref["ts"], button.id)
    assert len(reception.presses) == 2  # two presses are two
    (press, _) = (one for one in slack.request_url.delivered if one.kind == "interactive")
    assert await slack.request_url.replay(press) == 200
    assert len(reception.presses) == 2


async def test_a_command_is_told_when_nobody_knows_whether_it_is_new(
    server: WebServer, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.unavailable = 1
    assert "try again" in await slack.command("ada", "general", "new", {})
    assert not reception.commands


# --- what was said while nobody listened --------------------------------------------------------------------------


@pytest.fixture
async def processes(slack: SlackStandIn, notes: Notes) -> AsyncGenerator[list[SlackAdapter]]:
    """The adapters of three processes of one deployment."""
    adapters = [adapter_of(slack, notes, http=True) for _ in range(3)]
    yield adapters
    for adapter in adapters:
        await adapter.close()


async def test_one_duty_reads_what_was_said_while_nobody_listened(
    slack: SlackStandIn, reception: RecordingReception, processes: list[SlackAdapter]
) -> None:
    """Once in a deployment, by who keeps the duty, whatever is heard live before that."""
    first, second, third = processes
    (duty,) = await first.connections()
    async with serving(first, reception, slack), first.connected(duty, reception):
        await slack.speak("ada", "general", "@Parley before")
        await reception.messages(1)
    slack.lose_next_events(10)
    await slack.speak("ada", "general", "@Parley meanwhile")
    slack.lose_next_events(0)
    looked = reads(slack)
    async with serving(second, reception, slack):
        await slack.speak("ada", "general", "@Parley live")
        await reception.messages(2)
    assert reads(slack) == looked
    async with serving(third, reception, slack), third.connected(duty, reception):
        await reception.messages(3)
    assert [inbound.event.text for inbound in reception.inbound] == ["before", "live", "meanwhile"]


async def test_who_takes_the_duty_over_reads_from_where_the_last_keeper_got(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, processes: list[SlackAdapter]
) -> None:
    """Not from where it began to listen itself, which may be days ago."""
    keeper, other, _ = processes
    (duty,) = await keeper.connections()
    async with serving(keeper, reception, slack), keeper.connected(duty, reception):
        await slack.speak("ada", "general", "@Parley first")
        await reception.messages(1)
    async with other.webhooks(reception):
        async with serving(keeper, reception, slack), keeper.connected(duty, reception):
            await slack.speak("ada", "general", "@Parley second")
            await reception.messages(2)
            second = slack.messages("general")[-1].ts
            await kept(notes, second)
        async with other.connected(duty, reception):
            await slack.wait_for(lambda: [one for one in threads_read(slack) if one >= second])


def threads_read(slack: SlackStandIn) -> list[str]:
    """From where threads were read."""
    calls = [call for call in slack.calls if call.method == "conversations.replies"]
    return [str(call.parameters.get("oldest", "")) for call in calls]


def reads(slack: SlackStandIn) -> int:
    return len([call for call in slack.calls if call.method in ("conversations.history", "conversations.replies")])


async def test_no_socket_is_opened(server: WebServer, slack: SlackStandIn, reception: RecordingReception) -> None:
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)
    assert "apps.connections.open" not in {call.method for call in slack.calls}
