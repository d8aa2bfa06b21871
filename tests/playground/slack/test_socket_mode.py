"""Events reach the real Bolt application the way Slack sends them: twins, retries, duplicates, lost connections."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackStandIn
from bot.playground.view import Upload
from tests.playground.slack.conftest import HASTY, QUICK, Connect


class Heard:
    """Every event payload that the application's listeners got."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._more = asyncio.Condition()

    async def keep(self, body: dict[str, Any]) -> None:
        async with self._more:
            self.bodies.append(body)
            self._more.notify_all()

    async def at_least(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies


@pytest.fixture
def heard(app: AsyncApp) -> Heard:
    heard = Heard()

    @app.event("app_mention")
    @app.event("message")
    @app.event("app_home_opened")
    async def keep(body: dict[str, Any]) -> None:
        await heard.keep(body)

    return heard


async def test_mention_comes_twice(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """A mention in a channel is an app_mention and a message with one ts and two event ids."""
    async with connect():
        ts = await slack.speak("ada", "general", "@Parley is 1 < 2 & 3?")
        await heard.at_least(2)
    events = [body["event"] for body in heard.bodies]
    assert {event["type"] for event in events} == {"app_mention", "message"}
    assert {event["ts"] for event in events} == {ts}
    assert len({body["event_id"] for body in heard.bodies}) == 2
    assert {event["text"] for event in events} == {"<@U00PARLEY1> is 1 &lt; 2 &amp; 3?"}
    assert all(body["authorizations"][0]["user_id"] == "U00PARLEY1" for body in heard.bodies)


async def test_twins_come_in_either_order(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """Both orders of the twins occur."""
    async with connect():
        for count in range(12):
            await slack.speak("ada", "general", "@Parley again")
            await heard.at_least(2 * count + 2)
    assert {one.event_type for one in slack.sent[::2]} == {"app_mention", "message"}


async def test_direct_message(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """A direct message is one message.im; only a reply carries thread_ts."""
    async with connect():
        root = await slack.speak("ben", "dm", "hello")
        await slack.speak("ben", "dm", "and more", thread=root)
        await heard.at_least(2)
    first, second = sorted((body["event"] for body in heard.bodies), key=lambda event: event["ts"])
    assert first["channel_type"] == second["channel_type"] == "im"
    assert "thread_ts" not in first
    assert second["thread_ts"] == root


async def test_upload_is_a_file_share(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """A message with a file has the subtype file_share and names the download address."""
    async with connect():
        await slack.speak("ada", "dm", "look", files=(Upload(name="a.csv", content=b"x,y\n1,2\n"),))
        await heard.at_least(1)
    event = heard.bodies[0]["event"]
    assert event["subtype"] == "file_share"
    assert event["files"][0]["mimetype"] == "text/csv"
    assert event["files"][0]["url_private_download"].startswith(f"http://127.0.0.1:{slack.port}/files-pri/")


async def test_own_update_comes_back(
    slack: SlackStandIn, client: AsyncWebClient, connect: Connect, heard: Heard
) -> None:
    """The bot's own post and update come back as message and message_changed events, sent to the app."""
    async with connect():
        posted = await client.chat_postMessage(channel="C00GENERAL", text="one")
        await client.chat_update(channel="C00GENERAL", ts=posted["ts"], text="two", blocks=[])
        await client.chat_delete(channel="C00GENERAL", ts=posted["ts"])
        await slack.wait_for(lambda: len(slack.sent) == 3)
    assert [one.event_type for one in slack.sent] == ["message"] * 3


async def test_edit_and_deletion_by_a_person(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """An edit carries both versions, a deletion the old one."""
    async with connect():
        ts = await slack.speak("ada", "dm", "first")
        slack.edit("ada", "dm", ts, "second")
        slack.delete("ada", "dm", ts)
        await heard.at_least(3)
    events = {body["event"].get("subtype"): body["event"] for body in heard.bodies}
    assert events["message_changed"]["message"]["text"] == "second"
    assert events["message_changed"]["previous_message"]["text"] == "first"
    assert events["message_deleted"]["deleted_ts"] == ts


async def test_unsubscribed_events_are_not_sent(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """Without message.channels a mention is the app_mention alone."""
    slack.set_rules(QUICK.model_copy(update={"events": ("app_mention", "app_home_opened")}))
    async with connect():
        await slack.speak("ada", "general", "@Parley hello")
        await slack.visit("ada", "messages")
        await heard.at_least(2)
    assert {body["event"]["type"] for body in heard.bodies} == {"app_mention", "app_home_opened"}


async def test_no_events_from_channels_without_the_bot(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """The app hears nothing from a channel that the bot left."""
    slack.remove_bot("general")
    async with connect():
        await slack.speak("ada", "general", "@Parley are you there?")
        await slack.speak("ada", "support", "only this")
        await heard.at_least(1)
    assert [body["event"]["channel"] for body in heard.bodies] == ["C00SUPPORT"]


async def test_unacknowledged_event_is_sent_again(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """Without an ack the same event comes up to three times more, with a new envelope and its retry number."""
    heard = Heard()
    slack.set_rules(HASTY)

    async def refuse(req: AsyncBoltRequest) -> BoltResponse:
        await heard.keep({"retry": req.headers["x-slack-retry-num"], "event_id": req.body["event_id"]})
        return BoltResponse(status=500)

    app.middleware(refuse)
    async with connect():
        await slack.speak("ada", "dm", "hello")
        await slack.wait_for(lambda: len(slack.sent) == 4)
        await heard.at_least(4)
    assert [body["retry"] for body in heard.bodies] == [["0"], ["1"], ["2"], ["3"]]
    assert len({body["event_id"] for body in heard.bodies}) == 1
    assert len({one.envelope_id for one in slack.sent}) == 4


async def test_duplicates_on_order(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """An ordered duplicate has the same event_id."""
    slack.duplicate_next_events(1)
    async with connect():
        await slack.speak("ada", "dm", "hello")
        await heard.at_least(2)
    assert heard.bodies[0] == heard.bodies[1]


async def test_lost_on_order(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """An event that Slack has given up never comes, and history knows the message all the same."""
    slack.lose_next_events(2)
    async with connect():
        await slack.speak("ada", "general", "@Parley lost")
        await slack.speak("ada", "dm", "heard")
        await heard.at_least(1)
    assert [body["event"]["text"] for body in heard.bodies] == ["heard"]
    assert [message.text for message in slack.messages("general")] == ["<@U00PARLEY1> lost"]


async def test_one_connection_gets_each_event(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """With two connections each event goes to one of them, and both get some."""
    async with connect(), connect():
        for count in range(12):
            await slack.speak("ada", "dm", "hello")
            await heard.at_least(count + 1)
    assert len(slack.sent) == 12
    assert {one.connection for one in slack.sent} == {1, 2}


async def test_event_waits_for_a_connection(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """An event that happens while nobody is connected arrives when somebody is."""
    await slack.speak("ada", "dm", "hello")
    async with connect():
        await heard.at_least(1)
    assert heard.bodies[0]["event"]["text"] == "hello"


async def test_comes_back_after_a_drop(slack: SlackStandIn, connect: Connect, heard: Heard) -> None:
    """After an abrupt loss the client connects with a fresh address and gets the next event."""
    async with connect(ping_interval=0.1):
        slack.drop_connection()
        await slack.wait_for(lambda: slack.connections == 0)
        await slack.speak("ada", "dm", "still there?")
        await heard.at_least(1)
    assert [call.method for call in slack.calls].count("apps.connections.open") == 2
    assert slack.sent[0].connection == 2


async def test_comes_back_after_a_disconnect_frame(slack: SlackStandIn, connect: Connect) -> None:
    """A disconnect frame makes the client take a new connection."""
    async with connect():
        await slack.disconnect("refresh_requested")
        await slack.wait_for(lambda: slack.connections == 1)
        assert [call.method for call in slack.calls].count("apps.connections.open") == 2


async def test_ticket_is_used_up_by_a_refused_handshake(
    slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """A refused handshake uses the address up: it is refused again although nothing else is wrong."""
    slack.refuse_handshakes(1)
    url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
    statuses: list[int] = []
    for _ in range(2):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
        statuses.append(refused.value.status)
    assert statuses == [503, 404]


async def test_ticket_expires(slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    """An address that is too old is refused."""
    slack.set_rules(QUICK.model_copy(update={"ticket_seconds": -1.0}))
    url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_too_many_connections(
    slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """The eleventh connection is told too_many_websockets and closed; hello counts the others."""
    sockets: list[aiohttp.ClientWebSocketResponse] = []
    for number in range(1, 11):
        url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
        sockets.append(await session.ws_connect(url))
        assert (await sockets[-1].receive_json())["num_connections"] == number
    url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
    eleventh = await session.ws_connect(url)
    assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
    assert (await eleventh.receive()).type is aiohttp.WSMsgType.CLOSE
    for socket in sockets:
        await socket.close()


async def test_pong_repeats_the_ping(
    slack: SlackStandIn, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """A pong has the payload of its ping."""
    url = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
    async with session.ws_connect(url, autoping=False) as socket:
        await socket.receive_json()
        await socket.ping(b"sdk-ping-pong:12.5")
        pong = await socket.receive()
    assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:12.5")


async def test_silence_is_noticed(slack: SlackStandIn, connect: Connect) -> None:
    """When pongs stay away the client gives the connection up and takes another."""
    async with connect(ping_interval=0.2):
        slack.silence()
        await slack.wait_for(lambda: slack.connections == 0)
        slack.silence(False)
        await slack.wait_for(lambda: slack.connections == 1)
