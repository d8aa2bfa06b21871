"""Called in the middle of a thread, the assistant reads what was said before."""

import pytest

from adapters.slack import SlackAdapter
from bot.domain.deliveries import Address
from bot.errors import RateLimited
from bot.playground.slack import SlackStandIn
from bot.playground.view import Upload
from bot.relay.contract import Outbound
from tests.support.reception import RecordingReception


async def called(slack: SlackStandIn, reception: RecordingReception, root: str) -> Address:
    """Somebody mentions the bot in a thread; returns where the answer goes."""
    await slack.speak("ada", "general", "@Parley what do you think?", thread=root)
    await reception.until(lambda: any("think" in one.event.text for one in reception.inbound))
    return next(one.event.address for one in reception.inbound if "think" in one.event.text)


async def test_earlier_messages_come_with_authors_and_files(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Oldest first, without the question; what was said after it is not context."""
    root = await slack.speak("ben", "general", "is @Ada Moreno *here*?")
    await slack.speak("chloe", "general", "see this", thread=root, files=(Upload(name="a.txt", content=b"abc"),))
    address = await called(slack, reception, root)
    await slack.speak("ben", "general", "too late", thread=root)
    first, second = await adapter.context(address, 50)
    assert (first.author.name, first.text) == ("Ben Okafor", "is @Ada Moreno **here**?")
    assert first.key == f"slack:message:T00PARLEY1:C00GENERAL:{root}"
    assert (second.author.id, second.text) == ("T00PARLEY1:U0000CHLOE", "see this")
    assert [file.name for file in second.files] == ["a.txt"]


async def test_a_question_that_begins_a_thread_has_no_context(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    await slack.speak("ben", "general", "nice weather")
    await slack.speak("ada", "general", "@Parley hello")
    (inbound,) = await reception.messages(1)
    before = len(slack.calls)
    assert await adapter.context(inbound.event.address, 50) == ()
    assert "conversations.replies" not in [call.method for call in slack.calls[before:]]


async def test_what_we_said_is_no_context(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "general", "@Parley hello")
    (inbound,) = await reception.messages(1)
    await adapter.post(inbound.event.address, Outbound(text="Hello!"), "k1")
    address = await called(slack, reception, root)
    assert [heard.text for heard in await adapter.context(address, 50)] == ["@parley hello"]


async def test_other_bots_are_heard_with_what_hangs_on_their_messages(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """Alerts say everything in attachments."""
    root = slack.post_as_bot("general", "Monitor", "", ({"title": "CPU", "text": "at *99* %", "fallback": "CPU"},))
    (heard,) = await adapter.context(await called(slack, reception, root), 50)
    assert (heard.author.name, heard.text) == ("Monitor", "CPU\nat **99** %")


@pytest.mark.parametrize("page", [999, 15])
async def test_the_newest_messages_of_a_long_thread_are_taken(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception, page: int
) -> None:
    """Slack gives a thread from its beginning, and some apps only 15 messages at a time."""
    slack.set_rules(slack.rules.model_copy(update={"history_objects": page}))
    root = await slack.speak("ben", "general", "0")
    for number in range(1, 40):
        await slack.speak("ben", "general", str(number), thread=root)
    address = await called(slack, reception, root)
    assert [heard.text for heard in await adapter.context(address, 5)] == ["35", "36", "37", "38", "39"]


async def test_a_limit_in_the_middle_leaves_what_was_read(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """At the beginning it is an error, since nothing was read."""
    slack.set_rules(slack.rules.model_copy(update={"history_objects": 15}))
    root = await slack.speak("ben", "general", "0")
    for number in range(1, 20):
        await slack.speak("ben", "general", str(number), thread=root)
    address = await called(slack, reception, root)
    slack.set_rules(
        slack.rules.model_copy(
            update={
                "pace": 1.0,
                "method_tiers": {"conversations.replies": "tier1"},
            }
        )
    )
    assert len(await adapter.context(address, 50)) == 15
    with pytest.raises(RateLimited):
        await adapter.context(address, 50)


async def test_a_thread_that_may_not_be_read_is_no_context(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    root = await slack.speak("ben", "general", "hello")
    address = await called(slack, reception, root)
    slack.faults.add("conversations.replies", "error", error="missing_scope")
    assert await adapter.context(address, 50) == ()
