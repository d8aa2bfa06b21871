"""Messages, edits, status and look-ups: what arrives at Slack, and what becomes of failures."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from adapters.slack import SlackAdapter
from adapters.slack.places import Place
from bot.domain.deliveries import Address
from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Refused, Unauthorised, Unreachable
from bot.playground.slack import Call, SlackStandIn
from bot.ports import Notes
from bot.relay.contract import Button, Outbound
from tests.adapters.slack.conftest import adapter_of
from tests.support.reception import RecordingReception

STOP = Button(op="stop", run_id="run_7", label="Stop", danger=True)


@pytest.fixture
async def address(slack: SlackStandIn) -> Address:
    root = await slack.speak("ada", "general", "a question")
    return Place(team="T00PARLEY1", channel="C00GENERAL", thread=root).address()


@asynccontextmanager
async def only_connection(adapter: SlackAdapter) -> AsyncGenerator[asyncio.Future[None]]:
    (name,) = await adapter.connections()
    async with adapter.connected(name, RecordingReception()) as gone:
        yield gone


def calls(slack: SlackStandIn, method: str) -> list[Call]:
    return [call for call in slack.calls if call.method == method]


async def test_a_post_carries_markdown_plain_text_and_its_key(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    """Markdown block and buttons, plain text beside them, no previews, and metadata to find it by."""
    outbound = Outbound(text="# Title\n**bold** [site](https://example.org) <b>", buttons=(STOP,))
    posted = await adapter.post(address, outbound, "key1")
    message = slack.messages("general", thread=address.place["thread"])[-1]
    parameters = calls(slack, "chat.postMessage")[0].parameters
    assert message.ts == posted.ref["ts"]
    assert message.text == "Title\nbold site &lt;b&gt;"
    assert message.blocks[0]["text"] == outbound.text
    assert parameters["unfurl_links"] is False
    assert parameters["unfurl_media"] is False
    assert parameters["metadata"] == {"event_type": "parley_segment", "event_payload": {"key": "key1"}}
    assert posted.conversation is None
    assert not slack.unfurls
    assert not slack.faults_seen


async def test_an_edit_replaces_text_blocks_and_buttons(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    posted = await adapter.post(address, Outbound(text="One", buttons=(STOP,)), "key1")
    await adapter.edit(address, posted.ref, Outbound(text="One two"))
    message = slack.messages("general")[-1]
    assert (message.text, len(message.blocks)) == ("One two", 1)
    assert not slack.faults_seen


async def test_the_largest_text_is_taken(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    """Text of the hard limit, in letters of one and of four bytes, is posted and edited."""
    hard = adapter.capabilities.hard_limit
    posted = await adapter.post(address, Outbound(text="x" * hard, buttons=(STOP,)), "key1")
    await adapter.edit(address, posted.ref, Outbound(text="🙂" * (hard // 4), buttons=(STOP,)))
    assert len(slack.messages("general")[-1].blocks[0]["text"]) == hard // 4


async def test_a_message_is_found_by_its_key(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    since = time.time()
    await adapter.post(address, Outbound(text="One"), "key1")
    second = await adapter.post(address, Outbound(text="Two"), "key2")
    assert await adapter.find(address, "key2", since, []) == second
    assert await adapter.find(address, "key3", since, []) is None


async def test_an_answer_at_top_level_is_found_with_its_heading(adapter: SlackAdapter, slack: SlackStandIn) -> None:
    place = Place(team="T00PARLEY1", channel="C00GENERAL", lead="Ada asked: why?")
    posted = await adapter.post(place.address(), Outbound(text="Because."), "key1")
    assert await adapter.find(place.address(), "key1", time.time() - 60, []) == posted


async def test_a_message_on_a_later_page_is_found(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    for number in range(210):
        await slack.speak("ada", "general", str(number), thread=address.place["thread"])
    posted = await adapter.post(address, Outbound(text="Here"), "key1")
    assert await adapter.find(address, "key1", time.time() - 60, []) == posted
    assert len(calls(slack, "conversations.replies")) == 2


async def test_the_status_shows_and_clears(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    await adapter.status(address, "is thinking…")
    (call,) = calls(slack, "assistant.threads.setStatus")
    assert (call.parameters["status"], call.parameters["thread_ts"]) == ("is thinking…", address.place["thread"])
    await adapter.status(address, None)
    assert calls(slack, "assistant.threads.setStatus")[-1].parameters["status"] == ""


async def test_a_failing_status_is_nobodys_problem(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address
) -> None:
    slack.faults.add("assistant.threads.setStatus", "error", error="missing_scope")
    await adapter.status(address, "is thinking…")


async def test_a_limit_is_told_to_the_caller(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    posted = await adapter.post(address, Outbound(text="One"), "key1")
    slack.faults.add("chat.update", "429", seconds=7)
    with pytest.raises(RateLimited) as caught:
        await adapter.edit(address, posted.ref, Outbound(text="One two"))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("kind", ["500", "503", "cut_before", "cut_after", "500_after"])
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_lost_answer_is_one_request_and_unreachable(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, method: str, kind: str
) -> None:
    """Nothing is repeated: whether the call took effect is for the caller to find out."""
    posted = await adapter.post(address, Outbound(text="One"), "key0")
    before = len(calls(slack, method))
    slack.faults.add(method, kind)  # type: ignore[arg-type]
    two = Outbound(text="Two")
    with pytest.raises(Unreachable):
        await (adapter.post(address, two, "key1") if "post" in method else adapter.edit(address, posted.ref, two))
    assert len(calls(slack, method)) == before + 1


@pytest.mark.parametrize("kind", ["cut_after", "500_after", "slow_after"])
@pytest.mark.parametrize("where", ["thread", "top level"])
async def test_a_post_whose_outcome_is_unknown_is_found(
    slack: SlackStandIn, address: Address, notes: Notes, monkeypatch: pytest.MonkeyPatch, kind: str, where: str
) -> None:
    """By another process too: the thread, or the channel for a slash command's answer, knows the key."""
    monkeypatch.setattr("adapters.slack.web.TIMEOUT", aiohttp.ClientTimeout(total=0.5))
    if where == "top level":
        address = Place(team="T00PARLEY1", channel="C00GENERAL", lead="Ada asked: why?").address()
    since = time.time() - 86_400
    writer, other = adapter_of(slack, notes), adapter_of(slack, notes)
    try:
        slack.faults.add("chat.postMessage", kind, seconds=2)  # type: ignore[arg-type]
        with pytest.raises(Unreachable):
            await writer.post(address, Outbound(text="One"), "key1")
        found = await other.find(address, "key1", since, [])
        assert found is not None
        assert found == await writer.find(address, "key1", since, [])
        await other.edit(address, found.ref, Outbound(text="One two", final=True))
    finally:
        await writer.close()
        await other.close()
    answer = slack.messages("general")[-1]
    assert answer.text.endswith("One two")
    assert len([message for message in slack.messages("general") if message.from_bot]) == 1
    assert len(calls(slack, "chat.postMessage")) == (0 if kind == "slow_after" else 1)  # noted when answered


