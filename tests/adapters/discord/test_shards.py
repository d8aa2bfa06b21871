"""Connections by shard: who gets what, and how fast sessions are begun."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from adapters.discord.identifies import Identifies
from adapters.discord.shards import Shard
from bot.errors import OperatorError
from bot.playground.discord import DiscordRules
from bot.ports import Store
from bot.relay.contract import Button, Outbound, RateSignal
from tests.adapters.discord.conftest import adapter_of, keeping, opened
from tests.support.reception import RecordingReception

GATEWAY = "GET /gateway/bot"


async def test_there_is_one_connection_a_shard_that_discord_recommends(sqlite_store: Store) -> None:
    async with opened(DiscordRules(shards=3)) as server:
        adapter = adapter_of(server, sqlite_store)
        names = await adapter.connections()
        await adapter.close()
        assert names == tuple(f"discord:{server.application_id}:shard {index} of 3" for index in range(3))
        assert not server.gateway.identified_at


async def test_the_names_are_waited_for_while_discord_is_away(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.relay.waiting.FIRST_WAIT", 0.01)
    async with opened() as server:
        adapter = adapter_of(server, sqlite_store)
        server.faults.add("GET /users/@me", "503")
        server.faults.add(GATEWAY, "cut_before")
        server.faults.add(GATEWAY, "429_html")
        monkeypatch.setattr("adapters.discord.errors.CLOUDFLARE_PAUSE", 0.01)
        assert len(await adapter.connections()) == 1
        await adapter.close()


async def test_a_token_that_is_refused_when_the_names_are_asked_for_names_its_variable(sqlite_store: Store) -> None:
    async with opened() as server:
        adapter = adapter_of(server, sqlite_store, token="wrong.token.x")
        with pytest.raises(OperatorError, match="DISCORD_TOKEN"):
            await adapter.connections()
        await adapter.close()


@pytest.mark.parametrize("name", ["console", "discord:1", "discord:1:shard 1 of 1", "discord:x:shard 0 of 1"])
def test_a_name_that_is_none_of_discords_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no connection to Discord"):
        Shard.named(name)


async def test_a_connection_keeps_exactly_its_shard(sqlite_store: Store) -> None:
    """Two processes, one shard each: the server's events come to one of them, direct messages to the other."""
    async with opened(DiscordRules(shards=2)) as server, AsyncExitStack() as stack:
        receptions: list[RecordingReception] = []
        for index in range(2):
            adapter, reception = adapter_of(server, sqlite_store), RecordingReception()
            stack.push_async_callback(adapter.close)
            name = (await adapter.connections())[index]
            await stack.enter_async_context(adapter.connected(name, reception))
            receptions.append(reception)
        await server.wait_for(lambda: server.view().commands)
        assert server.gateway.shards == [(0, 2), (1, 2)]
        await server.speak("ada", server.channel_id("general"), "@Parley in the server")
        await server.speak("ben", server.dm_id("ben"), "in private")
        await server.command("ada", server.channel_id("general"), "ask", {"question": "a command in the server"})
        (private,) = await receptions[0].messages(1)
        button = Button(op="stop", run_id="run_1", label="Stop")
        posted = await adapter.post(private.event.address, Outbound(text="one", buttons=(button,)), "k1-0")
        await server.press("ben", server.dm_id("ben"), posted.ref["message"], "run:stop:run_1:k1-0")
        await receptions[0].until(lambda: bool(receptions[0].presses))
        await receptions[1].messages(2)
        assert not receptions[1].presses
        heard = [[inbound.event.text for inbound in reception.inbound] for reception in receptions]
        assert heard == [["in private"], ["in the server", "a command in the server"]]


async def test_one_process_may_keep_all_shards(sqlite_store: Store) -> None:
    async with opened(DiscordRules(shards=3)) as server:
        reception = RecordingReception()
        async with keeping(server, sqlite_store, reception):
            assert server.gateway.shards == [(0, 3), (1, 3), (2, 3)]
            await server.speak("ada", server.channel_id("general"), "@Parley in the server")
            await server.speak("ben", server.dm_id("ben"), "in private")
            await reception.messages(2)
        await server.wait_for(lambda: not server.gateway.connected)


