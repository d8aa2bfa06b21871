"""The Web API answers the real client as Slack does, and is never kinder."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import BOT_SCOPES, SlackStandIn, Tier
from bot.playground.slack.blocks import problems
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.webapi import METHODS
from bot.playground.view import PEOPLE
from tests.playground.slack.conftest import QUICK

GENERAL = "C00GENERAL"
ADA = "U000000ADA"


def markdown(text: str) -> dict[str, Any]:
    return {"type": "markdown", "text": text}


def button(**more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": more.pop("label", "Stop")}
    return {"type": "actions", "elements": [{"type": "button", "action_id": "run.stop", "text": text, **more}]}


async def refusal(call: Awaitable[Any]) -> str:
    """Slack's word for why the call was refused."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


class TestAccess:
    async def test_identity(self, client: AsyncWebClient) -> None:
        """auth.test names team, user and bot, and the headers name the scopes."""
        answer = await client.auth_test()
        assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T00PARLEY1", "U00PARLEY1", "B00PARLEY1")
        assert answer.headers["x-oauth-scopes"].split(",") == list(BOT_SCOPES)

    @pytest.mark.parametrize("path", ["api/api.test", "link/", "files-pri/T1-F1/download/a"])
    async def test_other_hosts(self, slack: SlackStandIn, session: aiohttp.ClientSession, path: str) -> None:
        """Only the two names of loopback are answered, so no foreign name can be pointed here."""
        url = slack.api_url.removesuffix("api/") + path
        async with session.get(url, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        async with session.get(url.replace("127.0.0.1", "localhost")) as answer:
            assert answer.status != 403

    async def test_tokens(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """No token, a foreign one, and the wrong kind are refused in Slack's words."""
        assert await refusal(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
        assert await refusal(AsyncWebClient("xoxb-other", base_url=slack.api_url).auth_test()) == "invalid_auth"
        app = AsyncWebClient(slack.app_token, base_url=slack.api_url)
        assert await refusal(app.chat_postMessage(channel=GENERAL, text="x")) == "not_allowed_token_type"
        assert await refusal(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"

    async def test_missing_scope(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A missing scope is named, with what the token has."""
        with pytest.raises(SlackApiError) as caught:
            await client.users_lookupByEmail(email="ada@playground.example")
        answer = caught.value.response
        assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read.email")
        assert answer["provided"] == ",".join(BOT_SCOPES)

    async def test_scope_given(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """With the scope the same call works."""
        slack.set_rules(QUICK.model_copy(update={"scopes": (*BOT_SCOPES, "users:read.email")}))
        assert (await client.users_lookupByEmail(email="ada@playground.example"))["user"]["id"] == ADA

    async def test_unknown_method(self, client: AsyncWebClient) -> None:
        """What does not exist is unknown_method."""
        assert await refusal(client.api_call("chat.sing", json={})) == "unknown_method"

    async def test_query_form_and_json(self, slack: SlackStandIn, session: aiohttp.ClientSession) -> None:
        """The same call works with a query, a form and JSON, the token in header or arguments."""
        url, token = slack.api_url + "chat.postMessage", slack.bot_token
        header = {"Authorization": f"Bearer {token}"}
        values = {"channel": GENERAL, "text": "hi"}
        async with (
            session.post(url, params=values | {"token": token}) as query,
            session.post(url, data=values | {"token": token}) as form,
            session.post(url, json=values, headers=header) as as_json,
            session.get(url, params=values, headers=header) as got,
        ):
            answers = [await one.json() for one in (query, form, as_json, got)]
        assert [answer["ok"] for answer in answers] == [True] * 4
        assert [message.text for message in slack.messages("general")] == ["hi"] * 4

    async def test_wrong_types(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """An argument of the wrong type is invalid_arguments; an unknown one is noted."""
        assert (
            await refusal(client.api_call("chat.postMessage", json={"channel": GENERAL, "text": ["x"]}))
            == "invalid_arguments"
        )
        await client.chat_postMessage(channel=GENERAL, text="x", colour="red")
        assert slack.faults_seen == ["chat.postMessage has no argument colour"]

    async def test_bad_json(self, slack: SlackStandIn, session: aiohttp.ClientSession) -> None:
        """A body that is not JSON is refused, not a crash."""
        headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
        async with session.post(slack.api_url + "auth.test", data="{", headers=headers) as answer:
            assert (await answer.json())["error"] == "invalid_json"


class TestMessages:
    async def test_post_update_delete(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A message is posted, edited (counted and marked) and deleted."""
        posted = await client.chat_postMessage(channel="#general", text="one", blocks=[markdown("one")])
        changed = await client.chat_update(channel=GENERAL, ts=posted["ts"], text="two", blocks=[markdown("two")])
        assert changed["message"]["edited"]["user"] == "U00PARLEY1"
        view = slack.view().messages[0]
        assert (view.edits, view.html) == (1, "<p>two</p>\n")
        await client.chat_delete(channel=GENERAL, ts=posted["ts"])
        assert slack.messages("general") == ()
        assert slack.faults_seen == []

    async def test_update_of_one_field_is_a_fault(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """An update that names only text or only blocks is noted."""
        ts = (await client.chat_postMessage(channel=GENERAL, text="one", blocks=[markdown("one")]))["ts"]
        await client.chat_update(channel=GENERAL, ts=ts, text="two")
        await client.api_call("chat.update", json={"channel": GENERAL, "ts": ts, "blocks": [markdown("three")]})
        assert slack.faults_seen == [f"chat.update of {ts} names only {what}" for what in ("text", "blocks")]

    async def test_threads(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Replies count at their root, stay out of history, and come oldest first in replies."""
        root = await slack.speak("ada", "general", "question")
        for text in ("a", "b", "c"):
            await client.chat_postMessage(channel=GENERAL, text=text, thread_ts=root)
        history = await client.conversations_history(channel=GENERAL)
        assert [(one["ts"], one["reply_count"]) for one in history["messages"]] == [(root, 3)]
        replies = await client.conversations_replies(channel=GENERAL, ts=root)
        assert [one["text"] for one in replies["messages"]] == ["question", "a", "b", "c"]
        first = await client.conversations_replies(channel=GENERAL, ts=root, limit=2)
        assert first["has_more"]
        rest = await client.conversations_replies(
            channel=GENERAL, ts=root, limit=2, cursor=first["response_metadata"]["next_cursor"]
        )
        assert [one["text"] for one in rest["messages"]] == ["b", "c"]
        assert slack.view().messages[0].replies == 3

    async def test_oldest_is_exclusive(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """`oldest` leaves its own message out unless inclusive."""
        stamps = [await slack.speak("ada", "general", text) for text in "abc"]
        after = await client.conversations_history(channel=GENERAL, oldest=stamps[1])
        assert [one["text"] for one in after["messages"]] == ["c"]
        including = await client.conversations_history(channel=GENERAL, oldest=stamps[1], inclusive=True)
        assert [one["text"] for one in including["messages"]] == ["c", "b"]

    async def test_metadata_only_on_request(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Metadata comes back only with include_all_metadata."""
        metadata = {"event_type": "segment", "event_payload": {"run_id": "run_1"}}
        await client.chat_postMessage(channel=GENERAL, text="x", metadata=metadata)
        plain = (await client.conversations_history(channel=GENERAL))["messages"][0]
        assert "metadata" not in plain
        full = (await client.conversations_history(channel=GENERAL, include_all_metadata=True))["messages"][0]
        assert full["metadata"] == metadata

    async def test_ephemeral(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """An ephemeral message is for one person, in no history, and cannot be edited."""
        ts = (await client.chat_postEphemeral(channel=GENERAL, user=ADA, text="only you"))["message_ts"]
        assert [view.only_for for view in slack.view().messages] == ["ada"]
        assert (await client.conversations_history(channel=GENERAL))["messages"] == []
        assert await refusal(client.chat_update(channel=GENERAL, ts=ts, text="x", blocks=[])) == "message_not_found"

    async def test_refusals(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Wrong channels, messages and empty posts are refused in Slack's words."""
        theirs = await slack.speak("ada", "general", "mine")
        slack.remove_bot("support")
        assert await refusal(client.chat_postMessage(channel="C404", text="x")) == "channel_not_found"
        assert await refusal(client.chat_postMessage(channel="C00SUPPORT", text="x")) == "not_in_channel"
        assert await refusal(client.api_call("chat.postMessage", json={"channel": GENERAL})) == "no_text"
        assert await refusal(client.chat_update(channel=GENERAL, ts="1.1", text="x")) == "message_not_found"
        assert await refusal(client.chat_update(channel=GENERAL, ts=theirs, text="x")) == "cant_update_message"
        assert await refusal(client.chat_delete(channel=GENERAL, ts=theirs)) == "cant_delete_message"
        assert await refusal(client.conversations_replies(channel=GENERAL, ts="1.1")) == "thread_not_found"

    async def test_replies_need_a_root(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Answering to a reply or to nothing is refused and noted, not quietly misplaced."""
        root = await slack.speak("ada", "general", "question")
        reply = await slack.speak("ada", "general", "more", thread=root)
        for ts in (reply, "1.1"):
            post = client.chat_postMessage(channel=GENERAL, text="x", thread_ts=ts)
            assert await refusal(post) == "cannot_reply_to_message"
        assert len(slack.faults_seen) == 2

    async def test_client_msg_id(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Whether a repeated client_msg_id is refused is a setting."""
        for _ in range(2):
            await client.chat_postMessage(channel=GENERAL, text="x", client_msg_id="one")
        slack.set_rules(QUICK.model_copy(update={"client_msg_id_dedupes": True}))
        again = client.chat_postMessage(channel=GENERAL, text="x", client_msg_id="one")
        assert await refusal(again) == "duplicate_client_msg_id"

    async def test_permalink(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A permalink has the ts without its point."""
        ts = await slack.speak("ada", "general", "x")
        link = (await client.chat_getPermalink(channel=GENERAL, message_ts=ts))["permalink"]
        assert link.endswith(f"/archives/{GENERAL}/p{ts.replace('.', '')}")

    async def test_ts_rises(self, slack: SlackStandIn) -> None:
        """Every message has a later ts than the one before."""
        stamps = [await slack.speak("ada", "general", "x") for _ in range(200)]
        numbers = [tuple(map(int, ts.split("."))) for ts in stamps]
        assert numbers == sorted(set(numbers))

    async def test_reactions(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A reaction shows as its character, once, and can be taken back."""
        ts = await slack.speak("ada", "general", "x")
        await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
        assert await refusal(client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")) == "already_reacted"
        assert slack.view().messages[0].reactions == ("👀",)
        got = await client.reactions_get(channel=GENERAL, timestamp=ts)
        assert got["message"]["reactions"] == [{"name": "eyes", "users": ["U00PARLEY1"], "count": 1}]
        await client.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
        assert slack.view().messages[0].reactions == ()

    async def test_people_and_places(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Direct messages open by user; users and channels are what they are on the page."""
        opened = (await client.conversations_open(users=ADA))["channel"]["id"]
        assert (await client.conversations_info(channel=opened))["channel"]["user"] == ADA
        users = (await client.users_list())["members"]
        assert {user["real_name"] for user in users} == {"Parley", *(person.name for person in PEOPLE)}
        assert (await client.users_info(user=ADA))["user"]["is_admin"] is True
        assert len((await client.conversations_list(types="im"))["channels"]) == 3
        assert (await client.bots_info(bot="B00PARLEY1"))["bot"]["user_id"] == "U00PARLEY1"

    async def test_memberships(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Only where the bot is in; each kind of channel needs its own scope."""
        slack.remove_bot("support")
        listed = await client.conversations_list(types="public_channel")
        mine = await client.users_conversations(types="public_channel,im")
        assert {channel["id"] for channel in listed["channels"]} == {GENERAL, "C00SUPPORT"}
        assert {channel["id"] for channel in mine["channels"] if not channel["is_im"]} == {GENERAL}
        assert len(mine["channels"]) == 4
        scopes = tuple(scope for scope in QUICK.scopes if scope != "groups:read")
        slack.set_rules(QUICK.model_copy(update={"scopes": scopes}))
        assert await refusal(client.users_conversations(types="private_channel")) == "missing_scope"

    async def test_status(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A status shows, and the bot's next message in the thread clears it."""
        shown: list[Any] = []
        root = await slack.speak("ada", "dm", "x")
        channel = slack.messages("D000000ADA")[0].channel
        slack.watch(shown.append)
        await client.assistant_threads_setStatus(channel_id=channel, thread_ts=root, status="is thinking…")
        await client.chat_postMessage(channel=channel, thread_ts=root, text="done")
        assert [one.text for one in shown if type(one).__name__ == "StatusShown"] == ["is thinking…", ""]

    async def test_status_vanishes(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A status that is not renewed vanishes by itself."""
        slack.set_rules(QUICK.model_copy(update={"status_seconds": 0.01}))
        root = await slack.speak("ada", "dm", "x")
        texts: list[str] = []
        slack.watch(lambda change: texts.append(getattr(change, "text", "other")))
        await client.assistant_threads_setStatus(channel_id="D000000ADA", thread_ts=root, status="is thinking…")
        await slack.wait_for(lambda: texts == ["is thinking…", ""])

    async def test_titles_and_prompts(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Titles and up to four prompts are kept; a fifth is refused."""
        root = await slack.speak("ada", "dm", "x")
        await client.assistant_threads_setTitle(channel_id="D000000ADA", thread_ts=root, title="Leave")
        prompts = [{"title": f"t{number}", "message": "m"} for number in range(5)]
        await client.assistant_threads_setSuggestedPrompts(channel_id="D000000ADA", prompts=prompts[:4])
        too_many = client.assistant_threads_setSuggestedPrompts(channel_id="D000000ADA", prompts=prompts)
        assert await refusal(too_many) == "invalid_arguments"
        assert slack.world.titles == {("D000000ADA", root): "Leave"}
        assert len(slack.world.prompts["D000000ADA", ""]) == 4


class TestSizes:
    @pytest.mark.parametrize(
        ("blocks", "error"),
        [
            ([markdown("x" * 12_000)], None),
            ([markdown("x" * 12_001)], "invalid_blocks"),
            ([markdown("x" * 6_000), markdown("x" * 6_001)], "invalid_blocks"),
            ([markdown("x" * 13_201)], "msg_blocks_too_long"),
            ([{"type": "divider"}] * 50, None),
            ([{"type": "divider"}] * 51, "invalid_blocks"),
            ([button(label="x" * 75)], None),
            ([button(label="x" * 76)], "invalid_blocks"),
            ([button(value="x" * 2_001)], "invalid_blocks"),
            ([button(style="loud")], "invalid_blocks"),
            ([button(colour="red")], "invalid_blocks"),
            ([{"type": "actions", "elements": []}], "invalid_blocks"),
            ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}], "invalid_blocks"),
            ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "invalid_blocks"),
            ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "invalid_blocks"),
            ([markdown("")], "invalid_blocks"),
            ([{"type": "marquee"}], "invalid_blocks"),
            (["text"], "invalid_blocks"),
        ],
    )
    async def test_blocks(self, client: AsyncWebClient, blocks: list[Any], error: str | None) -> None:
        """Blocks are taken up to Slack's limits and refused beyond."""
        call = client.chat_postMessage(channel=GENERAL, text="x", blocks=blocks)
        if error is None:
            assert (await call)["ok"]
        else:
            assert await refusal(call) == error

    async def test_problem_is_named(self, client: AsyncWebClient) -> None:
        """invalid_blocks says where."""
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=GENERAL, text="x", blocks=[button(label="x" * 76)])
        messages = caught.value.response["response_metadata"]["messages"]
        assert messages == ["[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"]

    async def test_text(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A post is cut at 40,000 characters, an update refused above 4,000 bytes."""
        ts = (await client.chat_postMessage(channel=GENERAL, text="x" * 40_001))["ts"]
        assert len(slack.messages("general")[0].text) == 40_000
        assert await refusal(client.chat_update(channel=GENERAL, ts=ts, text="é" * 2_001)) == "msg_too_long"
        await client.chat_update(channel=GENERAL, ts=ts, text="é" * 2_000, blocks=[markdown("x")])

    async def test_markdown_text(self, client: AsyncWebClient) -> None:
        """markdown_text has the same limit and stands alone."""
        await client.chat_postMessage(channel=GENERAL, markdown_text="x" * 12_000)
        too_long = client.chat_postMessage(channel=GENERAL, markdown_text="x" * 12_001)
        assert await refusal(too_long) == "msg_too_long"
        both = client.chat_postMessage(channel=GENERAL, markdown_text="x", text="y")
        assert await refusal(both) == "markdown_text_conflict"

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["type", "text", "elements", "fields", "accessory", "block_id", "rows", "confirm"]),
                    inner | st.sampled_from(["section", "actions", "button", "mrkdwn", "markdown", "table", "context"]),
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_any_json_is_judged(self, value: Any) -> None:
        """Whatever comes as a block is judged, never a crash."""
        assert all(problem.startswith("[ERROR]") for problem in problems([value], SlackRules()))


class TestPingsAndUnfurls:
    @pytest.mark.parametrize(
        ("text", "who"),
        [
            ("<!channel>", {"everyone"}),
            ("<!here|here> <!everyone>", {"everyone"}),
            (f"<@{ADA}>", {"Ada Moreno"}),
            ("<!subteam^S1>", {"subteam^S1"}),
            ("&lt;!channel&gt; @channel @Ada Moreno", set()),
            ("<@everyone> <@&1> List<@Nullable T> <@u1>", set()),
        ],
    )
    async def test_pings(self, slack: SlackStandIn, client: AsyncWebClient, text: str, who: set[str]) -> None:
        """Entities ping in text, mrkdwn and markdown; escaped ones and bare names do not."""
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        for content in ({"text": text}, {"text": "x", "blocks": [section]}, {"text": "x", "blocks": [markdown(text)]}):
            slack.pings.clear()
            await client.chat_postMessage(channel=GENERAL, **content)
            assert {ping.who for ping in slack.pings} == who
            assert set(slack.view().messages[-1].pings) == who

    async def test_parse_full(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """parse=full and link_names make bare names ping."""
        await client.chat_postMessage(channel=GENERAL, text="@channel and @Ben Okafor", parse="full")
        assert {ping.who for ping in slack.pings} == {"everyone", "Ben Okafor"}

    async def test_edit(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """What an edit adds is noted as an edit, once."""
        ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]
        for _ in range(2):
            await client.chat_update(channel=GENERAL, ts=ts, text="<!here>", blocks=[markdown("y")])
        assert [(ping.who, ping.by) for ping in slack.pings] == [("everyone", "edit")]

    async def test_unfurls(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Links unfurl unless both switches are off."""
        link = "https://evil.example/?q=secret"
        await client.chat_postMessage(channel=GENERAL, text=link, unfurl_links=False, unfurl_media=False)
        assert slack.unfurls == []
        await client.chat_postMessage(channel=GENERAL, text="x", blocks=[markdown(f"[a]({link})")], unfurl_links=False)
        assert [one.url for one in slack.unfurls] == [link]


class TestRates:
    async def test_tier(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Calls beyond the bucket are 429 with whole seconds, and the log tells them apart."""
        slack.set_rules(
            QUICK.model_copy(
                update={"pace": 1.0, "tiers": SlackRules().tiers | {"tier3": Tier(per_minute=60, burst=2)}}
            )
        )
        ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]
        calls = [client.chat_update(channel=GENERAL, ts=ts, text="y", blocks=[markdown("y")]) for _ in range(4)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer.response for answer in answers if isinstance(answer, SlackApiError)]
        assert [(one.status_code, one["error"], one.headers["Retry-After"]) for one in refused] == [
            (429, "ratelimited", "1")
        ] * 2
        assert [call.status for call in slack.calls if call.method == "chat.update"].count(429) == 2

    async def test_posts_per_channel(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """Posts have a bucket for each channel."""
        slack.set_rules(QUICK.model_copy(update={"pace": 0.01}))
        for _ in range(3):
            await client.chat_postMessage(channel=GENERAL, text="x")
        assert await refusal(client.chat_postMessage(channel=GENERAL, text="x")) == "ratelimited"
        await client.chat_postMessage(channel="C00SUPPORT", text="x")

    async def test_limit_rate(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """On demand everything that writes is 429, reading goes on."""
        slack.limit_rate(9.5)
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=GENERAL, text="x")
        assert caught.value.response.headers["Retry-After"] == "10"
        await client.conversations_history(channel=GENERAL)

    @pytest.mark.parametrize("method", sorted(METHODS))
    def test_every_method_has_a_tier(self, method: str) -> None:
        """The tier of every method exists."""
        assert METHODS[method].tier in SlackRules().tiers


class TestFaults:
    @pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("503", 503)])
    async def test_status(self, slack: SlackStandIn, session: aiohttp.ClientSession, kind: Any, status: int) -> None:
        """An ordered status comes as often as ordered and the call has no effect."""
        slack.faults.add("chat.postMessage", kind, 2, seconds=7)
        statuses: list[int] = []
        for _ in range(3):
            async with session.post(
                slack.api_url + "chat.postMessage",
                json={"channel": GENERAL, "text": "x"},
                headers={"Authorization": f"Bearer {slack.bot_token}"},
            ) as answer:
                statuses.append(answer.status)
        assert statuses == [status, status, 200]
        assert len(slack.messages("general")) == 1

    @pytest.mark.parametrize(("kind", "effects"), [("cut_before", 0), ("cut_after", 1)])
    async def test_cut(self, slack: SlackStandIn, client: AsyncWebClient, kind: Any, effects: int) -> None:
        """A cut connection answers nothing, before or after the call took effect."""
        slack.faults.add("chat.postMessage", kind)
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel=GENERAL, text="x")
        assert len(slack.messages("general")) == effects
        assert [(call.status, call.error) for call in slack.calls] == [(0, kind)]

    async def test_trouble_after_the_effect(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """A 500, or an answer that comes late, although the call took effect."""
        slack.faults.add("chat.postMessage", "500_after")
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel=GENERAL, text="x")
        assert len(slack.messages("general")) == 1
        slack.faults.add("chat.postMessage", "slow_after", seconds=60)
        late = asyncio.create_task(client.chat_postMessage(channel=GENERAL, text="y"))
        await slack.wait_for(lambda: len(slack.messages("general")) == 2)
        assert not late.done()
        late.cancel()

    async def test_default_client_repeats_a_cut_post(self, slack: SlackStandIn) -> None:
        """The SDK's default retry turns one cut post into two messages."""
        slack.faults.add("chat.postMessage", "cut_after")
        await AsyncWebClient(slack.bot_token, base_url=slack.api_url).chat_postMessage(channel=GENERAL, text="x")
        assert len(slack.messages("general")) == 2

    async def test_error_and_slow(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        """An ordered error word comes instead of the effect, a slow call is carried out late."""
        slack.faults.add("*", "error", error="fatal_error")
        assert await refusal(client.chat_postMessage(channel=GENERAL, text="x")) == "fatal_error"
        slack.faults.add("chat.postMessage", "slow", seconds=0.05)
        before = asyncio.get_running_loop().time()
        await client.chat_postMessage(channel=GENERAL, text="x")
        assert asyncio.get_running_loop().time() - before >= 0.05
