"""Native streams and sessions: the stand-in obeys every rule that is known or reported of Slack's."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackStandIn, StreamRules
from bot.playground.slack.records import Message
from bot.playground.view import MessageView
from tests.playground.slack.conftest import QUICK, Connect
from tests.playground.slack.test_webapi import ADA, GENERAL, refusal

TEAM = "T00PARLEY1"


class Talk:
    """A question in a channel or in direct messages, and the stream that answers it."""

    def __init__(self, slack: SlackStandIn, client: AsyncWebClient) -> None:
        self.slack, self.client = slack, client
        self.channel = self.root = self.ts = ""

    async def ask(self, channel: str = "general") -> None:
        self.root = await self.slack.speak("ada", channel, "@Parley hello")
        place = self.slack.world.channel(ADA if channel == "dm" else channel)
        assert place is not None
        self.channel = place.id

    async def start(self, **more: Any) -> str:
        recipients = {"recipient_user_id": ADA, "recipient_team_id": TEAM}
        wanted = {"channel": self.channel, "thread_ts": self.root, **recipients, **more}
        answer = await self.client.api_call("chat.startStream", json={k: v for k, v in wanted.items() if v})
        self.ts = str(answer["ts"])
        return self.ts

    async def append(self, text: str = "", **more: Any) -> Any:
        content = {"markdown_text": text} if text else {}
        return await self.client.api_call(
            "chat.appendStream", json={"channel": self.channel, "ts": self.ts, **content, **more}
        )

    async def stop(self, **more: Any) -> Any:
        return await self.client.api_call("chat.stopStream", json={"channel": self.channel, "ts": self.ts, **more})

    async def update(self, text: str) -> Any:
        return await self.client.chat_update(channel=self.channel, ts=self.ts, text=text, blocks=[_markdown(text)])

    @property
    def message(self) -> Message:
        found = self.slack.world.message(self.channel, self.ts)
        assert found is not None
        return found

    @property
    def view(self) -> MessageView:
        return next(one for one in self.slack.view().messages if one.id == self.ts)


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "markdown", "text": text}


def task(name: str = "t1", title: str = "weather", status: str = "in_progress", **more: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": name, "title": title, "status": status, **more}


def rules(**streams: Any) -> Any:
    return QUICK.model_copy(update={"streams": StreamRules(**streams)})


@pytest.fixture
async def talk(slack: SlackStandIn, client: AsyncWebClient) -> Talk:
    talk = Talk(slack, client)
    await talk.ask()
    return talk


class TestLife:
    async def test_grows_and_ends(self, talk: Talk) -> None:
        """A stream grows by what is appended; the stop appends too, and puts blocks below."""
        await talk.start(markdown_text="One ")
        await talk.append("two ")
        assert (talk.view.streaming, talk.message.text) == (True, "One two ")
        await talk.stop(chunks=[{"type": "markdown_text", "text": "three."}], blocks=[{"type": "divider"}])
        assert (talk.view.streaming, talk.message.text) == (False, "One two three.")
        assert [block["type"] for block in talk.message.blocks] == ["markdown", "divider"]

    async def test_only_the_recipient_sees_it_grow(self, talk: Talk, slack: SlackStandIn) -> None:
        """Everybody else sees the first chunk, then nothing until the stop."""
        ts = await talk.start(markdown_text="One ")
        await talk.append("two.")
        assert slack.seen_by("ada", "general", ts) == "One two."
        assert slack.seen_by("ben", "general", ts) == "One "
        await talk.stop()
        assert slack.seen_by("ben", "general", ts) == "One two."

    async def test_people_are_notified_at_the_stop(self, talk: Talk, slack: SlackStandIn) -> None:
        """A post notifies at once, a stream when it ends, an edit never."""
        await talk.start(markdown_text="One")
        assert (slack.notices, talk.view.loud) == ([], False)
        await talk.stop()
        await talk.update("Two")
        assert [(one.ts, one.by) for one in slack.notices] == [(talk.ts, "stop")]
        assert talk.view.loud

    @pytest.mark.parametrize("life", ["absolute", "idle"])
    async def test_its_life_ends(self, talk: Talk, slack: SlackStandIn, life: str) -> None:
        """After its life nothing can be appended, and the message can be edited."""
        slack.set_rules(rules(seconds=0.3, life=life))
        await talk.start(markdown_text="One ")
        await slack.wait_for(lambda: not talk.view.streaming)
        assert await refusal(talk.append("two")) == "message_not_in_streaming_state"
        assert await refusal(talk.stop()) == "message_not_in_streaming_state"
        await talk.update("One two")

    async def test_appending_prolongs_an_idle_life_only(self, talk: Talk, slack: SlackStandIn) -> None:
        """Both readings of the reports can be had: total life, and life since the last append."""
        for life, outlives in (("idle", True), ("absolute", False)):
            slack.set_rules(rules(seconds=0.4, life=life, most_bytes=None))
            await talk.start(markdown_text="One ")
            began, refused = time.monotonic(), ""
            while time.monotonic() < began + 0.6 and not refused:
                try:
                    await talk.append("more ")
                except SlackApiError as error:
                    refused = error.response["error"]
            assert refused == ("" if outlives else "message_not_in_streaming_state")

    async def test_update_and_delete_wait_for_the_end(self, talk: Talk, client: AsyncWebClient) -> None:
        """While it is open it can be neither edited nor deleted."""
        await talk.start(markdown_text="One")
        assert await refusal(talk.update("Two")) == "streaming_state_conflict"
        assert await refusal(client.chat_delete(channel=GENERAL, ts=talk.ts)) == "cant_delete_message"
        await talk.stop()
        assert await refusal(talk.stop()) == "message_not_in_streaming_state"
        await talk.update("Two")
        await client.chat_delete(channel=GENERAL, ts=talk.ts)

    async def test_replies_say_how_it_stands(self, talk: Talk, client: AsyncWebClient) -> None:
        """`conversations.replies` gives `streaming_state` and, after the stop, the metadata; posts have no state."""
        await client.chat_postMessage(channel=GENERAL, thread_ts=talk.root, text="posted", unfurl_links=False)
        await talk.start(markdown_text="One")

        async def states() -> Sequence[object]:
            read = await client.conversations_replies(channel=GENERAL, ts=talk.root, include_all_metadata=True)
            return [(one.get("streaming_state"), one.get("metadata")) for one in read["messages"]]

        assert await states() == [(None, None), (None, None), ("in_progress", None)]
        metadata = {"event_type": "x", "event_payload": {"key": "k"}}
        await talk.stop(metadata=metadata)
        assert (await states())[2] == ("completed", metadata)

    async def test_the_person_stops_it(self, talk: Talk, slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
        """Slack's own Stop button ends the stream, tells the app which, and later appends are refused."""
        heard: list[dict[str, Any]] = []

        @app.event("agent_session_stopped")
        async def stopped(event: dict[str, Any]) -> None:
            heard.append(event)

        async with connect():
            await talk.start(markdown_text="One ")
            assert [button.label for button in talk.view.buttons] == ["Stop"]
            await slack.press("ada", "general", talk.ts, talk.view.buttons[0].id)
            await slack.wait_for(lambda: heard)
        assert (heard[0]["thread_ts"], heard[0]["streaming_message_ts"]) == (talk.root, [talk.ts])
        assert await refusal(talk.append("two")) == "stopped_by_user"
        assert slack.session("general", talk.root) == "active"
        await talk.update("One. Stopped.")


