"""The gateway's own rules, over a plain WebSocket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.playground.discord import DiscordRules, DiscordStandIn
from tests.playground.discord.client import soon
from tests.playground.discord.conftest import Open

Socket = aiohttp.ClientWebSocketResponse
LEAST = 1 << 0 | 1 << 9


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def socket(discord: DiscordStandIn, session: aiohttp.ClientSession) -> AsyncIterator[Socket]:
    """A connection after HELLO, in plain text frames."""
    async with session.ws_connect(f"{discord.gateway_url}?v=10&encoding=json") as opened:
        assert (await received(opened))["op"] == 10
        yield opened


async def received(socket: Socket) -> dict[str, Any]:
    return json.loads((await soon(socket.receive())).data)


async def identify(socket: Socket, token: str, intents: int = LEAST) -> None:
    await socket.send_json({"op": 2, "d": {"token": token, "intents": intents, "properties": {}}})


async def closed_with(socket: Socket) -> int | None:
    message = await soon(socket.receive())
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    return socket.close_code


async def test_heartbeat_before_identify_is_acknowledged(socket: Socket) -> None:
    """The first heartbeat may come before IDENTIFY."""
    await socket.send_json({"op": 1, "d": None})
    assert (await received(socket))["op"] == 11


async def test_silent_heartbeats_get_no_ack(discord: DiscordStandIn, socket: Socket) -> None:
    """Planned silence swallows one ACK."""
    discord.gateway.silent_heartbeats = 1
    await socket.send_json({"op": 1, "d": None})
    await identify(socket, discord.token)
    assert (await received(socket))["t"] == "READY"


async def test_ready_then_the_server_with_numbers(discord: DiscordStandIn, socket: Socket) -> None:
    """READY names the unavailable server and where to resume; GUILD_CREATE brings it with only the bot as member."""
    await identify(socket, discord.token)
    ready, created = await received(socket), await received(socket)
    assert (ready["s"], created["s"]) == (1, 2)
    assert ready["d"]["guilds"] == [{"id": discord.guild_id, "unavailable": True}]
    assert ready["d"]["resume_gateway_url"] == discord.gateway_url
    assert [member["user"]["id"] for member in created["d"]["members"]] == [discord.application_id]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 2, "d": {"token": "wrong", "intents": LEAST}}, 4004),
        ({"op": 2, "d": {"token": None, "intents": 1 << 40}}, 4013),
        ({"op": 2, "d": {"token": None, "intents": 1 << 8}}, 4014),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 1}}, 4004),
        ("nonsense", 4002),
    ],
)
async def test_what_is_not_allowed_closes_with_its_code(
    discord: DiscordStandIn, socket: Socket, frame: dict[str, Any] | str, code: int
) -> None:
    """Wrong token, unknown or ungranted intents, anything before IDENTIFY, and what is no frame."""
    if isinstance(frame, dict) and frame["d"].get("token", "") is None:
        frame["d"]["token"] = discord.token
    await socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))
    assert await closed_with(socket) == code


@pytest.mark.parametrize(("op", "code"), [(2, 4005), (99, 4001)])
async def test_after_identify_other_frames_close(discord: DiscordStandIn, socket: Socket, op: int, code: int) -> None:
    """A second IDENTIFY is 4005, an unknown op 4001."""
    await identify(socket, discord.token)
    await received(socket), await received(socket)
    await socket.send_json({"op": op, "d": {"token": discord.token, "intents": LEAST}})
    assert await closed_with(socket) == code


async def test_too_many_frames_close_with_4008(opened: Open, session: aiohttp.ClientSession) -> None:
    """More frames in a minute than allowed end the connection."""
    rules = DiscordRules(frames_per_minute=3)
    async with opened(rules) as discord, session.ws_connect(discord.gateway_url) as socket:
        for _ in range(4):
            await socket.send_json({"op": 1, "d": None})
        while (message := await soon(socket.receive())).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 4008)


async def test_too_many_sessions_a_day_are_refused(opened: Open, session: aiohttp.ClientSession) -> None:
    """Beyond the daily number, IDENTIFY is answered with 4004, and /gateway/bot said so."""
    async with opened(DiscordRules(identifies_per_day=1)) as discord:
        for expected in (None, 4004):
            async with session.ws_connect(discord.gateway_url) as socket:
                await received(socket)
                await identify(socket, discord.token)
                if expected:
                    assert await closed_with(socket) == expected
                else:
                    assert (await received(socket))["t"] == "READY"
        headers = {"Authorization": f"Bot {discord.token}"}
        answer = await session.get(f"{discord.api_url}/gateway/bot", headers=headers)
        assert (await answer.json())["session_start_limit"]["remaining"] == 0


async def test_events_follow_the_intents(discord: DiscordStandIn, socket: Socket) -> None:
    """Without the intent for direct messages there are none."""
    await identify(socket, discord.token)
    await received(socket), await received(socket)
    await discord.speak("ada", discord.dm_id("ada"), "private")
    await discord.speak("ada", discord.channel_id("general"), "@Parley public")
    event = await received(socket)
    assert (event["t"], event["d"]["content"]) == ("MESSAGE_CREATE", f"<@{discord.application_id}> public")


async def test_a_clean_goodbye_ends_the_session(discord: DiscordStandIn, session: aiohttp.ClientSession) -> None:
    """After a close with 1000 the session cannot be resumed; after 4000 it can, and everything missed is replayed."""
    for code, expected in ((4000, ["MESSAGE_CREATE", "RESUMED"]), (1000, [None])):
        async with session.ws_connect(discord.gateway_url) as socket:
            await received(socket)
            await identify(socket, discord.token)
            ready = await received(socket)
            await socket.close(code=code)
        await discord.wait_for(lambda: not discord.view().bot_connected)
        await discord.speak("ada", discord.channel_id("general"), "missed")
        async with session.ws_connect(ready["d"]["resume_gateway_url"]) as socket:
            await received(socket)
            session_id = ready["d"]["session_id"]
            await socket.send_json({"op": 6, "d": {"token": discord.token, "session_id": session_id, "seq": 2}})
            frames = [await received(socket) for _ in expected]
            assert [frame["t"] for frame in frames] == expected
            assert [frame["op"] for frame in frames] == ([0, 0] if code == 4000 else [9])
            await socket.close(code=1000)
        await discord.wait_for(lambda: not discord.view().bot_connected)
