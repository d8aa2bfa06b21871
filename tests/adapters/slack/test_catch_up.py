"""What was said while nobody listened is read after the connection, and answered once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from adapters.slack import SlackAdapter, catch_up, missed
from adapters.slack.stamps import micros
from bot.playground.slack import SlackStandIn
from bot.playground.view import Upload
from bot.ports import Notes
from bot.relay.contract import Inbound, Outbound
from tests.adapters.slack.conftest import QUICK, RULES, adapter_of, connected
from tests.support.reception import AwayWhileReading, RecordingReception

Listened = Callable[[], Awaitable[None]]
PAGE = 200
READING = {"users.conversations", "conversations.history", "conversations.replies"}


@dataclass(frozen=True)
class Pauses:
    begun: asyncio.Event
    over: asyncio.Event


def texts(inbound: list[Inbound]) -> list[str]:
    return [one.event.text for one in inbound]


def reads(slack: SlackStandIn) -> list[str]:
    return [call.method for call in slack.calls if call.method in READING]


@pytest.fixture
async def listened(slack: SlackStandIn, reception: RecordingReception, notes: Notes) -> Listened:
    """Call it to have had an earlier keeper, so that there is a mark."""

    async def once() -> None:
        async with connected(slack, reception, notes):
            pass

    return once


async def lost(slack: SlackStandIn, person: str, channel: str, text: str, thread: str | None = None) -> str:
    """Somebody says something that Slack never delivers."""
    slack.lose_next_events(2 if "@Parley" in text and channel != "dm" else 1)
    return await slack.speak(person, channel, text, thread=thread)


async def kept(notes: Notes, ts: str) -> None:
    """Wait until the mark has come so far."""
    async with asyncio.timeout(10):
        while int(await notes.read("slack seen T00PARLEY1") or 0) < micros(ts):  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)


async def test_what_was_said_meanwhile_is_answered_once(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """A mention, a direct message, and follow-ups in threads of both kinds."""
    async with connected(slack, reception, notes):
        talk = await slack.speak("ada", "general", "@Parley hello")
        direct = await slack.speak("ben", "dm", "hi")
        await reception.messages(2)
    await lost(slack, "ben", "support", "@Parley where is my parcel?")
    await lost(slack, "ada", "dm", "are you there?")
    await lost(slack, "ben", "general", "what about me?", talk)
    await lost(slack, "ben", "dm", "and more", direct)
    async with connected(slack, reception, notes):
        found = (await reception.messages(6))[2:]
        await slack.speak("ada", "dm", "live")
        await reception.messages(7)
    assert sorted(texts(found)) == ["and more", "are you there?", "what about me?", "where is my parcel?"]
    places = {one.event.text: (one.event.conversation, one.addressed, one.event.author.name) for one in found}
    assert places["what about me?"] == (f"slack:T00PARLEY1:C00GENERAL:{talk}", False, "Ben Okafor")
    assert places["and more"] == (f"slack:T00PARLEY1:D000000BEN:{direct}", True, "Ben Okafor")
    assert texts(reception.inbound)[6:] == ["live"]


async def test_a_message_that_slack_delivers_as_well_is_answered_once(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    """The mention's two events and the history agree on a key."""
    await listened()
    await slack.speak("ada", "general", "@Parley hello")
    async with connected(slack, reception, notes):
        await reception.until(lambda: len(reception.deliveries) == 3)
    assert texts(reception.inbound) == ["hello"]
    assert set(texts(reception.deliveries)) == {"hello"}


async def test_what_is_not_for_us_is_not_handed_over(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened, adapter: SlackAdapter
) -> None:
    """Our own messages, talk at top level that became a thread, edits, and commands, which have no dedupe keys."""
    await listened()
    talk = await lost(slack, "ada", "general", "lunch?")
    await lost(slack, "ben", "general", "@Parley stop")
    await lost(slack, "ben", "dm", "!new")
    slack.lose_next_events(1)
    await (await adapter._workspaces.all())[0].api.post(
        {"channel": "C00GENERAL", "text": "<@U00PARLEY1> mine", "thread_ts": talk}
    )  # type: ignore[attr-defined]
    await lost(slack, "ben", "general", "@Parley what do you think?", talk)
    async with connected(slack, reception, notes):
        await reception.messages(1)
    assert texts(reception.deliveries) == ["what do you think?"]
    assert not reception.commands


async def test_a_mention_in_an_older_thread_of_others_is_found(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """A channel's history shows no replies, but its older messages tell that there are new ones."""
    async with connected(slack, reception, notes):
        talk = await slack.speak("ada", "general", "lunch?")
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)
    await lost(slack, "ben", "general", "@Parley what do you think?", talk)
    async with connected(slack, reception, notes):
        await reception.messages(2)
    assert reception.inbound[1].event.conversation == f"slack:T00PARLEY1:C00GENERAL:{talk}"
    assert texts(reception.deliveries).count("lunch?") == 0


