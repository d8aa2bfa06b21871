"""Shards at the stand-in: who gets which events, and how fast sessions may be begun."""

import json
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bot.playground.discord import DiscordRules, DiscordStandIn
from tests.playground.discord.client import soon
from tests.playground.discord.conftest import Open

INTENTS = 1 << 0 | 1 << 9 | 1 << 12
Socket = aiohttp.ClientWebSocketResponse


async def received(socket: Socket) -> dict[str, Any]:
    return json.loads((await soon(socket.receive())).data)


async def dispatched(socket: Socket) -> list[str]:
    """Names of the events up to an acknowledged heartbeat."""
    await socket.send_json({"op": 1, "d": None})
    names: list[str] = []
    while (frame := await received(socket))["op"] != 11:
        names.append(frame["t"] or f"op {frame['op']}")
    return names


async def begun(stack: AsyncExitStack, discord: DiscordStandIn, shard: list[int] | None) -> Socket:
    """A connection that has identified itself."""
    session = await stack.enter_async_context(aiohttp.ClientSession())
    socket = await stack.enter_async_context(session.ws_connect(f"{discord.gateway_url}?v=10&encoding=json"))
    await received(socket)
    data: dict[str, Any] = {"token": discord.token, "intents": INTENTS, "properties": {}}
    await socket.send_json({"op": 2, "d": data if shard is None else data | {"shard": shard}})
    return socket


async def test_the_number_of_shards_and_buckets_is_a_setting(opened: Open) -> None:
    async with opened(DiscordRules(shards=4, max_concurrency=2)) as discord, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {discord.token}"}
        answer = await (await session.get(f"{discord.api_url}/gateway/bot", headers=headers)).json()
        assert (answer["shards"], answer["session_start_limit"]["max_concurrency"]) == (4, 2)


async def test_the_server_belongs_to_the_shard_that_its_id_says_and_direct_messages_to_the_first(opened: Open) -> None:
    async with opened(DiscordRules.lax().model_copy(update={"shards": 3})) as discord, AsyncExitStack() as stack:
        sockets = [await begun(stack, discord, [index, 3]) for index in range(3)]
        assert [await dispatched(socket) for socket in sockets] == [["READY"], ["READY"], ["READY", "GUILD_CREATE"]]
        assert (int(discord.guild_id) >> 22) % 3 == 2
        await discord.speak("ada", discord.channel_id("general"), "public")
        await discord.speak("ada", discord.dm_id("ada"), "private")
        assert [await dispatched(socket) for socket in sockets] == [["MESSAGE_CREATE"], [], ["MESSAGE_CREATE"]]


async def test_two_sessions_of_one_shard_both_get_everything(discord: DiscordStandIn) -> None:
    async with AsyncExitStack() as stack:
        sockets = [await begun(stack, discord, [0, 1]), await begun(stack, discord, None)]
        assert [await dispatched(socket) for socket in sockets] == [["READY", "GUILD_CREATE"]] * 2
        await discord.speak("ada", discord.channel_id("general"), "public")
        assert [await dispatched(socket) for socket in sockets] == [["MESSAGE_CREATE"]] * 2


@pytest.mark.parametrize("shard", [[1, 1], [-1, 2], [0], ["0", "1"], [0, 1, 2]])
async def test_a_shard_that_cannot_be_closes_with_4010(discord: DiscordStandIn, shard: list[Any]) -> None:
    async with AsyncExitStack() as stack:
        socket = await begun(stack, discord, shard)
        message = await soon(socket.receive())
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 4010)


async def test_sessions_of_one_bucket_that_come_too_fast_are_invalid(opened: Open) -> None:
    """Of two buckets each is counted on its own; what was refused does not count."""
    rules = DiscordRules(shards=4, max_concurrency=2, identify_interval=5.0)
    async with opened(rules) as discord, AsyncExitStack() as stack:
        answers = [(await dispatched(await begun(stack, discord, [index, 4])))[0] for index in range(4)]
        assert answers == ["READY", "READY", "op 9", "op 9"]
        discord.clock.advance(5.0)
        assert (await dispatched(await begun(stack, discord, [2, 4])))[0] == "READY"
