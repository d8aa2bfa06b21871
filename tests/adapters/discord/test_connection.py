"""Staying connected, and ending: what becomes of events, commands and answers meanwhile."""

import asyncio

import pytest

from bot.domain.deliveries import Address
from bot.errors import Unauthorised, Unreachable
from bot.playground.discord import DiscordRules
from bot.ports import Store
from bot.relay.contract import COMMANDS, Outbound
from tests.adapters.discord.conftest import Bench, adapter_of, connected, keeping, opened
from tests.support.reception import RecordingReception


async def mention(bench: Bench, text: str = "hello") -> Address:
    before = len(bench.reception.inbound)
    await bench.server.speak("ada", bench.channel("general"), f"@Parley {text}")
    return (await bench.reception.messages(before + 1))[-1].event.address


async def test_mentions_arrive_after_the_connection_was_cut(bench: Bench) -> None:
    resumed = bench.server.gateway.resumed
    bench.server.drop_connection()
    await mention(bench, "still there?")
    assert bench.reception.inbound[-1].event.text == "still there?"
    assert bench.server.gateway.resumed == resumed + 1


async def test_a_mention_arrives_after_the_session_was_declared_invalid(bench: Bench) -> None:
    """Op 9 without resuming: a new session begins, and what was said between the two is read from the channel."""
    begun = len(bench.server.gateway.identified_at)
    bench.server.gateway.invalidate(resumable=False)
    await mention(bench, "new session?")
    assert bench.reception.inbound[-1].event.text == "new session?"
    await bench.server.wait_for(lambda: len(bench.server.gateway.identified_at) > begun)


async def test_a_dispatch_that_cannot_be_parsed_costs_one_client_and_no_more(bench: Bench) -> None:
    """discord.py ends with any error then. A new client takes its place and reads what was lost."""
    bench.server.faults.add("MESSAGE_CREATE", "malformed")
    begun = len(bench.server.gateway.identified_at)
    await bench.server.speak("ada", bench.channel("general"), "@Parley lost in transit")
    await bench.server.wait_for(lambda: len(bench.server.gateway.identified_at) > begun and bench.server.calls)
    await bench.server.wait_for(lambda: bench.server.gateway.connected)
    await bench.server.speak("ada", bench.channel("general"), "@Parley and again")
    await bench.reception.messages(2)
    assert {inbound.event.text for inbound in bench.reception.inbound} == {"lost in transit", "and again"}


async def test_an_answer_is_written_on_while_the_client_is_replaced(bench: Bench) -> None:
    address = await mention(bench)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1")
    bench.server.faults.add("MESSAGE_CREATE", "malformed")
    await bench.server.speak("ada", bench.channel("general"), "@Parley lost in transit")
    await bench.server.wait_for(lambda: not bench.server.gateway.connected)
    await bench.adapter.edit(address, posted.ref, Outbound(text="one two", final=True))
    assert any("one two" in message.html for message in bench.server.view().messages)


async def test_without_the_message_content_intent_mentions_work_and_follow_ups_do_not(sqlite_store: Store) -> None:
    """Discord closes the first session; the adapter goes on with fewer intents instead of giving up."""
    async with connected(sqlite_store, DiscordRules(message_content=False)) as bench:
        posted = await bench.adapter.post(await mention(bench), Outbound(text="hi"), "k1")
        await bench.server.speak("ada", posted.ref["channel"], "said past us")
        await bench.server.speak("ada", posted.ref["channel"], "@Parley said to us")
        await bench.reception.messages(2)
    assert [inbound.event.text for inbound in bench.reception.deliveries] == ["hello", "said to us"]


async def test_leaving_finishes_what_is_in_work(sqlite_store: Store) -> None:
    """Nothing is delivered twice: a message that has arrived is accepted before the client goes."""
    async with opened() as server:
        reception = RecordingReception()
        reception.open.clear()
        left = asyncio.Event()

        async def run() -> None:
            async with keeping(server, sqlite_store, reception):
                await reception.entered.wait()
                left.set()

        running = asyncio.create_task(run())
        await server.wait_for(lambda: server.gateway.connected)
        await server.speak("ada", server.channel_id("general"), "@Parley in the last second")
        await left.wait()
        await server.wait_for(lambda: not server.gateway.connected)
        reception.open.set()
        await running
    assert [inbound.event.text for inbound in reception.inbound] == ["in the last second"]


class TestWithoutAGateway:
    async def test_a_worker_writes(self, sqlite_store: Store) -> None:
        async with opened() as server:
            channel = server.channel_id("general")
            adapter = adapter_of(server, sqlite_store)
            await adapter.post(Address(platform="discord", place={"channel": channel}), Outbound(text="hi"), "k1")
            await adapter.close()
            assert [message.channel for message in server.view().messages] == [channel]
            assert not server.gateway.identified_at

    async def test_trouble_with_the_login_is_the_platforms_not_ours(self, sqlite_store: Store) -> None:
        """Nothing but platform errors comes out of writing, and the next attempt may succeed."""
        async with opened() as server:
            address = Address(platform="discord", place={"channel": server.channel_id("general")})
            wrong = adapter_of(server, sqlite_store, token="wrong.token.x")
            with pytest.raises(Unauthorised, match="DISCORD_TOKEN"):
                await wrong.post(address, Outbound(text="hi"), "k1")
            adapter = adapter_of(server, sqlite_store)
            server.faults.add("GET /users/@me", "503")
            with pytest.raises(Unreachable):
                await adapter.post(address, Outbound(text="hi"), "k1")
            await adapter.post(address, Outbound(text="hi"), "k1")
            await adapter.close()


async def test_the_commands_are_those_of_the_contract(bench: Bench) -> None:
    registered = {command.name: command.description for command in bench.server.view().commands}
    assert registered == {"ask": "Ask the assistant", **COMMANDS}
