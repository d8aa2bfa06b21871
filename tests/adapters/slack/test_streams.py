"""Native streams through the real SDK: what is appended, how every error ends, and that no text is ever lost."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.modes import LIFE
from adapters.slack.places import Place
from bot.domain.deliveries import Address
from bot.errors import RateLimited, StoppedByPerson, Unreachable
from bot.playground.slack import Call, SlackStandIn, StreamRules
from bot.playground.slack.records import Message
from bot.playground.view import MessageView
from bot.ports import Notes
from bot.relay.contract import Button, Outbound, Posted, Task
from tests.adapters.slack.conftest import RULES, adapter_of

TEAM, ADA = "T00PARLEY1", "U000000ADA"
RATE = (Button(op="up", run_id="run_7", label="Good"), Button(op="down", run_id="run_7", label="Bad"))
STOP = Button(op="stop", run_id="run_7", label="Stop", danger=True)
AGAIN = Button(op="again", run_id="run_7", call="1.0.1", label="Run it again", danger=True)


def writing(text: str, settled: int | None = None, **more: Any) -> Outbound:
    """A message that is being written; all but its last word stands."""
    return Outbound(text=text, settled=text.rfind(" ") + 1 if settled is None else settled, buttons=(STOP,), **more)


def whole(text: str, **more: Any) -> Outbound:
    """A message that is complete."""
    return Outbound(text=text, settled=len(text), complete=True, **more)


class Talk:
    """A question, and the adapter that answers it."""

    def __init__(self, slack: SlackStandIn, notes: Notes, channel: str, **config: Any) -> None:
        self.slack, self.notes, self.channel = slack, notes, channel
        self.adapter = self.another(**config)
        self.address = Address(platform="slack", place={})
        self.posted = Posted(ref={})
        self.asked = 0

    def another(self, **config: Any) -> SlackAdapter:
        """The same as another process has it."""
        settings = {"bot_token": self.slack.bot_token, "api_url": self.slack.api_url, **config}
        return SlackAdapter(SlackConfig.model_validate(settings), self.notes)

    async def ask(self) -> None:
        root = await self.slack.speak("ada", self.channel, "@Parley how?")
        place = self.slack.world.channel(ADA if self.channel == "dm" else self.channel)
        assert place is not None
        self.asked = len(self.slack.calls)
        where = {"channel": place.id, "thread": root, "asked": root, "recipient": ADA, "recipient_team": TEAM}
        self.address = Place(team=TEAM, **where).address()

    async def post(self, outbound: Outbound, key: str = "key1") -> Posted:
        self.posted = await self.adapter.post(self.address, outbound, key)
        return self.posted

    async def edit(self, outbound: Outbound, by: SlackAdapter | None = None) -> Any:
        return await (by or self.adapter).edit(self.address, self.posted.ref, outbound)

    @property
    def methods(self) -> list[str]:
        """What was asked of Slack about messages since the question, in order."""
        methods = [call.method for call in self.slack.calls[self.asked :]]
        return [method.removeprefix("chat.") for method in methods if method.startswith("chat.")]

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.slack.calls if call.method == method]

    @property
    def message(self) -> Message:
        found = self.slack.world.message(self.posted.ref["channel"], self.posted.ref["ts"])
        assert found is not None
        return found

    @property
    def shows(self) -> str:
        """The Markdown that people see."""
        texts = [str(block["text"]) for block in self.message.blocks if block["type"] == "markdown"]
        return "".join(texts).rstrip()

    @property
    def view(self) -> MessageView:
        return next(one for one in self.slack.view().messages if one.id == self.posted.ref["ts"])

    @property
    def session(self) -> str:
        return self.slack.session(self.address.place["channel"], self.address.place["thread"])

    def rule(self, **streams: Any) -> None:
        self.slack.set_rules(RULES.model_copy(update={"streams": StreamRules(**streams)}))


@pytest.fixture
async def talk(slack: SlackStandIn, notes: Notes) -> AsyncGenerator[Talk]:
    """A question in direct messages, where answers are streamed."""
    talk = Talk(slack, notes, "dm")
    await talk.ask()
    yield talk
    assert not slack.faults_seen
    await talk.adapter.close()


async def streaming(talk: Talk, text: str = "One two three") -> None:
    await talk.post(writing(text))
    assert talk.view.streaming


class TestLinks:
    async def test_no_address_in_a_stream_has_its_preview_loaded(self, talk: Talk) -> None:
        """Slack takes no `unfurl_links` for streams, so addresses are code there, however they were written."""
        link, other = "https://known.example/page_(a)", "https://known.example/b"
        beginning = f"See {link}, `{other}` and "
        text = f"{beginning}[here]({link}) <{other}>.\n\n[ref]: {other}\n\n```\n{link}\n```\nDone."
        await talk.post(writing(f"{beginning}mo"))
        await talk.edit(writing(text))
        await talk.edit(whole(text, final=True))
        assert talk.methods == ["startStream", "appendStream", "stopStream"]
        assert talk.slack.unfurls == []
        assert talk.shows == (
            f"See `{link}`, `{other}` and here (`{link}`) `{other}`.\n\n[ref] : `{other}`\n\n```\n{link}\n```\nDone."
        )

    async def test_a_message_that_is_edited_keeps_its_links(self, talk: Talk) -> None:
        text = "See https://known.example/page now."
        await talk.post(whole(text, final=True))
        assert (talk.shows, talk.slack.unfurls) == (text, [])


class TestGrowing:
    async def test_what_stands_is_appended_and_the_rest_comes_with_the_end(self, talk: Talk) -> None:
        """Real text begins the stream; no chunk begins with white space; the buttons come with the stop; no edit."""
        posted = await talk.post(writing("One two thr"))
        assert (posted.terms and posted.terms.life) == LIFE
        assert talk.message.text == "One two "
        assert await talk.edit(writing("One two three fo")) is None
        await talk.edit(writing("One two three four\n\nfive si"))
        await talk.edit(whole("One two three four\n\nfive six.", final=True, buttons=RATE, footer="[1] book"))
        assert talk.methods == ["startStream", "appendStream", "appendStream", "stopStream"]
        sent = [str(call.parameters.get("markdown_text", "")) for call in talk.slack.calls if "Stream" in call.method]
        assert not any(text[:1].isspace() for text in sent)
        assert talk.message.text == "One two three four\n\nfive six."
        assert [block["type"] for block in talk.message.blocks] == ["markdown", "context", "context_actions"]
        assert not talk.view.streaming

    async def test_it_begins_with_its_recipient_and_ends_with_its_key(self, talk: Talk) -> None:
        await streaming(talk)
        start = talk.calls("chat.startStream")[0].parameters
        assert (start["recipient_user_id"], start["recipient_team_id"]) == (ADA, TEAM)
        await talk.edit(whole("One two three.", final=True))
        assert talk.message.metadata == {"event_type": "parley_segment", "event_payload": {"key": "key1"}}

    async def test_nothing_is_asked_of_slack_when_nothing_new_stands(self, talk: Talk) -> None:
        await streaming(talk)
        await talk.edit(writing("One two threefold"))
        assert talk.methods == ["startStream"]

    async def test_a_pause_shows_all_and_the_next_paragraph_begins_clean(self, talk: Talk) -> None:
        """When all stands although it goes on, the break between the paragraphs is sent with the first of them."""
        talk.rule(eats_leading_space=True)
        await talk.post(writing("Let me look."[:12], settled=12))
        await talk.edit(writing("Let me look.\n\nFound it n"))
        await talk.edit(whole("Let me look.\n\nFound it now.", final=True))
        assert talk.message.text == "Let me look.\n\nFound it now."

    async def test_a_pause_may_be_the_end(self, talk: Talk) -> None:
        await talk.post(writing("That is all.", settled=12))
        await talk.edit(whole("That is all.", final=True))
        assert (talk.methods, talk.shows) == (["startStream", "stopStream"], "That is all.")

    async def test_an_answer_that_is_complete_at_once_is_posted(self, talk: Talk) -> None:
        """A short answer needs no stream; nor does one of which nothing stands yet, where it would begin empty."""
        await talk.post(whole("Yes.", final=True, buttons=RATE))
        await talk.post(writing("Unsettled", settled=0), "key2")
        assert talk.methods == ["postMessage", "postMessage"]
        assert talk.posted.terms is not None
        assert talk.posted.terms.life is None

    async def test_people_are_notified_once_at_the_end(self, talk: Talk) -> None:
        await streaming(talk)
        assert not talk.slack.notices
        await talk.edit(whole("One two three.", final=True))
        assert [notice.by for notice in talk.slack.notices] == ["stop"]

    async def test_a_message_that_is_left_is_stopped(self, talk: Talk) -> None:
        """The next one is a stream of its own, while the session is still at work."""
        await streaming(talk)
        await talk.edit(whole("One two three."))
        assert (talk.view.streaming, talk.session) == (False, "processing")
        await talk.post(writing("Four five six"), "key2")
        assert talk.methods == ["startStream", "stopStream", "startStream"]


class TestWhere:
    @pytest.mark.parametrize(
        ("channel", "config", "streams"),
        [
            ("dm", {}, True),
            ("dm", {"dm": "edit"}, False),
            ("general", {}, False),
            ("general", {"channels": "native"}, True),
        ],
    )
    async def test_modes(
        self, slack: SlackStandIn, notes: Notes, channel: str, config: Mapping[str, str], streams: bool
    ) -> None:
        """Direct messages are streamed and channels edited, unless the operator wants it otherwise."""
        talk = Talk(slack, notes, channel, **config)
        await talk.ask()
        assert (talk.adapter.terms(talk.address).life is not None) is streams
        await talk.post(writing("One two three"))
        await talk.edit(whole("One two three four.", final=True))
        wanted = ["startStream", "stopStream"] if streams else ["postMessage", "update"]
        assert (talk.methods, talk.shows) == (wanted, "One two three four.")
        await talk.adapter.close()

    @pytest.mark.parametrize("missing", ["thread", "recipient"])
    async def test_without_a_thread_or_a_recipient_nothing_is_streamed(self, talk: Talk, missing: str) -> None:
        place = {name: value for name, value in talk.address.place.items() if name != missing}
        talk.address = Place.model_validate(place).address()
        await talk.post(writing("One two three"))
        assert talk.methods == ["postMessage"]

    async def test_everybody_sees_an_edited_answer_grow(self, slack: SlackStandIn, notes: Notes) -> None:
        """Why channels are edited: of a stream others see the first words only."""
        for mode, seen in (("edit", "One two three four"), ("native", "One two ")):
            talk = Talk(slack, notes, "general", channels=mode)
            await talk.ask()
            await talk.post(writing("One two three"))
            await talk.edit(writing("One two three four fi", settled=19))
            text = slack.seen_by("ben", "general", talk.posted.ref["ts"])
            assert text.startswith(seen)
            assert ("four" in text) is (mode == "edit")
            await talk.adapter.close()


class TestErrors:
    async def test_its_life_is_over(self, talk: Talk) -> None:
        """The whole text stands there, and the answer is told to go on in another message."""
        talk.rule(seconds=0.2)
        await streaming(talk)
        await talk.slack.wait_for(lambda: not talk.view.streaming)
        terms = await talk.edit(writing("One two three four"))
        assert (terms.life, talk.shows) == (0.0, "One two three four")
        await talk.edit(whole("One two three four."))
        assert talk.methods == ["startStream", "appendStream", "update", "update"]

    @pytest.mark.parametrize("final", [False, True])
    async def test_its_life_is_over_at_the_stop(self, talk: Talk, final: bool) -> None:
        talk.rule(seconds=0.2)
        await streaming(talk)
        await talk.slack.wait_for(lambda: not talk.view.streaming)
        await talk.edit(whole("One two three four.", final=final))
        assert (talk.methods[-1], talk.shows) == ("update", "One two three four.")
        assert talk.session == ("active" if final else "processing")

    async def test_somebody_stops_it(self, talk: Talk) -> None:
        """The run is to be stopped; its end replaces what is there."""
        await streaming(talk)
        await talk.slack.press("ada", "dm", talk.posted.ref["ts"], talk.view.buttons[-1].id)
        with pytest.raises(StoppedByPerson):
            await talk.edit(writing("One two three four five"))
        await talk.edit(whole("One two three four\n\n_Stopped._", final=True))
        assert talk.shows == "One two three four\n\n_Stopped._"

    async def test_somebody_stops_it_at_its_very_end(self, talk: Talk) -> None:
        await streaming(talk)
        await talk.slack.press("ada", "dm", talk.posted.ref["ts"], talk.view.buttons[-1].id)
        await talk.edit(whole("One two three.", final=True))
        assert talk.shows == "One two three."

    async def test_too_much_text_for_slack(self, talk: Talk) -> None:
        """Stopped, whole, and left: at whichever size Slack really has its limit."""
        talk.rule(most_bytes=200)
        await streaming(talk)
        text = "One two three " + "four " * 40
        terms = await talk.edit(writing(text.strip()))
        assert (terms.life, talk.shows) == (0.0, text.strip())
        assert talk.methods == ["startStream", "appendStream", "stopStream", "update"]

    async def test_too_much_text_for_us(self, talk: Talk) -> None:
        """Steps count twice; before Slack refuses it we leave the message ourselves."""
        await streaming(talk)
        tasks = tuple(Task(id=str(number), title="x" * 250, state="done") for number in range(4))
        text = "One two three " + "four " * 1_750
        terms = await talk.edit(writing(text.strip(), tasks=tasks))
        assert (terms.life, talk.methods) == (0.0, ["startStream", "stopStream", "update"])

    async def test_steps_that_slack_does_not_take(self, talk: Talk) -> None:
        """From then on only text is sent for this answer."""
        await streaming(talk)
        task = Task(id="1.0", title="search", state="running")
        talk.slack.faults.add("chat.appendStream", "error", error="invalid_chunks")
        await talk.edit(writing("One two three four", tasks=(task,)))
        await talk.edit(writing("One two three four five", tasks=(task,)))
        assert talk.message.text == "One two three four "
        assert [("chunks" in call.parameters) for call in talk.calls("chat.appendStream")] == [True, False, False]
        await talk.edit(whole("One two three four five.", final=True, buttons=RATE))
        assert talk.shows == "One two three four five."

    @pytest.mark.parametrize("word", ["unknown_method", "feature_not_enabled", "method_deprecated"])
    async def test_a_workspace_without_streams(self, slack: SlackStandIn, notes: Notes, word: str) -> None:
        """Its answers are edited, and it is asked again after a day."""
        talk = Talk(slack, notes, "dm", native_pause=0.3)
        await talk.ask()
        talk.rule(refusal=word)
        await talk.post(writing("One two three"))
        terms = talk.posted.terms
        assert (terms and terms.life) is None
        await talk.edit(writing("One two three four"))
        await talk.post(writing("Again two three"), "key2")
        assert talk.methods == ["startStream", "postMessage", "update", "postMessage"]
        talk.rule()
        async with asyncio.timeout(5):
            while talk.methods[-1] != "startStream":
                await talk.post(writing("Once more two"), "key3")
        await talk.adapter.close()

    async def test_a_feature_that_goes_away_in_the_middle(self, talk: Talk) -> None:
        await streaming(talk)
        talk.slack.faults.add("chat.appendStream", "error", error="feature_not_enabled")
        terms = await talk.edit(writing("One two three four"))
        assert (terms.life, talk.shows) == (None, "One two three four")
        await talk.post(writing("Again two three"), "key2")
        assert talk.methods == ["startStream", "appendStream", "stopStream", "update", "postMessage"]

    @pytest.mark.parametrize("word", ["missing_recipient_user_id", "missing_recipient_team_id", "something_new"])
    async def test_a_start_that_is_refused(self, talk: Talk, word: str) -> None:
        """That answer is edited, and the log says that the mistake is ours."""
        talk.slack.faults.add("chat.startStream", "error", error=word)
        with capture_logs() as logged:
            await talk.post(writing("One two three"))
        await talk.post(writing("Four five six"), "key2")
        assert talk.methods == ["startStream", "postMessage", "postMessage"]
        assert [(line["log_level"], line["error"]) for line in logged] == [("error", word)]

    async def test_starts_that_are_limited(self, talk: Talk) -> None:
        """By us, after four at once, or by Slack: nobody waits, the answer is posted and edited."""
        for number in range(5):
            await talk.post(writing("One two three"), f"key{number}")
        assert talk.methods == ["startStream"] * 4 + ["postMessage"]

    async def test_starts_that_slack_limits(self, talk: Talk) -> None:
        talk.slack.faults.add("chat.startStream", "429", seconds=30)
        await talk.post(writing("One two three"))
        await talk.post(writing("One two three"), "key2")
        assert talk.methods == ["startStream", "postMessage", "postMessage"]

    @pytest.mark.parametrize(("method", "text"), [("append", "One two three "), ("stop", "One two ")])
    async def test_a_429_changes_nothing(self, talk: Talk, method: str, text: str) -> None:
        await streaming(talk)
        talk.slack.faults.add(f"chat.{method}Stream", "429", seconds=2)
        outbound = whole("One two three four") if method == "stop" else writing("One two three four")
        with pytest.raises(RateLimited):
            await talk.edit(outbound)
        assert talk.view.streaming
        await talk.edit(outbound)
        assert talk.message.text == ("One two three four" if method == "stop" else text)
        assert "update" not in talk.methods


class TestDoubt:
    @pytest.mark.parametrize("fault", ["cut_before", "cut_after", "500_after"])
    @pytest.mark.parametrize("method", ["append", "stop"])
    async def test_after_a_lost_answer_nothing_is_appended_any_more(self, talk: Talk, method: str, fault: Any) -> None:
        """Nobody knows whether it took effect: the stream is stopped, whatever comes of that, and the text replaced."""
        await streaming(talk)
        talk.slack.faults.add(f"chat.{method}Stream", fault)
        outbound = whole("One two three four.", final=True) if method == "stop" else writing("One two three four")
        with pytest.raises(Unreachable):
            await talk.edit(outbound)
        terms = await talk.edit(outbound)
        assert (terms.life, talk.shows) == (None, outbound.text)
        await talk.edit(whole("One two three four five.", final=True))
        assert talk.methods[-2:] == ["update", "update"]
        assert talk.methods.count("appendStream") == (method == "append")
        assert talk.shows == "One two three four five."

    async def test_a_request_that_is_broken_off_is_in_doubt_too(self, talk: Talk) -> None:
        await streaming(talk)
        talk.slack.faults.add("chat.appendStream", "slow_after", seconds=5)
        before = talk.message
        task = asyncio.create_task(talk.edit(writing("One two three four")))
        await talk.slack.wait_for(lambda: talk.message != before)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await talk.edit(writing("One two three four five"))
        assert talk.shows == "One two three four five"
        assert talk.methods.count("appendStream") <= 1

    async def test_another_process_goes_on_by_edits(self, talk: Talk) -> None:
        """After a crash the stream may still be open: it is stopped, once, and never appended to."""
        await streaming(talk)
        successor = talk.another()
        for text in ("One two three four", "One two three four five"):
            await talk.edit(writing(text), successor)
            assert talk.shows == text
        await talk.edit(whole("One two three four five.", final=True, buttons=RATE), successor)
        assert talk.methods == ["startStream", "stopStream", "update", "update", "update"]
        assert (talk.session, talk.message.metadata) == (
            "active",
            {"event_type": "parley_segment", "event_payload": {"key": "key1"}},
        )
        await successor.close()

    async def test_a_stream_that_counted_as_ended_but_has_not(self, talk: Talk) -> None:
        """Slack refuses the edit: that is trouble for now, and the next try stops it."""
        await streaming(talk)
        successor = talk.another()
        talk.slack.faults.add("chat.stopStream", "error", error="some_trouble")
        with pytest.raises(Unreachable):
            await talk.edit(writing("One two three four"), successor)
        await talk.edit(writing("One two three four"), successor)
        assert talk.shows == "One two three four"
        await successor.close()

    async def test_a_text_that_was_taken_back(self, talk: Talk) -> None:
        """What was sent is not the beginning of what should stand there: stopped, and replaced."""
        await streaming(talk)
        terms = await talk.edit(writing("Once upon a time"))
        assert (terms.life, talk.shows) == (None, "Once upon a time")
        assert talk.methods == ["startStream", "stopStream", "update"]

    @pytest.mark.parametrize("fault", ["cut_after", "cut_before"])
    async def test_a_start_whose_answer_is_lost_is_found(self, talk: Talk, fault: Any) -> None:
        """A stream carries no key before its end: it is one of ours that nothing else is known of."""
        talk.slack.faults.add("chat.startStream", fault)
        with pytest.raises(Unreachable):
            await talk.post(writing("One two three"))
        found = await talk.adapter.find(talk.address, "key1", 0.0, [])
        assert (found is not None) is (fault == "cut_after")
        if found is not None:
            talk.posted = found
            assert found.terms is not None
            assert found.terms.life is None
            await talk.edit(whole("One two three four.", final=True))
            assert talk.shows == "One two three four."

    async def test_other_streams_of_the_thread_are_not_taken_for_it(self, talk: Talk) -> None:
        """Neither the answer's own other messages, nor earlier answers, which have ended and carry their keys."""
        await streaming(talk)
        await talk.edit(whole("An earlier answer.", final=True))
        await streaming(talk, "The first message of ours")
        known = [talk.posted.ref]
        assert await talk.adapter.find(talk.address, "key9", 0.0, known) is None
        await talk.slack.speak(
            "ben" if talk.channel != "dm" else "ada", talk.channel, "hm", thread=talk.posted.ref["ts"]
        )
        assert await talk.adapter.find(talk.address, "key9", 0.0, known) is None
        talk.slack.faults.add("chat.startStream", "cut_after")
        with pytest.raises(Unreachable):
            await talk.post(writing("The second message of ours"), "key9")
        found = await talk.adapter.find(talk.address, "key9", 0.0, known)
        assert found is not None
        newest = talk.slack.messages(talk.address.place["channel"])[-1]
        assert found.ref["ts"] == newest.ts
        assert newest.text == "The second message of "


