"""What was said while nobody listened: read once, by whoever keeps the shard next."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.discord import catch_up
from bot.domain.deliveries import Event
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.ports import Store
from bot.relay.contract import Outbound, Verdict
from tests.adapters.discord.conftest import Bench, adapter_of, connected, keeping, opened
from tests.support.reception import AwayWhileReading, RecordingReception

HISTORY = "GET /channels/{channel_id}/messages"


def texts(reception: RecordingReception) -> list[str]:
    return [inbound.event.text for inbound in reception.inbound]


async def mark_of(store: Store, server: DiscordStandIn, shard: str = "0 of 1") -> int:
    return int(await store.notes.read(f"discord seen {server.application_id} {shard}") or 0)


async def life(
    server: DiscordStandIn, store: Store, reception: RecordingReception, missed: int, live: str
) -> list[str]:
    """Keep the connection once: wait for so many missed messages, then let Ben say something.

    Returns all that was delivered, accepted or not.
    """
    heard, before = len(reception.inbound), len(reception.deliveries)
    async with keeping(server, store, reception):
        await reception.messages(heard + missed)
        await server.speak("ben", server.dm_id("ben"), live)
        await reception.messages(heard + missed + 1)
    assert reception.inbound[-1].event.text == live
    return [inbound.event.text for inbound in reception.deliveries[before:]]


async def test_what_was_said_meanwhile_is_received_once_and_nothing_older(sqlite_store: Store) -> None:
    """A mention in a channel and a direct message, after the next start and not after the one that follows."""
    async with opened() as server:
        reception = RecordingReception()
        general, dm = server.channel_id("general"), server.dm_id("ben")
        await server.speak("ada", general, "@Parley before the first start")
        assert set(await life(server, sqlite_store, reception, 0, "live 0")) == {"live 0"}
        await server.speak("ada", general, "said past the bot")
        await server.speak("ada", general, "@Parley one")
        await server.speak("ben", dm, "two")
        second = await life(server, sqlite_store, reception, 2, "live 1")
        assert (set(second), second.count("one"), second.count("two")) == ({"one", "two", "live 1"}, 1, 1)
        assert set(await life(server, sqlite_store, reception, 0, "live 2")) == {"live 2"}


async def test_a_direct_message_is_read_although_discord_tells_of_none(sqlite_store: Store) -> None:
    """The database knows with whom there is a conversation; somebody who never wrote is not asked for."""
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        await server.speak("ben", server.dm_id("ben"), "meanwhile")
        async with keeping(server, sqlite_store, reception):
            await reception.messages(2)
        assert texts(reception) == ["first", "meanwhile"]
        read = [call.path for call in server.calls if call.route == HISTORY]
        assert set(read) == {f"/channels/{server.dm_id('ben')}/messages"}


async def test_questions_in_channels_push_no_direct_message_and_no_thread_out(sqlite_store: Store) -> None:
    """`/ask` leaves conversations behind in whose place nothing can be read, and as many as anybody likes."""
    async with connected(sqlite_store) as bench:
        server, reception, general = bench.server, bench.reception, bench.channel("general")
        await server.speak("ben", bench.dm("ben"), "hello")
        (asked,) = await reception.messages(1)
        await server.speak("ada", general, "@Parley hello")
        thread = (
            await bench.adapter.post((await reception.messages(2))[1].event.address, Outbound(text="hi"), "k1")
        ).ref
        for number in range(3):
            await server.command("ada", general, "ask", {"question": f"{number}?"})
        await reception.messages(5)
        reception.share = 1
        server.gateway.close(4000)
        server.gateway.expire()
        await server.speak("ada", "", "more in the thread", thread=thread["channel"])
        server.deeds.archive(thread["channel"])
        await server.speak("ben", bench.dm("ben"), "more in private")
        await reception.messages(7)
    assert sorted(texts(reception)[5:]) == ["more in private", "more in the thread"]
    assert asked.event.conversation == f"discord:dm:{bench.dm('ben')}"


async def test_a_thread_that_was_archived_meanwhile_is_read(sqlite_store: Store) -> None:
    """GUILD_CREATE does not list it, so nobody tells that something was said there."""
    async with connected(sqlite_store) as bench:
        await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
        (first,) = await bench.reception.messages(1)
        posted = await bench.adapter.post(first.event.address, Outbound(text="hi"), "k1")
        server, reception, thread = bench.server, bench.reception, posted.ref["channel"]
        bench.server.gateway.close(4000)
        bench.server.gateway.expire()
        await server.speak("ada", "", "one more question", thread=thread)
        server.deeds.archive(thread)
        await reception.messages(2)
    assert texts(reception) == ["hello", "one more question"]
    assert reception.inbound[1].event.conversation == reception.inbound[0].event.conversation


async def test_messages_inside_a_lost_session_are_read(bench: Bench) -> None:
    """Op 9 without resuming: what was said until the next session began comes in no session."""
    bench.reception.open.clear()
    bench.server.gateway.invalidate(resumable=False)
    await bench.server.speak("ada", bench.channel("general"), "@Parley in between")
    bench.reception.open.set()
    await bench.reception.messages(1)
    await bench.server.wait_for(lambda: bench.server.gateway.connected)
    await bench.server.speak("ada", bench.channel("general"), "@Parley afterwards")
    await bench.reception.messages(2)
    assert texts(bench.reception) == ["in between", "afterwards"]


async def test_a_session_that_was_resumed_reads_nothing(bench: Bench) -> None:
    """Discord replays what was missed, and the mark has never stood still."""
    resumed, before = bench.server.gateway.resumed, len(bench.server.calls)
    bench.server.drop_connection()
    await bench.server.speak("ada", bench.channel("general"), "@Parley hello")
    await bench.reception.messages(1)
    assert bench.server.gateway.resumed == resumed + 1
    assert not [call for call in bench.server.calls[before:] if call.route == HISTORY]


async def test_two_shards_catch_up_each_on_its_own(sqlite_store: Store) -> None:
    """The server belongs to the last shard, direct messages to the first."""
    async with opened(DiscordRules(shards=2)) as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        await server.speak("ada", server.channel_id("general"), "@Parley in the server")
        await server.speak("ben", server.dm_id("ben"), "in private")
        second = await life(server, sqlite_store, reception, 2, "live")
        assert sorted(second) == ["in private", "in the server", "live"]
        async with keeping(server, sqlite_store, reception):
            await server.speak("ada", server.channel_id("general"), "@Parley last")
            await reception.messages(len(reception.inbound) + 1)
        assert await mark_of(sqlite_store, server, "0 of 2") < await mark_of(sqlite_store, server, "1 of 2")


async def test_another_number_of_shards_goes_on_from_the_old_marks(sqlite_store: Store) -> None:
    """Messages then come through other shards than before, and nobody had missed them there."""
    async with opened(DiscordRules(shards=2)) as server:
        reception = RecordingReception()
        name = f"discord seen {server.application_id}"
        await sqlite_store.notes.write(name, server.application_id)  # as it was written before there were shards
        await server.speak("ada", server.channel_id("general"), "@Parley meanwhile")
        await life(server, sqlite_store, reception, 1, "live")
        adapter = adapter_of(server, sqlite_store)
        await server.speak("ada", server.channel_id("general"), "@Parley later")
        async with adapter.connected(f"discord:{server.application_id}:shard 0 of 1", reception):
            await reception.messages(3)
        await adapter.close()
        assert texts(reception) == ["meanwhile", "live", "later"]


async def test_a_keeper_that_is_cancelled_leaves_its_mark(sqlite_store: Store) -> None:
    """However often: a process that is told to end may be told again."""
    async with opened() as server:
        reception, adapter = RecordingReception(), adapter_of(server, sqlite_store)
        (name,) = await adapter.connections()
        kept = asyncio.Event()

        async def keep() -> None:
            async with adapter.connected(name, reception):
                kept.set()
                await asyncio.Event().wait()

        keeper = asyncio.create_task(keep())
        await kept.wait()
        sent = await server.speak("ben", server.dm_id("ben"), "hello")
        await reception.messages(1)
        while not keeper.done():
            keeper.cancel()
            await asyncio.sleep(0)
        assert keeper.cancelled()
        await adapter.close()
        assert await mark_of(sqlite_store, server) == int(sent)


async def test_what_was_not_accepted_before_the_keeper_had_to_go_is_read_by_the_next(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mark stays before a message of which nobody knows what became, whatever was heard after that."""
    monkeypatch.setattr("adapters.discord.connection.GOODBYE", 0.05)
    async with opened() as server:
        stuck, reception = RecordingReception(), RecordingReception()
        async with keeping(server, sqlite_store, stuck):
            stuck.open.clear()
            await server.speak("ada", server.channel_id("general"), "@Parley hello")
            await stuck.entered.wait()
        assert not stuck.deliveries
        async with keeping(server, sqlite_store, reception):
            await reception.messages(1)
        assert texts(reception) == ["hello"]


