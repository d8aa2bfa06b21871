"""What the operator wants in a channel holds there, and only there."""

from adapters.slack import SlackAdapter
from bot.domain.channels import ChannelPolicy
from bot.playground.slack import SlackStandIn
from bot.relay.contract import Outbound
from tests.support.reception import RecordingReception

SUPPORT = "slack:T00PARLEY1:C00SUPPORT"


async def test_where_everything_is_for_us_no_mention_is_needed(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.policies[SUPPORT] = ChannelPolicy(mentions="always")
    await slack.speak("ben", "general", "not this")
    ts = await slack.speak("ben", "support", "my screen is black")
    await slack.speak("ben", "support", "still", thread=ts)
    first, second = await reception.messages(2)
    assert [(one.event.text, one.addressed) for one in (first, second)] == [
        ("my screen is black", True),
        ("still", True),
    ]
    assert first.event.conversation == second.event.conversation == f"{SUPPORT}:{ts}"


async def test_where_a_mention_is_required_follow_ups_need_one_too(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    reception.policies[SUPPORT] = ChannelPolicy(mentions="required")
    ts = await slack.speak("ben", "support", "@Parley hello")
    await slack.speak("ada", "support", "stop", thread=ts)
    await slack.speak("ada", "support", "@Parley and me?", thread=ts)
    await reception.until(lambda: len(reception.deliveries) == 4)
    assert [one.event.text for one in reception.inbound] == ["hello", "and me?"]
    assert not reception.commands


async def test_where_answers_stand_plainly_the_channel_is_one_conversation(
    adapter: SlackAdapter, slack: SlackStandIn, reception: RecordingReception
) -> None:
    """A thread below an answer goes on with it."""
    reception.policies[SUPPORT] = ChannelPolicy(threads="channel", delivery="status")
    await slack.speak("ben", "support", "@Parley hello")
    (inbound,) = await reception.messages(1)
    posted = await adapter.post(inbound.event.address, Outbound(text="Hi."), "k1")
    assert slack.messages("support")[-1].thread_ts is None
    assert await adapter.find(inbound.event.address, "k1", 0.0, []) is not None
    assert posted.conversation == f"{SUPPORT}:{posted.ref['ts']}"
    assert inbound.event.address.manner == "status"
    await slack.speak("ada", "support", "@Parley me too")
    await slack.speak("ada", "support", "@Parley here", thread=posted.ref["ts"])
    _, second, third = await reception.messages(3)
    assert inbound.event.conversation == second.event.conversation == f"{SUPPORT}:channel"
    assert third.event.conversation == posted.conversation
