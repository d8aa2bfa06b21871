"""What people say in Slack reaches the relay: once, in its words, before it is acknowledged."""

import asyncio

import pytest

from adapters.slack import SlackAdapter
from adapters.slack.watch import Watch
from bot.playground.slack import SlackStandIn
from bot.ports import Notes
from bot.relay.contract import HELD_NOTE, Verdict
from tests.adapters.slack.conftest import connected
from tests.support.reception import RecordingReception


async def test_a_mention_is_a_message_in_its_own_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Key, author and text are right; the mention is gone and mrkdwn is Markdown."""
    ts = await slack.speak("ada", "general", "@Parley is *this* ~not~ for @Ben Okafor & <you>?")
    (inbound,) = await reception.messages(1)
    event = inbound.event
    assert inbound.addressed
    assert event.conversation == f"slack:T00PARLEY1:C00GENERAL:{ts}"
    assert event.author.model_dump() == {"platform": "slack", "id": "T00PARLEY1:U000000ADA", "name": "Ada Moreno"}
    assert event.text == "is **this** ~~not~~ for @Ben Okafor & <you>?"
    assert event.address.place["thread"] == ts
    assert adapter.terms(event.address).bucket == "slack:T00PARLEY1"


async def test_the_two_events_of_a_mention_share_a_key(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Both arrive, both are addressed, and the keys make them one message."""
    await slack.speak("ada", "general", "@Parley hello")
    await reception.until(lambda: len(reception.deliveries) == 2)
    first, second = reception.deliveries
    assert set(first.event.keys) & set(second.event.keys)
    assert first.event.keys[0] != second.event.keys[0]
    assert (first.addressed, second.addressed) == (True, True)
    assert first.event.text == second.event.text == "hello"
    assert len(reception.inbound) == 1


async def test_a_direct_message_is_addressed_and_begins_a_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await slack.speak("ben", "dm", "hello")
    (inbound,) = await reception.messages(1)
    assert inbound.addressed
    assert inbound.event.conversation == f"slack:T00PARLEY1:D000000BEN:{ts}"