async def test_two_keepers_of_one_shard_get_everything_twice_and_accept_it_once(sqlite_store: Store) -> None:
    """At a deploy the old process may still be there."""
    async with opened() as server:
        reception = RecordingReception()
        async with keeping(server, sqlite_store, reception), keeping(server, sqlite_store, reception):
            assert server.gateway.shards == [(0, 1), (0, 1)]
            await server.speak("ada", server.channel_id("general"), "@Parley hello")
            await reception.until(lambda: len(reception.deliveries) >= 2)
        assert [inbound.event.text for inbound in reception.inbound] == ["hello"]


async def test_commands_are_registered_once_whoever_keeps_the_connections(sqlite_store: Store) -> None:
    async with opened(DiscordRules(shards=2)) as server:
        for _ in range(2):
            reception = RecordingReception()
            async with keeping(server, sqlite_store, reception):
                await server.wait_for(lambda: server.view().commands)
                await server.speak("ben", server.dm_id("ben"), "hello")
                await reception.messages(1)
        assert len([call for call in server.calls if call.method == "PUT" and "/commands" in call.path]) == 1


async def test_limits_are_told_in_a_process_that_was_never_connected(sqlite_store: Store) -> None:
    async with opened() as server:
        told: list[RateSignal] = []
        reception, worker = RecordingReception(), adapter_of(server, sqlite_store)
        worker.on_limits(told.append)
        async with keeping(server, sqlite_store, reception):
            await server.speak("ben", server.dm_id("ben"), "hello")
            (inbound,) = await reception.messages(1)
        await worker.post(inbound.event.address, Outbound(text="one"), "k1")
        await worker.close()
        assert [signal.bucket for signal in told] == [worker.terms(inbound.event.address).bucket]


class TestSessions:
    async def test_shards_of_one_bucket_take_turns(self, sqlite_store: Store) -> None:
        """Discord refuses a session that is begun too soon after another one of its bucket."""
        rules = DiscordRules(shards=3, identify_interval=0.3)
        async with opened(rules) as server:
            adapter = adapter_of(server, sqlite_store, interval=0.8)
            async with AsyncExitStack() as stack:
                contexts = [adapter.connected(name, RecordingReception()) for name in await adapter.connections()]
                await asyncio.gather(*(stack.enter_async_context(context) for context in contexts))
                assert server.gateway.refused_identifies == 0
                assert len(server.gateway.identified_at) == 3
            await adapter.close()

    async def test_shards_of_different_buckets_begin_at_once(self, sqlite_store: Store) -> None:
        rules = DiscordRules(shards=3, identify_interval=30.0, max_concurrency=3)
        async with opened(rules) as server:
            adapter = adapter_of(server, sqlite_store, interval=30.0)
            async with AsyncExitStack() as stack, asyncio.timeout(10):
                for name in await adapter.connections():
                    await stack.enter_async_context(adapter.connected(name, RecordingReception()))
                assert server.gateway.refused_identifies == 0
            await adapter.close()

    async def test_a_refused_session_is_begun_again(self, sqlite_store: Store) -> None:
        """Two processes do not know of each other's turns; Discord says which of them was too fast."""
        async with opened(DiscordRules(shards=2, identify_interval=1.0)) as server, AsyncExitStack() as stack:
            for index in range(2):
                adapter = adapter_of(server, sqlite_store, interval=0.3)
                stack.push_async_callback(adapter.close)
                name = (await adapter.connections())[index]
                await stack.enter_async_context(adapter.connected(name, RecordingReception()))
            assert server.gateway.refused_identifies
            assert server.gateway.shards == [(0, 2), (1, 2)]

    async def test_turns_are_as_far_apart_as_they_have_to_be(self) -> None:
        identifies = Identifies(0.2)
        identifies.max_concurrency = 2
        began = time.monotonic()

        async def turn(shard: int) -> float:
            await identifies.turn(shard)
            return time.monotonic() - began

        taken = await asyncio.gather(*(turn(shard) for shard in range(4)))
        assert min(taken[2:]) >= max(0.2, *taken[:2])