class TestSteps:
    async def test_cards(self, talk: Talk) -> None:
        """Each step is a card; it is sent when it changes only; what failed is complete and says so."""
        search, book = Task(id="1.0", title="search", state="running"), Task(id="1.1", title="book", state="running")
        await talk.post(writing("One two three", tasks=(search,)))
        await talk.edit(writing("One two three", tasks=(search, book)))
        done = (search.model_copy(update={"state": "done"}), book.model_copy(update={"state": "failed"}))
        await talk.edit(writing("One two three four", tasks=done))
        await talk.edit(whole("One two three four.", final=True, tasks=done))
        assert [(step.title, step.state) for step in talk.view.steps] == [("search", "done"), ("Failed: book", "done")]
        sent = [call.parameters.get("chunks", []) for call in talk.slack.calls if "Stream" in call.method]
        ids = [[chunk.get("id") for chunk in chunks if chunk["type"] == "task_update"] for chunks in sent]  # type: ignore[union-attr, index]
        assert ids == [["1.0"], ["1.1"], ["1.0", "1.1"], []]

    @pytest.mark.parametrize(
        ("more", "title"), [({}, "search (goes on below)"), ({"asking": True}, "search (interrupted)")]
    )
    async def test_no_card_goes_on_for_ever(self, talk: Talk, more: Mapping[str, bool], title: str) -> None:
        """With the end of a message its steps end; where it was left they are shown again below."""
        task = Task(id="1.0", title="search", state="running")
        await talk.post(writing("One two three", tasks=(task,)))
        await talk.edit(whole("One two three.", **more))
        assert [(step.title, step.state) for step in talk.view.steps] == [(title, "done")]

    async def test_without_a_stream_they_are_one_line(self, slack: SlackStandIn, notes: Notes) -> None:
        talk = Talk(slack, notes, "general")
        await talk.ask()
        states = ("done", "failed", "running")
        tasks = tuple(Task(id=state, title=f"tool_{state}", state=state) for state in states)  # type: ignore[arg-type]
        await talk.post(writing("One two three", tasks=tasks))
        line = talk.message.blocks[1]
        assert line["elements"] == [
            {"type": "plain_text", "text": "✓ tool_done · ✗ tool_failed · ⏳ tool_running", "emoji": False}
        ]
        await talk.adapter.close()