async def test_a_mark_never_goes_back(sqlite_store: Store) -> None:
    """A keeper that was frozen writes what it knew then; somebody else got further meanwhile."""
    async with opened() as server:
        reception = RecordingReception()
        async with keeping(server, sqlite_store, reception):
            await server.speak("ben", server.dm_id("ben"), "hello")
            await reception.messages(1)
            further = 1 << 62
            await sqlite_store.notes.write(f"discord seen {server.application_id} 0 of 1", str(further))
        assert await mark_of(sqlite_store, server) == further


async def test_reading_is_tried_again_until_discord_and_the_store_answer(sqlite_store: Store) -> None:
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        await server.speak("ben", server.dm_id("ben"), "meanwhile")
        server.faults.add(HISTORY, "503")
        reception.unavailable = 2
        async with keeping(server, sqlite_store, reception):
            await reception.messages(2)
        assert texts(reception) == ["first", "meanwhile"]
        assert not [message for message in server.view().messages if message.author == "bot"], "nobody was told of it"


async def test_a_message_that_was_read_while_the_store_was_away_is_read_again(sqlite_store: Store) -> None:
    """Neither the mark nor what was read to in its channel passes it."""
    async with opened() as server:
        reception = AwayWhileReading()
        await life(server, sqlite_store, reception, 0, "first")
        await said(server, ("one", "two"))
        reception.away = True
        reception.deliveries.clear()
        async with keeping(server, sqlite_store, reception):
            await reception.messages(3)
        assert texts(reception) == ["first", "one", "two"]
        assert [inbound.event.text for inbound in reception.deliveries] == ["one", "one", "two"]


