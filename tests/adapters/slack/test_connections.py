"""Several sockets of one deployment: in one process, in two, or in none."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.places import Place
from bot.errors import OperatorError
from bot.playground.slack import SlackStandIn
from bot.ports import Notes
from bot.relay.contract import Outbound, Verdict
from tests.adapters.slack.conftest import adapter_of
from tests.support.reception import RecordingReception


@dataclass
class Pair:
    """An adapter with two connections, none of which is kept yet."""

    adapter: SlackAdapter
    one: str
    other: str


@pytest.fixture
async def pair(slack: SlackStandIn, notes: Notes) -> AsyncGenerator[Pair]:
    adapter = adapter_of(slack, notes, connections=2)
    one, other = await adapter.connections()
    yield Pair(adapter, one, other)
    await adapter.close()


def count(slack: SlackStandIn, method: str) -> int:
    return [call.method for call in slack.calls].count(method)


async def test_connections_are_named_by_workspace(pair: Pair) -> None:
    assert (pair.one, pair.other) == ("slack:T00PARLEY1:socket 1", "slack:T00PARLEY1:socket 2")


async def test_one_keeper_keeps_one_socket(slack: SlackStandIn, reception: RecordingReception, pair: Pair) -> None:
    async with pair.adapter.connected(pair.other, reception):
        assert slack.connections == 1
        async with pair.adapter.connected(pair.one, reception):
            assert slack.connections == 2
        await slack.wait_for(lambda: slack.connections == 1)
    await slack.wait_for(lambda: slack.connections == 0)


async def test_sockets_of_a_process_share_names_and_who_we_are(
    slack: SlackStandIn, reception: RecordingReception, pair: Pair
) -> None:
    """Whichever of them brings an event, a person is looked up once."""
    async with pair.adapter.connected(pair.one, reception), pair.adapter.connected(pair.other, reception):
        for number in range(10):
            await slack.speak("ada", "dm", str(number))
        await reception.messages(10)
    assert len({one.connection for one in slack.sent}) == 2
    assert count(slack, "users.info") == 1
    assert count(slack, "auth.test") == 2  # for the names, and for the first socket


async def test_messages_of_one_thread_arrive_in_order_through_both(
    slack: SlackStandIn, reception: RecordingReception, pair: Pair
) -> None:
    """Although the first of them waits for a name."""
    slack.faults.add("users.info", "slow", seconds=0.3)
    async with pair.adapter.connected(pair.one, reception), pair.adapter.connected(pair.other, reception):
        root = await slack.speak("ada", "dm", "0")
        for number in range(1, 8):
            await slack.speak("ada", "dm", str(number), thread=root)
        inbound = await reception.messages(8)
    assert [item.event.text for item in inbound[1:]] == [str(number) for number in range(1, 8)]


async def test_leaving_the_first_socket_does_not_end_the_work_of_the_other(
    slack: SlackStandIn, reception: RecordingReception, pair: Pair
) -> None:
    """A reaction on its way arrives, and events still come in order and by name."""
    reception.verdict = Verdict.QUEUED
    first = pair.adapter.connected(pair.one, reception)
    await first.__aenter__()
    async with pair.adapter.connected(pair.other, reception):
        slack.faults.add("reactions.add", "slow", seconds=0.5)
        await slack.speak("ada", "dm", "hello")
        await reception.messages(1)
        await first.__aexit__(None, None, None)
        assert not slack.messages("D000000ADA")[0].reactions
        await slack.wait_for(lambda: slack.messages("D000000ADA")[0].reactions)
        await slack.speak("ada", "dm", "and more")
        await reception.messages(2)
    assert reception.inbound[1].event.author.name == "Ada Moreno"


async def test_both_futures_end_when_the_bot_token_is_refused(
    slack: SlackStandIn, reception: RecordingReception, pair: Pair
) -> None:
    async with pair.adapter.connected(pair.one, reception) as one, pair.adapter.connected(pair.other, reception) as two:
        slack.faults.add("auth.test", "error", 100, error="token_revoked")
        slack.faults.add("chat.postMessage", "error", error="token_revoked")
        place = Place(team="T00PARLEY1", channel="C00GENERAL")
        with pytest.raises(Exception, match="token_revoked"):
            await pair.adapter.post(place.address(), Outbound(text="One"), "k1")
        for gone in (one, two):
            with pytest.raises(OperatorError, match="SLACK_BOT_TOKEN"):
                await gone


async def test_a_process_that_only_writes_needs_no_app_token(
    slack: SlackStandIn, reception: RecordingReception, notes: Notes
) -> None:
    config = SlackConfig.model_validate({"bot_token": slack.bot_token, "api_url": slack.api_url})
    adapter = SlackAdapter(config, notes)
    try:
        await adapter.post(Place(team="T00PARLEY1", channel="C00GENERAL").address(), Outbound(text="One"), "k1")
        (name, _) = await adapter.connections()
        with pytest.raises(OperatorError, match="SLACK_APP_TOKEN"):
            async with adapter.connected(name, reception):
                pass
    finally:
        await adapter.close()
    assert slack.messages("general")[-1].text == "One"