class TestRefusals:
    async def test_recipients(self, talk: Talk, slack: SlackStandIn) -> None:
        """In channels both recipient ids are needed; in direct messages their absence is noted."""
        assert await refusal(talk.start(recipient_user_id="", markdown_text="x")) == "missing_recipient_user_id"
        assert await refusal(talk.start(recipient_team_id="", markdown_text="x")) == "missing_recipient_team_id"
        await talk.ask("dm")
        await talk.start(recipient_user_id="", markdown_text="x")
        assert len(slack.faults_seen) == 1

    async def test_a_thread_is_needed(self, talk: Talk) -> None:
        """A stream is a reply."""
        talk.root = ""
        assert await refusal(talk.start(markdown_text="x")) == "invalid_arguments"

    async def test_size_of_a_call(self, talk: Talk, slack: SlackStandIn) -> None:
        """12,000 characters at once, however many chunks they are in."""
        slack.set_rules(rules(most_bytes=None))
        halves = [{"type": "markdown_text", "text": "x" * 6_000}, {"type": "markdown_text", "text": "y" * 6_001}]
        assert await refusal(talk.start(markdown_text="x" * 12_001)) == "msg_too_long"
        await talk.start(markdown_text="x" * 12_000)
        assert await refusal(talk.append(chunks=halves)) == "msg_too_long"

    async def test_size_of_a_message(self, talk: Talk, slack: SlackStandIn) -> None:
        """Bytes of the text and twice those of its steps count; only per call when the rules say so."""
        await talk.start(markdown_text="ä" * 5_000)
        await talk.append(chunks=[task(title="x" * 250)])
        assert await refusal(talk.append("x" * 501)) == "msg_too_long"
        await talk.append("x" * 500)
        slack.set_rules(rules(most_bytes=None))
        await talk.append("x" * 12_000)

    @pytest.mark.parametrize(
        "chunk",
        [
            "text",
            {"text": "no type"},
            {"type": "markdown_text"},
            {"type": "markdown_text", "text": ""},
            {"type": "markdown_text", "text": "x", "more": 1},
            {"type": "task_update", "id": "1", "title": "t"},
            task(status="done"),
            task(title="x" * 257),
            task(details="x" * 257),
            task(sources=[{"type": "file"}]),
            {"type": "plan_update", "title": ""},
            {"type": "blocks", "blocks": [{"type": "nonsense"}]},
            {"type": "nonsense"},
        ],
    )
    async def test_chunks(self, talk: Talk, chunk: object) -> None:
        """A chunk that is not exactly right is `invalid_chunks`, and nothing of the call takes effect."""
        await talk.start(markdown_text="One")
        chunks = [{"type": "markdown_text", "text": "two"}, chunk]
        assert await refusal(talk.append(chunks=chunks)) == "invalid_chunks"
        assert talk.message.text == "One"

    async def test_text_and_blocks_in_one_stop(self, talk: Talk, slack: SlackStandIn) -> None:
        """Refused unless the rules are lax; the text can come as a chunk."""
        await talk.start(markdown_text="One ")
        divider = [{"type": "divider"}]
        assert await refusal(talk.stop(markdown_text="two", blocks=divider)) == "markdown_text_conflict"
        slack.set_rules(rules(text_with_blocks=True))
        await talk.stop(markdown_text="two", blocks=divider)

    @pytest.mark.parametrize("word", ["unknown_method", "feature_not_enabled"])
    async def test_a_workspace_without_streams(self, talk: Talk, slack: SlackStandIn, word: str) -> None:
        """A switch makes all three methods say that they do not exist or may not be used."""
        slack.set_rules(rules(refusal=word))
        for call in (talk.start(markdown_text="x"), talk.append("x"), talk.stop()):
            assert await refusal(call) == word

    async def test_posted_messages_do_not_stream(self, talk: Talk, client: AsyncWebClient) -> None:
        """Only what `chat.startStream` made can be appended to."""
        posted = await client.chat_postMessage(channel=GENERAL, thread_ts=talk.root, text="posted")
        talk.ts = str(posted["ts"])
        assert await refusal(talk.append("x")) == "message_not_in_streaming_state"
        talk.ts = "1.000001"
        assert await refusal(talk.append("x")) == "message_not_found"

    @pytest.mark.parametrize(("method", "burst"), [("chat.startStream", 5), ("chat.appendStream", 20)])
    async def test_rates(self, talk: Talk, slack: SlackStandIn, method: str, burst: int) -> None:
        """Starts and stops are tier 2, appends tier 4."""
        await talk.start(markdown_text="x")
        slack.set_rules(QUICK.model_copy(update={"pace": 1.0}))
        call = {
            "chat.startStream": lambda: talk.start(markdown_text="x"),
            "chat.appendStream": lambda: talk.append("x"),
        }
        for _ in range(burst):
            await call[method]()
        assert await refusal(call[method]()) == "ratelimited"