async def test_a_reply_in_a_direct_message_stays_in_its_thread(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    ts = await slack.speak("ben", "dm", "hello")
    await slack.speak("ben", "dm", "and more", thread=ts)
    first, second = await reception.messages(2)
    assert first.event.conversation == second.event.conversation


async def test_a_follow_up_in_a_thread_is_not_addressed(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Whether we are part of the thread is for the relay to know."""
    ts = await slack.speak("ada", "general", "@Parley hello")
    await slack.speak("ben", "general", "what about me?", thread=ts)
    first, second = await reception.messages(2)
    assert not second.addressed
    assert second.event.conversation == first.event.conversation
    assert second.event.author.name == "Ben Okafor"


async def test_messages_of_one_thread_arrive_in_order(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Looking up a name that is not known yet does not let a later message overtake."""
    root = await slack.speak("ada", "dm", "0")
    for number in range(1, 12):
        await slack.speak("ada", "dm", str(number), thread=root)
    inbound = await reception.messages(12)
    assert [item.event.text for item in inbound] == [str(number) for number in range(12)]


async def test_what_is_not_for_us_is_acknowledged_and_ignored(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Top-level talk, edits, deletions, reactions, the opened tab and our own messages never reach the relay."""
    own = await (await adapter._workspaces.all())[0].api.post({"channel": "C00GENERAL", "text": "mine"})  # type: ignore[attr-defined]
    await (await adapter._workspaces.all())[0].api.update(
        {"channel": "C00GENERAL", "ts": own.ts, "text": "mine!", "blocks": []}
    )  # type: ignore[attr-defined]
    talk = await slack.speak("ada", "general", "nice weather")
    slack.edit("ada", "general", talk, "@Parley nice weather")
    slack.delete("ada", "general", talk)
    await slack.visit("ada", "messages")
    await slack.speak("ada", "general", "@Parley hello")
    await slack.wait_for(lambda: len([one for one in slack.sent if one.event_type == "app_mention"]) == 1)
    await reception.until(lambda: len(reception.deliveries) == 2)
    assert {inbound.event.text for inbound in reception.deliveries} == {"hello"}
    assert all(one.attempt == 0 for one in slack.sent)


async def test_an_event_that_could_not_be_stored_comes_again(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Without a commit there is no acknowledgement, so Slack redelivers, and then it is accepted once."""
    reception.unavailable = 1
    await slack.speak("ada", "dm", "hello")
    (inbound,) = await reception.messages(1)
    assert inbound.event.text == "hello"
    assert [one.attempt for one in slack.sent] == [0, 1]
    assert reception.deliveries[0].event.keys == reception.deliveries[1].event.keys


async def test_an_ignored_message_is_acknowledged(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.verdict = Verdict.IGNORED
    root = await slack.speak("ada", "general", "lunch?")
    await slack.speak("ben", "general", "yes", thread=root)
    await reception.until(lambda: len(reception.deliveries) == 1)
    reception.verdict = Verdict.ACCEPTED
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)
    assert all(one.attempt == 0 for one in slack.sent)


async def test_a_queued_message_gets_eyes(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.verdict = Verdict.QUEUED
    ts = await slack.speak("ada", "dm", "and another thing")
    await slack.wait_for(lambda: slack.messages("D000000ADA")[0].reactions)
    (reaction,) = slack.messages("D000000ADA")[0].reactions
    assert (reaction.name, slack.messages("D000000ADA")[0].ts) == ("eyes", ts)


async def test_who_types_instead_of_pressing_is_told_so_alone(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.verdict = Verdict.HELD
    await slack.speak("ada", "dm", "and another thing")
    await slack.wait_for(lambda: slack.messages("D000000ADA")[0].reactions)
    await slack.wait_for(lambda: any(message.only_for for message in slack.messages("D000000ADA")))
    (whisper,) = [message for message in slack.messages("D000000ADA") if message.only_for]
    assert (whisper.text, whisper.only_for) == (HELD_NOTE, "U000000ADA")


async def test_a_user_who_cannot_be_looked_up_is_their_id(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    slack.faults.add("users.info", "500")
    await slack.speak("ada", "dm", "hello")
    (inbound,) = await reception.messages(1)
    assert inbound.event.author.name == "U000000ADA"


async def test_names_are_asked_for_once(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    for number in range(3):
        await slack.speak("ada", "dm", f"{number} @Ben Okafor")
    await reception.messages(3)
    assert len([call for call in slack.calls if call.method == "users.info"]) == 2


async def test_events_come_back_after_the_connection_was_cut(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    slack.drop_connection()
    await slack.wait_for(lambda: slack.connections == 0)
    await slack.wait_for(lambda: slack.connections == 1)
    await slack.speak("ada", "dm", "still there?")
    (inbound,) = await reception.messages(1)
    assert inbound.event.text == "still there?"


async def test_a_used_up_address_is_thrown_away(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """A refused handshake would be tried with the same single-use address for ever; the watchdog takes it away."""
    slack.refuse_handshakes(1)
    slack.drop_connection()
    await slack.wait_for(lambda: slack.connections == 0)
    await slack.wait_for(lambda: slack.connections == 1)
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)


async def test_a_client_beyond_hope_is_replaced(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """One that never gets a fresh address makes room for a new one, which does."""
    watch = Watch(ping=0.2, tick=0.05, renew_after=600.0, replace_after=0.6, goodbye=1.0)
    async with connected(slack, reception, notes, watch=watch):
        slack.refuse_handshakes(1)
        slack.drop_connection()
        await slack.wait_for(lambda: slack.connections == 0)
        await slack.wait_for(lambda: slack.connections == 1)
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)


async def test_slack_may_ask_to_reconnect(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    before = [call.method for call in slack.calls].count("apps.connections.open")
    await slack.disconnect("refresh_requested")
    await slack.wait_for(lambda: [call.method for call in slack.calls].count("apps.connections.open") > before)
    await slack.wait_for(lambda: slack.connections == 1)
    await slack.speak("ada", "dm", "hello")
    await reception.messages(1)


async def test_several_connections_share_the_load(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """Every event is accepted once, whichever connection brings it."""
    async with connected(slack, reception, notes, connections=2):
        await slack.wait_for(lambda: slack.connections == 2)
        for number in range(10):
            await slack.speak("ada", "dm", str(number))
        await reception.messages(10)
    assert len(reception.deliveries) == 10
    assert slack.connections == 0


async def test_it_waits_for_slack_at_the_start(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """`running` is entered when Slack is back, not given up."""
    slack.faults.add("auth.test", "500")
    slack.faults.add("apps.connections.open", "429", seconds=1)
    async with asyncio.timeout(20), connected(slack, reception, notes):
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)


async def test_a_half_open_connection_is_noticed(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Nothing comes through, pongs neither: a new connection is opened."""
    opened = [call.method for call in slack.calls].count("apps.connections.open")
    slack.silence()
    await slack.wait_for(lambda: [call.method for call in slack.calls].count("apps.connections.open") > opened)
    slack.silence(False)
    await slack.speak("ada", "dm", "hello?")
    await reception.messages(1)


async def test_leaving_finishes_what_is_in_work(slack: SlackStandIn, notes: Notes) -> None:
    """An event that is being accepted is accepted and acknowledged before the socket closes."""
    reception = RecordingReception()
    reception.open.clear()
    leave = asyncio.Event()

    async def run() -> None:
        async with connected(slack, reception, notes):
            await leave.wait()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run())
        await slack.wait_for(lambda: slack.connections == 1)
        asked = group.create_task(slack.command("ada", "general", "ask", {"text": "in the last second"}))
        await reception.entered.wait()
        leave.set()
        with pytest.raises(TimeoutError):  # the connection stays for as long as somebody needs it
            await slack.wait_for(lambda: slack.connections == 0, timeout=0.3)
        reception.open.set()
        assert "answer will appear" in await asked
        await running
    assert len(reception.inbound) == 1


async def test_leaving_waits_for_small_courtesies(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    """A reaction that is on its way still arrives."""
    reception.verdict = Verdict.QUEUED
    slack.faults.add("reactions.add", "slow", seconds=0.2)
    async with connected(slack, reception, notes):
        await slack.speak("ada", "dm", "and another thing")
        await reception.messages(1)
    assert [reaction.name for reaction in slack.messages("D000000ADA")[0].reactions] == ["eyes"]


async def test_text_that_no_database_takes_is_cleaned(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.speak("ada", "dm", "a\0b\ud800c")
    await reception.messages(1)
    await slack.command("ada", "general", "ask", {"text": "a\0b\ud800c"})
    assert [inbound.event.text for inbound in reception.inbound] == ["a\ufffdb\ufffdc"] * 2


async def test_other_slack_settings_of_the_environment_change_nothing(
    slack: SlackStandIn, reception: RecordingReception, monkeypatch: pytest.MonkeyPatch, notes: Notes
) -> None:
    """Bolt reads the environment by itself; what it finds there must not matter."""
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "something-else")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with connected(slack, reception, notes):
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)