async def test_live_conversations_are_read_before_a_pause_and_the_rest_after_it(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for an answer comes before a busy channel; nothing is given up, and the mark waits for it all."""
    monkeypatch.setattr(catch_up, "_MESSAGES", 1)
    monkeypatch.setattr("adapters.discord.connection.GOODBYE", 0.05)
    pauses = paused(monkeypatch)
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        for number in range(3):
            await server.speak("ada", server.channel_id("general"), f"@Parley {number}")
        await server.speak("ben", server.dm_id("ben"), "meanwhile")
        before = await mark_of(sqlite_store, server)
        async with keeping(server, sqlite_store, reception):
            await reception.messages(2)
            await asyncio.wait_for(pauses.begun.wait(), 10)
            await server.speak("ben", server.dm_id("ben"), "live")
            await reception.messages(3)
        assert await mark_of(sqlite_store, server) == before, "what is unread is read after the next start"
        pauses.over.set()
        async with keeping(server, sqlite_store, reception):
            await reception.messages(6)
        assert texts(reception) == ["first", "meanwhile", "live", "0", "1", "2"]


async def test_a_noisy_channel_keeps_nobody_from_being_read(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said past us counts as a request, a page of each channel at a time, and not as a message for us."""
    monkeypatch.setattr(catch_up, "_PAGE", 2)
    monkeypatch.setattr(catch_up, "_MESSAGES", 2)
    monkeypatch.setattr(catch_up, "_PAUSE", 3600.0)
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        general, support = server.channel_id("general"), server.channel_id("support")
        for number in range(9):
            await server.speak("ada", general, f"said past the bot {number}")
        await server.speak("ada", general, "@Parley at the end")
        await server.speak("ben", support, "@Parley elsewhere")
        async with keeping(server, sqlite_store, reception):
            await reception.messages(3)
        assert texts(reception) == ["first", "elsewhere", "at the end"]


async def test_reading_goes_on_after_so_many_requests(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where it stopped: no page is read twice."""
    monkeypatch.setattr(catch_up, "_PAGE", 2)
    monkeypatch.setattr(catch_up, "_REQUESTS", 2)
    monkeypatch.setattr(catch_up, "_PAUSE", 0.01)
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        for number in range(7):
            await server.speak("ada", server.channel_id("general"), f"said past the bot {number}")
        last = await server.speak("ada", server.channel_id("general"), "@Parley at the end")
        before = len(server.calls)
        async with keeping(server, sqlite_store, reception):
            await reception.messages(2)
            await reached(sqlite_store, server, int(last))
        read = [
            call for call in server.calls[before:] if call.route == HISTORY and server.dm_id("ben") not in call.path
        ]
        assert len(read) in (4, 5), "eight messages, two a page"


async def test_a_session_that_begins_while_another_is_caught_up_misses_nothing(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one reads what the old one had not read yet, and what was said between the two."""
    monkeypatch.setattr(catch_up, "_MESSAGES", 1)
    pauses = paused(monkeypatch)
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        await server.speak("ben", server.dm_id("ben"), "one")
        await server.speak("ada", server.channel_id("general"), "@Parley two")
        async with keeping(server, sqlite_store, reception):
            await asyncio.wait_for(pauses.begun.wait(), 10)
            sessions = len(server.gateway.identified_at)
            server.gateway.invalidate(resumable=False)
            await server.speak("ada", server.channel_id("support"), "@Parley three")
            await server.wait_for(lambda: len(server.gateway.identified_at) > sessions and server.gateway.connected)
            await server.speak("ben", server.dm_id("ben"), "live")
            await reception.until(lambda: "live" in texts(reception))
            pauses.over.set()
            await reception.messages(5)
        assert sorted(texts(reception)) == ["first", "live", "one", "three", "two"]


async def test_who_asked_a_day_ago_does_not_wait_any_more(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as server:
        reception = RecordingReception()
        await life(server, sqlite_store, reception, 0, "first")
        await server.speak("ben", server.dm_id("ben"), "too long ago")
        monkeypatch.setattr(catch_up, "_OLDEST", timedelta(days=-1))
        assert set(await life(server, sqlite_store, reception, 0, "live")) == {"live"}


@dataclass(frozen=True)
class Pauses:
    begun: asyncio.Event
    over: asyncio.Event


def paused(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Let reading stop at its pauses until the test lets it go on."""
    pauses = Pauses(asyncio.Event(), asyncio.Event())

    async def pause(_seconds: float) -> None:
        pauses.begun.set()
        await pauses.over.wait()

    monkeypatch.setattr(catch_up, "sleep", pause)
    return pauses


async def reached(store: Store, server: DiscordStandIn, message: int) -> None:
    async with asyncio.timeout(10):
        while await mark_of(store, server) < message:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)


class Confused(RecordingReception):
    """Breaks over certain messages."""

    def _judge(self, inbound: object) -> Verdict:
        event: Event = inbound.event  # type: ignore[attr-defined]
        if event.text == "unspeakable":
            raise ValueError(event.text)
        return super()._judge(inbound)  # type: ignore[arg-type]


async def test_a_message_that_breaks_us_keeps_nobody_else_from_being_answered(sqlite_store: Store) -> None:
    async with opened() as server:
        reception = Confused()
        await life(server, sqlite_store, reception, 0, "first")
        await said(server, ("unspeakable", "meanwhile"))
        async with keeping(server, sqlite_store, reception):
            await reception.messages(2)
        assert texts(reception) == ["first", "meanwhile"]


async def said(server: DiscordStandIn, lines: Sequence[str]) -> None:
    for line in lines:
        await server.speak("ben", server.dm_id("ben"), line)