async def test_a_missing_message_is_gone(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    with pytest.raises(Gone):
        await adapter.edit(address, {"channel": "C00GENERAL", "ts": "1.000001"}, Outbound(text="One"))


async def test_a_channel_without_us_is_forbidden(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    slack.remove_bot("general")
    with pytest.raises(Forbidden):
        await adapter.post(address, Outbound(text="One"), "key1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("ratelimited", RateLimited),
        ("token_revoked", Unauthorised),
        ("channel_not_found", Gone),
        ("cant_update_message", Gone),
        ("is_archived", Forbidden),
        ("missing_scope", Forbidden),
        ("msg_blocks_too_long", Refused),
        ("invalid_blocks", Refused),
        ("fatal_error", Unreachable),
    ],
)
async def test_slacks_words_in_six_kinds(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, error: str, kind: type[PlatformError]
) -> None:
    slack.faults.add("chat.postMessage", "error", error=error)
    with pytest.raises(kind) as caught:
        await adapter.post(address, Outbound(text="One"), "key1")
    assert error in str(caught.value) or kind is RateLimited


async def test_too_long_is_said(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    """The relay splits then."""
    with pytest.raises(Refused) as caught:
        await adapter.post(address, Outbound(text="x" * 14_000), "key1")
    assert caught.value.too_long


async def test_no_token_is_in_the_adapters_words(slack: SlackStandIn, notes: Notes) -> None:
    adapter = adapter_of(slack, notes)
    assert slack.bot_token not in repr(vars(adapter)["_config"])
    await adapter.close()


@pytest.mark.parametrize("act", ["post", "edit"])
async def test_a_bot_token_that_was_revoked_ends_the_adapter_when_it_writes(
    slack: SlackStandIn, address: Address, act: str, notes: Notes
) -> None:
    """The caller gets its error, and the adapter asks Slack once more before it gives up."""
    adapter = adapter_of(slack, notes)
    try:
        async with only_connection(adapter) as gone:
            posted = await adapter.post(address, Outbound(text="One"), "key1")
            for method in ("chat.postMessage", "chat.update", "auth.test"):
                slack.faults.add(method, "error", error="token_revoked")
            two = Outbound(text="Two")
            with pytest.raises(Unauthorised):
                await (adapter.post(address, two, "key2") if act == "post" else adapter.edit(address, posted.ref, two))
            await asyncio.wait({gone}, timeout=10)
            assert "SLACK_BOT_TOKEN" in str(gone.exception())
    finally:
        await adapter.close()


async def test_a_single_refusal_is_checked_before_it_counts(
    slack: SlackStandIn, address: Address, notes: Notes
) -> None:
    adapter = adapter_of(slack, notes)
    try:
        async with only_connection(adapter) as gone:
            slack.faults.add("chat.postMessage", "error", error="invalid_auth")
            checks = len(calls(slack, "auth.test"))
            with pytest.raises(Unauthorised):
                await adapter.post(address, Outbound(text="One"), "key1")
            await slack.wait_for(lambda: len(calls(slack, "auth.test")) > checks)
            await adapter.post(address, Outbound(text="One"), "key1")
            assert not gone.done()
    finally:
        await adapter.close()


async def test_a_worker_writes_without_a_socket(slack: SlackStandIn, address: Address, notes: Notes) -> None:
    adapter = adapter_of(slack, notes)
    try:
        posted = await adapter.post(address, Outbound(text="One"), "key1")
    finally:
        await adapter.close()
    assert slack.messages("general")[-1].ts == posted.ref["ts"]
    assert slack.connections == 0


async def test_answers_can_be_finished_after_receiving_has_ended(
    slack: SlackStandIn, address: Address, notes: Notes
) -> None:
    """The end of a process: no more events, but the last edits still go out."""
    adapter = adapter_of(slack, notes)
    try:
        async with only_connection(adapter):
            posted = await adapter.post(address, Outbound(text="One"), "key1")
        await adapter.edit(address, posted.ref, Outbound(text="One two"))
    finally:
        await adapter.close()
    assert slack.messages("general")[-1].text == "One two"


PING = (
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!here|here>",
    "<!subteam^S0123ABC>",
    "<!subteam^S0123ABC|@team>",
    "<@U000000BEN>",
    "<@U000000BEN|Ben>",
    "`<!channel>`",
    "```\n<!here>\n```",
    "<\u200b!chan\u2060nel>",
    "<@\ufeffU000000BEN>",
    "**<!everyone>** and _<@U000000BEN>_",
    "> <!here>\n- <!channel>",
    "[<!channel>](https://example.org)",
    "&lt;!channel&gt; &#60;!here>",
    "<\\!channel>",
    "<!CHANNEL>",
    "<<!here>>",
    "@channel @here @everyone",
)


@pytest.mark.parametrize("text", PING)
async def test_nothing_the_model_writes_pings(
    adapter: SlackAdapter, slack: SlackStandIn, address: Address, text: str
) -> None:
    """Neither a post nor an edit, and not when it grows letter by letter."""
    converted = adapter.dialect.convert(text)
    posted = await adapter.post(address, Outbound(text=converted), "key1")
    await adapter.edit(address, posted.ref, Outbound(text="calm"))
    for end in range(1, len(text) + 1):
        await adapter.edit(address, posted.ref, Outbound(text=adapter.dialect.convert(text[:end])))
    assert slack.pings == []
    assert slack.unfurls == []


async def test_the_server_would_have_noticed(adapter: SlackAdapter, slack: SlackStandIn, address: Address) -> None:
    """Without the dialect the same texts ping, so the test above can fail."""
    await adapter.post(address, Outbound(text="<!channel>"), "key1")
    await adapter.post(address, Outbound(text="<@U000000BEN>"), "key2")
    assert {ping.who for ping in slack.pings} == {"everyone", "Ben Okafor"}
