"""Three seconds for the first answer: committed first and then acknowledged, or not accepted, which is said."""

import asyncio
import time

import pytest

from adapters.discord import deadlines
from bot.playground.discord import DiscordRules
from bot.playground.view import MessageView, NotPossible
from bot.ports import Store
from bot.relay.contract import Inbound, Outbound, Verdict
from bot.unbroken import unbroken
from tests.adapters.discord.conftest import Bench, connected, keeping, opened
from tests.support.reception import RecordingReception

CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
ORIGINAL = "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original"


class Stubborn(RecordingReception):
    """A store that ends its transaction although nobody waits for it any more."""

    async def receive(self, inbound: Inbound) -> Verdict:
        """Record a message, whatever happens."""
        return await unbroken(super().receive(inbound))


async def ask(bench: Bench) -> str:
    return await bench.server.command("ada", bench.channel("general"), "ask", {"question": "why?"})


def own(bench: Bench) -> list[MessageView]:
    return [message for message in bench.server.view().messages if message.author == "bot"]


async def test_nothing_is_asked_of_discord_before_the_question_is_committed(bench: Bench) -> None:
    """The acknowledgement is the first request, and it comes after the commit."""
    before = len(bench.server.calls)
    bench.reception.open.clear()
    asking = asyncio.create_task(ask(bench))
    await bench.reception.entered.wait()
    assert len(bench.server.calls) == before
    bench.reception.open.set()
    await asking
    assert [call.route for call in bench.server.calls[before:]] == [CALLBACK]
    assert bench.reception.inbound


async def test_a_question_that_takes_the_store_too_long_is_not_accepted_and_that_is_said(bench: Bench) -> None:
    """Within Discord's three seconds, to the person alone; what was begun is rolled back."""
    bench.reception.open.clear()
    began = time.monotonic()
    said = await ask(bench)
    assert deadlines.ACCEPT_WITHIN - 0.1 <= time.monotonic() - began < 3
    assert "will not be answered" in said
    assert [message.only_for for message in own(bench)] == ["ada"]
    bench.reception.open.set()
    await bench.reception.until(lambda: bool(bench.reception.deletions))
    assert not bench.reception.inbound


async def test_what_was_committed_after_all_is_withdrawn(sqlite_store: Store) -> None:
    """The person was told to try again: it must not be answered as well."""
    async with opened() as server:
        reception = Stubborn()
        async with keeping(server, sqlite_store, reception):
            await server.wait_for(lambda: server.view().commands)
            reception.open.clear()
            said = await server.command("ada", server.channel_id("general"), "ask", {"question": "why?"})
            assert "will not be answered" in said
            reception.open.set()
            await reception.until(lambda: bool(reception.deletions))
        (committed,) = reception.inbound
        assert reception.deletions[0].keys == (committed.event.known_as,)


async def test_a_withdrawal_waits_for_the_database(bench: Bench) -> None:
    bench.reception.open.clear()
    await ask(bench)
    bench.reception.unavailable = 1
    bench.reception.open.set()
    await bench.reception.until(lambda: bool(bench.reception.deletions))


async def test_what_another_process_has_answered_is_not_withdrawn(bench: Bench) -> None:
    """Two sessions get everything at a deploy: the one with the slow database leaves it to the other."""
    bench.reception.open.clear()
    asking = asyncio.create_task(ask(bench))
    await bench.reception.entered.wait()
    interactions = bench.server._interactions  # what another process would do, without one
    (interaction,) = interactions._by_id.values()
    interaction.first = 5
    refused = bench.server.wait_for(lambda: [call for call in bench.server.calls if call.status == 400])
    (call,) = await refused
    assert call.route == CALLBACK
    interaction.answered.set()
    await asking
    bench.reception.open.set()
    await bench.server.speak("ada", bench.channel("general"), "@Parley next")
    await bench.reception.messages(1)
    assert not bench.reception.deletions


async def test_a_question_that_could_not_be_stored_is_refused_to_the_person_alone(bench: Bench) -> None:
    bench.reception.unavailable = 1
    assert "nothing was stored" in await ask(bench)
    assert not bench.reception.inbound


async def test_a_command_that_takes_long_is_answered_later(bench: Bench) -> None:
    bench.reception.open.clear()
    bench.reception.reply = "Stopped."
    await bench.server.command("ada", bench.channel("general"), "stop", {})
    bench.reception.open.set()
    (note,) = await bench.server.wait_for(lambda: [m for m in bench.server.view().messages if "Stopped" in m.html])
    assert note.only_for == "ada"


async def test_a_command_without_a_store_is_refused(bench: Bench) -> None:
    bench.reception.unavailable = 1
    said = await bench.server.command("ada", bench.channel("general"), "new", {})
    assert "could not be done" in said


@pytest.mark.parametrize("kind", ["10062", "cut_after"])
async def test_an_acknowledgement_that_took_effect_although_it_failed_is_found(bench: Bench, kind: str) -> None:
    """@original is looked at; the note then replaces "is thinking…" instead of being refused as a second answer."""
    bench.reception.open.clear()
    bench.reception.reply = "A fresh start."
    bench.server.faults.add(CALLBACK, kind, after=True)  # type: ignore[arg-type]
    await bench.server.command("ada", bench.channel("general"), "new", {})
    await bench.server.wait_for(lambda: [call for call in bench.server.calls if call.route == ORIGINAL])
    bench.reception.open.set()
    (note,) = await bench.server.wait_for(lambda: [m for m in own(bench) if "A fresh start" in m.html])
    assert (note.only_for, note.state) == ("ada", "sent")


async def test_a_false_unknown_interaction_is_answered_in_its_own_message(bench: Bench) -> None:
    bench.server.faults.add(CALLBACK, "10062", after=True)
    await ask(bench)
    (inbound,) = await bench.reception.messages(1)
    await bench.adapter.post(inbound.event.address, Outbound(text="because", final=True), "k1-0")
    (answer,) = own(bench)
    assert "because" in answer.html
    assert not [call for call in bench.server.calls if call.route == "POST /channels/{channel_id}/messages"]


async def test_a_truly_unknown_interaction_is_answered_in_the_channel(sqlite_store: Store) -> None:
    """Discord did not take the acknowledgement: the person was told so, and the answer comes as a message."""
    rules = DiscordRules(interaction_deadline=0.2)
    async with connected(sqlite_store, rules) as bench:
        bench.server.faults.add(CALLBACK, "slow", seconds=0.4)
        with pytest.raises(NotPossible, match="did not respond"):
            await ask(bench)
        (inbound,) = await bench.reception.messages(1)
        posted = await bench.adapter.post(inbound.event.address, Outbound(text="because", final=True), "k1-0")
        assert posted.ref["message"]
        (answer,) = own(bench)
        assert "because" in answer.html