class TestSessions:
    async def test_a_question_suspends_and_its_end_activates(self, talk: Talk) -> None:
        """The buttons of the question stand under the stopped message; it goes on by edits."""
        await streaming(talk)
        await talk.edit(whole("One two three. Did it work?", asking=True, buttons=(AGAIN, STOP)))
        assert (talk.session, talk.view.streaming) == ("suspended", False)
        assert [button.label for button in talk.view.buttons] == ["Run it again", "Stop"]
        await talk.edit(writing("One two three. Going on"))
        await talk.edit(whole("One two three. Done.", final=True))
        assert (talk.session, talk.shows) == ("active", "One two three. Done.")

    async def test_without_a_stream_too(self, slack: SlackStandIn, notes: Notes) -> None:
        talk = Talk(slack, notes, "general")
        await talk.ask()
        await talk.post(writing("One two three"))
        await talk.edit(whole("One two three?", asking=True, buttons=(AGAIN,)))
        assert talk.session == "suspended"
        await talk.edit(whole("One two three.", final=True))
        assert talk.session == "active"
        await talk.adapter.close()

    async def test_an_app_that_is_no_agent_is_told_so_once(self, slack: SlackStandIn, notes: Notes) -> None:
        talk = Talk(slack, notes, "general")
        talk.rule(session_refusal="not_authorized")
        await talk.ask()
        for number in range(3):
            await talk.post(whole("Really?", asking=True, buttons=(AGAIN,)), f"key{number}")
        assert len(talk.calls("agents.sessions.setStatus")) == 1
        await talk.adapter.close()


