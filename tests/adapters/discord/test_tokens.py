"""Answers to commands: their own message for as long as Discord lets its token live, whatever our clock says."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from bot.domain.deliveries import Address
from bot.errors import Gone
from bot.playground.view import MessageView
from bot.ports import Store
from bot.relay.contract import Outbound
from tests.adapters.discord.conftest import Bench, adapter_of, keeping, opened
from tests.support.reception import RecordingReception

PATCH = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"


async def asked(bench: Bench) -> Address:
    await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})
    return (await bench.reception.messages(1))[-1].event.address


def own(bench: Bench) -> list[MessageView]:
    return [message for message in bench.server.view().messages if message.author == "bot"]


async def test_a_worker_whose_clock_is_an_hour_ahead_writes_into_the_commands_message(sqlite_store: Store) -> None:
    async with opened() as server:
        server.clock.advance(-3_600)
        reception, worker = RecordingReception(), adapter_of(server, sqlite_store)
        async with keeping(server, sqlite_store, reception):
            await server.wait_for(lambda: server.view().commands)
            await server.command("ada", server.channel_id("general"), "ask", {"question": "why?"})
            (inbound,) = await reception.messages(1)
            await server.wait_for(lambda: server.view().messages)
        posted = await worker.post(inbound.event.address, Outbound(text="one"), "k1")
        await worker.edit(inbound.event.address, posted.ref, Outbound(text="one two", final=True))
        await worker.close()
        (answer,) = server.view().messages
        assert (answer.state, "one two" in answer.html) == ("sent", True)


async def test_nothing_of_an_answer_is_written_by_the_gateways_client(sqlite_store: Store) -> None:
    """The gateway process acknowledges and is gone; another one writes."""
    async with opened() as server:
        reception, worker = RecordingReception(), adapter_of(server, sqlite_store)
        async with keeping(server, sqlite_store, reception):
            await server.wait_for(lambda: server.view().commands)
            await server.command("ada", server.channel_id("general"), "ask", {"question": "why?"})
            (inbound,) = await reception.messages(1)
        await worker.post(inbound.event.address, Outbound(text="one"), "k1")
        await worker.close()
        assert [call.method for call in server.calls if "/messages" in call.path] == ["PATCH"]


async def test_a_dead_token_is_tried_once_and_the_answer_goes_to_the_channel(bench: Bench) -> None:
    address = await asked(bench)
    bench.server.clock.advance(bench.server.rules.interaction_life + 1)
    await bench.adapter.post(address, Outbound(text="late"), "k1-0")
    await bench.adapter.post(address, Outbound(text="later"), "k1-1")
    assert [message.html for message in own(bench) if "late" in message.html]
    assert len([call for call in bench.server.calls if call.route == PATCH]) == 1
    assert bench.adapter.terms(address).bucket == f"discord:channel:{bench.channel('general')}"


async def test_a_token_that_dies_under_an_answer_says_that_its_message_is_gone(bench: Bench) -> None:
    """The relay then posts the text anew, as an ordinary message."""
    address = await asked(bench)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1-0")
    bench.server.clock.advance(bench.server.rules.interaction_life + 1)
    with pytest.raises(Gone):
        await bench.adapter.edit(address, posted.ref, Outbound(text="one two"))
    again = await bench.adapter.post(address, Outbound(text="one two"), "k1-1")
    assert again.ref["message"]
    await bench.adapter.edit(address, again.ref, Outbound(text="one two three", final=True))


async def test_this_process_uses_a_token_for_thirteen_and_a_half_minutes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the answer goes on in the channel before Discord says so in the middle of it."""
    address = await asked(bench)
    posted = await bench.adapter.post(address, Outbound(text="one"), "k1-0")
    met = time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: met + 13 * 60)
    monkeypatch.setattr("adapters.discord.tokens.time", clock)
    await bench.adapter.edit(address, posted.ref, Outbound(text="one two"))
    clock.monotonic = lambda: met + 13.5 * 60
    with pytest.raises(Gone):
        await bench.adapter.edit(address, posted.ref, Outbound(text="one two three"))
    again = await bench.adapter.post(address, Outbound(text="one two three"), "k1-1")
    assert again.ref["message"]


async def test_an_answer_that_is_faster_than_the_acknowledgement_waits_for_it(bench: Bench) -> None:
    """Committed, the question may be answered by another process before the gateway has said a word to Discord."""
    bench.server.faults.add("POST /interactions/{interaction_id}/{interaction_token}/callback", "slow", seconds=0.3)
    asking = asyncio.create_task(bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"}))
    (inbound,) = await bench.reception.messages(1)
    posted = await bench.adapter.post(inbound.event.address, Outbound(text="at once", final=True), "k1-0")
    await asking
    assert not posted.ref["message"]
    (answer,) = own(bench)
    assert (answer.state, "at once" in answer.html) == ("sent", True)


async def test_continuations_are_replies_to_the_commands_message(bench: Bench) -> None:
    """So that everybody sees to what they belong, and any process finds them."""
    address = await asked(bench)
    await bench.adapter.post(address, Outbound(text="one"), "k1-0")
    worker = adapter_of(bench.server, bench.store)
    posted = await worker.post(address, Outbound(text="two", continuation=True), "k1-1")
    await worker.close()
    message = bench.server.world.message(posted.ref["message"])
    assert message is not None
    assert message.reply_to is not None
    assert message.reply_to.origin is not None
    assert not bench.server.pings


async def test_a_reply_to_the_commands_message_goes_on_with_its_conversation(bench: Bench) -> None:
    """In a plain channel a command's conversation has no other place."""
    address = await asked(bench)
    posted = await bench.adapter.post(address, Outbound(text="one", final=True), "k1-0")
    (message,) = own(bench)
    assert posted.conversation == f"discord:{bench.server.guild_id}:{bench.channel('general')}:{message.id}"
    bench.reception.join(posted.conversation)
    await bench.server.speak("ben", bench.channel("general"), "and then?", reply_to=message.id)
    (_, followed) = await bench.reception.messages(2)
    assert followed.event.conversation == posted.conversation


async def test_a_command_in_a_thread_has_no_conversation_beside_the_threads(bench: Bench) -> None:
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    (mention,) = await bench.reception.messages(1)
    thread = (await bench.adapter.post(mention.event.address, Outbound(text="hi"), "k1")).ref["channel"]
    await bench.server.command("ada", thread, "ask", {"question": "why?"})
    (_, question) = await bench.reception.messages(2)
    assert question.event.conversation == mention.event.conversation
    assert (await bench.adapter.post(question.event.address, Outbound(text="one"), "k2")).conversation is None