async def test_the_first_follow_up_to_a_slash_answer_is_found(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """Nobody has spoken in that thread yet; our own message in the channel tells that somebody does now."""
    async with connected(slack, reception, notes) as adapter:
        await slack.command("ada", "general", "ask", {"text": "why?"})
        posted = await adapter.post(reception.inbound[0].event.address, Outbound(text="Because."), "k1")
        await slack.speak("ada", "dm", "hello")
        await reception.messages(2)
    await lost(slack, "ben", "general", "I see", posted.ref["ts"])
    async with connected(slack, reception, notes):
        await reception.messages(3)
    assert reception.inbound[2].event.conversation == posted.conversation


async def test_a_thread_is_read_in_order(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    await listened()
    root = await lost(slack, "ada", "dm", "0")
    for number in range(1, 6):
        await lost(slack, "ada", "dm", str(number), root)
    async with connected(slack, reception, notes):
        await reception.messages(6)
    assert texts(reception.inbound) == [str(number) for number in range(6)]


async def test_the_first_start_ever_has_missed_nothing(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """And it keeps a mark before it is ready, so that even a kill right after it loses nothing."""
    await lost(slack, "ada", "dm", "long ago")
    async with connected(slack, reception, notes):
        assert await notes.read("slack seen T00PARLEY1")
        await slack.speak("ada", "dm", "now")
        await reception.messages(1)
    assert texts(reception.deliveries) == ["now"]
    assert reads(slack) == []


async def test_the_mark_survives_a_restart(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    """What was caught up once is not even read again."""
    await listened()
    first = await lost(slack, "ada", "dm", "first")
    async with connected(slack, reception, notes):
        await reception.messages(1)
        await kept(notes, first)
    await lost(slack, "ada", "dm", "second")
    async with connected(slack, reception, notes):
        await reception.messages(2)
    assert texts(reception.deliveries) == ["first", "second"]


async def test_two_gateways_that_read_the_same_answer_once(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    await listened()
    await lost(slack, "ada", "dm", "hello")
    async with connected(slack, reception, notes), connected(slack, reception, notes):
        await reception.messages(1)
        await slack.speak("ada", "dm", "live")
        await reception.messages(2)
    assert texts(reception.inbound) == ["hello", "live"]


@pytest.mark.parametrize("method", ["users.conversations", "conversations.history"])
@pytest.mark.parametrize("kind", ["429", "500"])
async def test_trouble_while_reading_is_waited_out(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened, method: str, kind: str
) -> None:
    await listened()
    await lost(slack, "ada", "dm", "hello")
    slack.faults.add(method, kind, seconds=1)  # type: ignore[arg-type]
    async with connected(slack, reception, notes):
        await reception.messages(1)
    failed, repeated = [call for call in slack.calls if call.method == method][:2]
    assert not failed.ok
    assert repeated.at - failed.at >= 1


async def test_a_missing_scope_costs_only_what_it_would_show(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    """An app that was installed before the manifest asked for it still catches its direct messages up."""
    scopes = tuple(scope for scope in RULES.scopes if scope not in ("channels:read", "groups:read", "mpim:read"))
    slack.set_rules(RULES.model_copy(update={"scopes": scopes}))
    await listened()
    await lost(slack, "ada", "dm", "hello")
    async with connected(slack, reception, notes):
        await reception.messages(1)


async def test_files_come_along(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    await listened()
    slack.lose_next_events(1)
    await slack.speak("ada", "dm", "look", files=(Upload(name="a.csv", content=b"a,b"),))
    async with connected(slack, reception, notes) as adapter:
        (inbound,) = await reception.messages(1)
        (file,) = inbound.event.files
        assert b"".join([piece async for piece in adapter.download(file)]) == b"a,b"


async def test_a_connection_that_was_away_for_a_while_reads(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, adapter: SlackAdapter
) -> None:
    """Nobody left; the SDK could not connect for longer than Slack's first redelivery may take."""
    slack.refuse_handshakes(4)
    slack.drop_connection()
    await slack.wait_for(lambda: slack.connections == 0)
    await lost(slack, "ada", "dm", "hello")
    await slack.wait_for(lambda: slack.connections == 1, timeout=20)
    await reception.messages(1)
    assert texts(reception.deliveries) == ["hello"]


async def test_nothing_is_read_while_another_connection_of_the_process_listens(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened
) -> None:
    """It heard everything, so taking over the connection of a dead process costs nothing."""
    await listened()
    adapter = adapter_of(slack, notes, connections=2)
    one, other = await adapter.connections()
    async with adapter.connected(one, reception):
        await slack.wait_for(lambda: "conversations.history" in reads(slack))
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)
        listings = reads(slack).count("users.conversations")
        async with adapter.connected(other, reception):
            await slack.speak("ada", "dm", "more")
            await reception.messages(2)
        assert reads(slack).count("users.conversations") == listings == 4
    await adapter.close()


async def test_what_could_not_be_stored_is_read_when_slack_does_not_send_it_again(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """A database may be away for longer than the few minutes in which Slack tries."""
    slack.set_rules(RULES.model_copy(update={"retry_delays": ()}))
    async with connected(slack, reception, notes, watch=replace(QUICK, again=0.1)):
        reception.unavailable = 3
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)
    assert texts(reception.inbound) == ["hello"]
    assert [one.attempt for one in slack.sent] == [0]


async def test_a_message_that_was_read_while_the_store_was_away_is_read_again(
    slack: SlackStandIn, notes: Notes, listened: Listened
) -> None:
    """The mark does not pass it, and nothing that was said later is answered before it."""
    await listened()
    reception = AwayWhileReading()
    reception.away = True
    await lost(slack, "ada", "dm", "one")
    last = await lost(slack, "ada", "dm", "two")
    async with connected(slack, reception, notes, watch=replace(QUICK, again=0.1)):
        await reception.messages(2)
        await kept(notes, last)
    assert texts(reception.deliveries) == ["one", "one", "two"]
    assert texts(reception.inbound) == ["one", "two"]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Reading stops at its pauses until the test lets it go on."""
    made = Pauses(asyncio.Event(), asyncio.Event())

    async def pause(seconds: float) -> None:
        if seconds == missed.PAUSE:
            made.begun.set()
            await made.over.wait()

    monkeypatch.setattr(missed, "sleep", pause)
    return made


async def test_nothing_is_given_up_at_a_pause(
    slack: SlackStandIn,
    reception: RecordingReception,
    notes: Notes,
    listened: Listened,
    monkeypatch: pytest.MonkeyPatch,
    pauses: Pauses,
) -> None:
    """The mark waits for what is still unread, whatever is said meanwhile: the next keeper reads it."""
    monkeypatch.setattr(missed, "MESSAGES", 1)
    await listened()
    before = await notes.read("slack seen T00PARLEY1")
    await lost(slack, "ada", "general", "@Parley one")
    await lost(slack, "ben", "support", "@Parley two")
    async with connected(slack, reception, notes):
        await asyncio.wait_for(pauses.begun.wait(), 10)
        await slack.speak("ada", "dm", "live")
        await reception.messages(2)
    assert await notes.read("slack seen T00PARLEY1") == before
    pauses.over.set()
    async with connected(slack, reception, notes):
        await reception.messages(3)
        live = reception.inbound[1].event.address.place["asked"]
        await kept(notes, str(live))
    assert sorted(texts(reception.inbound)) == ["live", "one", "two"]


async def test_many_channels_keep_no_thread_from_being_read(
    slack: SlackStandIn,
    reception: RecordingReception,
    notes: Notes,
    monkeypatch: pytest.MonkeyPatch,
    pauses: Pauses,
) -> None:
    """Threads of ours and direct messages have their turn in every round, long before all channels are read."""
    monkeypatch.setattr(missed, "REQUESTS", 20)
    async with connected(slack, reception, notes):
        talk = await slack.speak("ada", "general", "@Parley hello")
        await slack.speak("ben", "dm", "hi")
        await reception.messages(2)
        rooms(slack, 30)
    await lost(slack, "ben", "general", "what about me?", talk)
    await lost(slack, "ben", "dm", "and me?")
    async with connected(slack, reception, notes):
        await asyncio.wait_for(pauses.begun.wait(), 10)
        assert sorted(texts(reception.inbound)[2:]) == ["and me?", "what about me?"]
        assert len(reads(slack)) == 20
        pauses.over.set()
        await slack.wait_for(lambda: len(channels_read(slack)) == 3 + 32)


async def test_a_noisy_channel_is_read_a_page_at_a_time(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes, listened: Listened, pauses: Pauses
) -> None:
    """The others have their turn between its pages, and what was said past us does not count."""
    await listened()
    await lost(slack, "ada", "general", "@Parley at the beginning")
    for number in range(PAGE * 2):
        await lost(slack, "ada", "general", f"said past the bot {number}")
    await lost(slack, "ben", "support", "@Parley elsewhere")
    async with connected(slack, reception, notes):
        await reception.messages(2)
    assert texts(reception.inbound) == ["elsewhere", "at the beginning"]
    assert not pauses.begun.is_set()


async def test_who_asked_a_day_ago_does_not_wait_any_more(
    slack: SlackStandIn,
    reception: RecordingReception,
    notes: Notes,
    listened: Listened,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await listened()
    await lost(slack, "ada", "dm", "too long ago")
    monkeypatch.setattr(catch_up, "_OLDEST", -1.0)
    async with connected(slack, reception, notes):
        await slack.wait_for(lambda: reads(slack).count("conversations.history") >= 3)
        await slack.speak("ada", "dm", "live")
        await reception.messages(1)
    assert texts(reception.inbound) == ["live"]


def channels_read(slack: SlackStandIn) -> set[str]:
    """Channels and direct messages whose history was read."""
    return {str(call.parameters["channel"]) for call in slack.calls if call.method == "conversations.history"}


def rooms(slack: SlackStandIn, count: int) -> None:
    """So many more channels that the bot is in."""
    general = slack.world.channels["C00GENERAL"]
    for number in range(count):
        room = replace(general, id=f"C00ROOM{number:03}", name=f"room-{number}")
        slack.world.channels[room.id] = room
        slack.world._messages[room.id] = {}