class TestStatus:
    async def test_it_says_something_new_in_turn(self, talk: Talk) -> None:
        await talk.adapter.status(talk.address, "is thinking…")
        status = talk.slack.world.statuses[talk.address.place["channel"], talk.address.place["thread"]]
        assert status.text == "is thinking…"
        assert 2 <= len(status.loading_messages) <= 10
        await talk.adapter.status(talk.address, "is using search…")
        status = talk.slack.world.statuses[talk.address.place["channel"], talk.address.place["thread"]]
        assert status.loading_messages == ()

    async def test_where_it_is_refused_we_look_at_the_question(self, talk: Talk) -> None:
        """Once, until there is nothing to wait for any more."""
        channel, asked = talk.address.place["channel"], talk.address.place["asked"]

        def reactions() -> list[str]:
            message = talk.slack.world.message(channel, asked)
            assert message is not None
            return [reaction.name for reaction in message.reactions]

        talk.slack.faults.add("assistant.threads.setStatus", "error", 2, error="not_allowed")
        await talk.adapter.status(talk.address, "is thinking…")
        await talk.adapter.status(talk.address, "is using search…")
        assert reactions() == ["eyes"]
        assert len(talk.calls("reactions.add")) == 1
        await talk.adapter.status(talk.address, None)
        assert reactions() == []


async def test_small_print_is_no_markup(slack: SlackStandIn, notes: Notes) -> None:
    """It can neither ping nor link, and a long one is kept within what a block takes."""
    adapter = adapter_of(slack, notes)
    talk = Talk(slack, notes, "general")
    await talk.ask()
    talk.adapter = adapter
    await talk.post(whole("Text.", final=True, footer="<!channel> https://evil.example " + "x" * 5_000))
    assert [len(one["text"]) for one in talk.message.blocks[1]["elements"]] == [2_900, 2_132]  # type: ignore[union-attr, index, arg-type]
    assert (slack.pings, slack.unfurls) == ([], [])
    await adapter.close()