class TestContent:
    async def test_steps(self, talk: Talk) -> None:
        """Titles and states are replaced; details and output grow."""
        await talk.start(chunks=[task(details="a", output="b"), _text("Hello ")])
        await talk.append(chunks=[task(title="Weather", status="complete", details="c", output="d")])
        [step] = talk.view.steps
        assert (step.title, step.state, step.details, step.output) == ("Weather", "done", "ac", "bd")
        await talk.stop()
        await talk.update("Only this")
        assert talk.view.steps == ()

    async def test_leading_white_space_may_vanish(self, talk: Talk, slack: SlackStandIn) -> None:
        """With that rule, a chunk that begins with white space loses it."""
        slack.set_rules(rules(eats_leading_space=True))
        await talk.start(markdown_text="One")
        await talk.append(" two ")
        await talk.append("three")
        assert talk.message.text == "Onetwo three"

    async def test_pings_are_seen_over_all_chunks(self, talk: Talk, slack: SlackStandIn) -> None:
        """A mention that is split over appends pings as soon as it is whole, and links are fetched at the stop."""
        await talk.start(markdown_text="Hi <!chan")
        assert slack.pings == []
        await talk.append("nel> https://evil.example/x `https://code.example/`")
        assert [ping.who for ping in slack.pings] == ["everyone"]
        assert slack.unfurls == []
        await talk.stop()
        assert [one.url for one in slack.unfurls] == ["https://evil.example/x"]


class TestSessions:
    async def test_a_start_sets_the_session_to_work(self, talk: Talk, slack: SlackStandIn) -> None:
        """The app has to end that; a stop can, and `agents.sessions.setStatus` too."""
        await talk.start(markdown_text="x")
        assert slack.session("general", talk.root) == "processing"
        await talk.stop()
        assert slack.session("general", talk.root) == "processing"
        await talk.client.agents_sessions_setStatus(channel_id=GENERAL, thread_ts=talk.root, status="suspended")
        assert slack.session("general", talk.root) == "suspended"
        await talk.start(markdown_text="x")
        await talk.stop(session_status="active")
        assert slack.session("general", talk.root) == "active"

    async def test_it_clears_by_itself(self, talk: Talk, slack: SlackStandIn) -> None:
        """After an hour nobody is at work any more."""
        slack.set_rules(rules(session_seconds=0.05))
        await talk.start(markdown_text="x")
        await talk.stop()
        await slack.wait_for(lambda: slack.session("general", talk.root) == "active")

    async def test_an_app_that_is_no_agent(self, talk: Talk, slack: SlackStandIn) -> None:
        """It is not authorized."""
        slack.set_rules(rules(session_refusal="not_authorized"))
        call = talk.client.agents_sessions_setStatus(channel_id=GENERAL, thread_ts=talk.root, status="active")
        assert await refusal(call) == "not_authorized"

    async def test_titles(self, talk: Talk, slack: SlackStandIn) -> None:
        """A session is renamed within 200 characters; one that does not exist cannot be."""
        rename = talk.client.agents_sessions_rename
        assert await refusal(rename(channel_id=GENERAL, thread_ts=talk.root, title="T")) == "session_not_found"
        await talk.start(markdown_text="x")
        await rename(channel_id=GENERAL, thread_ts=talk.root, title="Trip")
        assert slack.view().titles[f"{GENERAL} {talk.root}"] == "Trip"
        assert await refusal(rename(channel_id=GENERAL, thread_ts=talk.root, title="x" * 201)) == "invalid_arguments"


def _text(text: str) -> dict[str, str]:
    return {"type": "markdown_text", "text": text}
