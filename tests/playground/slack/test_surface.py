"""Menus of messages, forms, the home page, edits and deletions: as a person has them, through the real Bolt."""

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackStandIn
from bot.playground.view import Change, FormShown, NotPossible, SceneryShown
from tests.playground.slack.conftest import Connect

GENERAL = "C00GENERAL"
DM = "D000000ADA"
WHO = {
    "type": "input",
    "block_id": "who",
    "label": {"type": "plain_text", "text": "Who sees it?"},
    "element": {
        "type": "static_select",
        "action_id": "value",
        "options": [
            {"text": {"type": "plain_text", "text": label}, "value": label.lower()} for label in ("Me", "Everybody")
        ],
        "initial_option": {"text": {"type": "plain_text", "text": "Me"}, "value": "me"},
    },
}
QUESTION = {
    "type": "input",
    "block_id": "question",
    "label": {"type": "plain_text", "text": "Question"},
    "element": {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 20},
}
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "ask",
    "private_metadata": "kept",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [QUESTION, WHO],
}
HOME: dict[str, Any] = {
    "type": "home",
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Hello* <@U000000ADA>"}}],
}


async def opened(slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient) -> list[Change]:
    """A shortcut that opens the form; returns what the page is told from now on."""
    changes: list[Change] = []
    slack.watch(changes.append)

    @app.shortcut("ask_about_message")
    async def shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        assert body["message"]["text"] == "look at this"
        assert body["response_url"]
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    return changes


async def form(slack: SlackStandIn, changes: list[Change]) -> FormShown:
    def shown() -> FormShown | None:
        return next((change for change in changes if isinstance(change, FormShown)), None)

    found = await slack.wait_for(shown)
    assert found is not None
    return found


async def test_a_shortcut_opens_a_form_for_one_person(
    slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient, connect: Connect
) -> None:
    changes = await opened(slack, app, client)
    ts = await slack.speak("ben", "general", "look at this")
    assert [menu.label for menu in slack.view().menus] == ["Ask about this", "Summarise thread"]
    async with connect():
        assert await slack.choose("ada", "general", ts, "ask_about_message") == ""
        shown = await form(slack, changes)
    assert (shown.person, shown.form.title, shown.form.submit) == ("ada", "Ask", "Go")
    question, who = shown.form.fields
    assert (question.id, question.multiline, question.required, question.choices) == ("question", True, True, ())
    assert (who.value, who.choices) == ("Me", ("Me", "Everybody"))


async def test_a_form_says_what_was_put_in(
    slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient, connect: Connect
) -> None:
    """Once: it closes when it is taken; only its owner can send it, and not without what is required."""
    changes = await opened(slack, app, client)
    bodies: list[dict[str, Any]] = []

    @app.view("ask")
    async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
        bodies.append(body)
        if len(bodies) == 1:
            await ack(response_action="errors", errors={"question": "Say more."})
        else:
            await ack()

    ts = await slack.speak("ben", "general", "look at this")
    async with connect():
        await slack.choose("ada", "general", ts, "ask_about_message")
        name = (await form(slack, changes)).form.id
        for person, values, problem in (
            ("ben", {"question": "why?"}, "not open"),
            ("ada", {}, "required"),
            ("ada", {"question": "why?", "who": "Nobody"}, "no choice"),
            ("ada", {"question": "w" * 21}, "no more than 20"),
            ("ada", {"question": "why?"}, "Say more"),
        ):
            with pytest.raises(NotPossible, match=problem):
                await slack.submit(person, name, values)
        await slack.submit("ada", name, {"question": "why not?", "who": "Everybody"})
        with pytest.raises(NotPossible, match="not open"):
            await slack.submit("ada", name, {"question": "again"})
    view = bodies[-1]["view"]
    assert view["private_metadata"] == "kept"
    assert view["state"]["values"]["question"]["value"]["value"] == "why not?"
    assert view["state"]["values"]["who"]["value"]["selected_option"]["value"] == "everybody"
    assert bodies[-1]["user"]["id"] == "U000000ADA"


@pytest.mark.parametrize(
    "change",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"submit": None},
        {"private_metadata": "x" * 3_001},
        {"blocks": []},
        {"blocks": [{"type": "markdown", "text": "no"}]},
        {"blocks": [{**QUESTION, "label": {"type": "mrkdwn", "text": "no"}}]},
        {"blocks": [{**WHO, "element": {**WHO["element"], "options": []}}]},  # type: ignore[dict-item]
        {"surprise": 1},
        {"type": "home"},
    ],
)
async def test_views_that_slack_refuses(
    slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient, connect: Connect, change: dict[str, Any]
) -> None:
    triggers: list[str] = []

    @app.command("/ask")
    async def ask(ack: AsyncAck, body: dict[str, Any]) -> None:
        triggers.append(body["trigger_id"])
        await ack()

    async with connect():
        await slack.command("ben", "general", "ask", {"text": "x"})
    view = {key: value for key, value in {**MODAL, **change}.items() if value is not None}
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_open(trigger_id=triggers[0], view=view)
    assert not slack.views


async def test_the_home_page_of_a_person(slack: SlackStandIn, client: AsyncWebClient) -> None:
    changes: list[Change] = []
    slack.watch(changes.append)
    await client.views_publish(user_id="U000000ADA", view=HOME)
    assert changes == [SceneryShown("slack")]
    (home,) = slack.view().homes
    assert home.person == "ada"
    assert "<strong>Hello</strong>" in home.html
    assert "@Ada Moreno" in home.html
    slack.set_rules(slack.rules.model_copy(update={"home_tab": False}))
    with pytest.raises(SlackApiError, match="not_enabled"):
        await client.views_publish(user_id="U000000ADA", view=HOME)
    with pytest.raises(NotPossible, match="no home page"):
        await slack.visit("ada", "home")


async def test_prompts_and_titles_show(slack: SlackStandIn, client: AsyncWebClient) -> None:
    ts = await slack.speak("ada", "dm", "hello")
    await client.api_call(
        "assistant.threads.setSuggestedPrompts",
        json={"channel_id": DM, "prompts": [{"title": "Help", "message": "What can you do?"}]},
    )
    await client.assistant_threads_setTitle(channel_id=DM, thread_ts=ts, title="Greetings")
    view = slack.view()
    assert [(one.title, one.text) for one in view.prompts[DM]] == [("Help", "What can you do?")]
    assert view.titles == {f"{DM} {ts}": "Greetings"}


async def test_pages_threads_and_stops_are_told(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """`app_home_opened` with its tab, `assistant_thread_started`, `agent_session_stopped`."""
    events: list[dict[str, Any]] = []

    async def note(event: dict[str, Any]) -> None:
        events.append(event)

    for kind in ("app_home_opened", "assistant_thread_started", "agent_session_stopped"):
        app.event(kind)(note)
    async with connect():
        await slack.visit("ada", "home")
        await slack.visit("ada", "messages")
        root = slack.begin_thread("ada")
        slack.stop_session("ada", "dm", root)
        await slack.wait_for(lambda: len(events) == 4)
    assert [event.get("tab") for event in events if event["type"] == "app_home_opened"] == ["home", "messages"]
    started = next(event["assistant_thread"] for event in events if event["type"] == "assistant_thread_started")
    stopped = next(event for event in events if event["type"] == "agent_session_stopped")
    assert started["thread_ts"] == stopped["thread_ts"] == root
    assert stopped["user"] == "U000000ADA"


async def test_edits_deletions_and_previews_are_told(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """A preview is a change without other words; of a deleted message with replies a tombstone stays."""
    events: list[dict[str, Any]] = []

    @app.event("message")
    async def note(event: dict[str, Any]) -> None:
        if "subtype" in event:
            events.append(event)

    root = await slack.speak("ben", "general", "see https://a.example/")
    reply = await slack.speak("ada", "general", "yes", thread=root)
    async with connect():
        slack.preview(GENERAL, root, "https://a.example/")
        await slack.wait_for(lambda: len(events) == 1)
        await slack.amend("ben", "general", root, "see what?")
        await slack.wait_for(lambda: len(events) == 2)
        await slack.retract("ben", "general", root)
        await slack.wait_for(lambda: len(events) == 3)
        await slack.retract("ada", "general", reply)
        await slack.wait_for(lambda: len(events) == 4)
    preview, edit, tombstone, deletion = events
    assert preview["message"]["text"] == preview["previous_message"]["text"]
    assert "edited" not in preview["message"]
    assert (edit["message"]["text"], edit["previous_message"]["text"]) == ("see what?", "see <https://a.example/>")
    assert edit["message"]["edited"]["user"] == "U000000BEN"
    assert (tombstone["subtype"], tombstone["message"]["subtype"]) == ("message_changed", "tombstone")
    assert tombstone["message"]["user"] == "USLACKBOT"
    assert (deletion["subtype"], deletion["deleted_ts"]) == ("message_deleted", reply)
    assert [message.text for message in slack.messages("general")] == ["This message was deleted."]


async def test_whose_messages_one_may_change(slack: SlackStandIn) -> None:
    """Only authors edit; authors and administrators delete."""
    ts = await slack.speak("ben", "general", "mine")
    for person in ("ada", "chloe"):
        with pytest.raises(NotPossible, match="not your message"):
            await slack.amend(person, "general", ts, "yours")
    with pytest.raises(NotPossible, match="not your message"):
        await slack.retract("chloe", "general", ts)
    await slack.retract("ada", "general", ts)
    assert slack.messages("general") == ()


async def test_a_forwarded_message_hangs_on_the_new_one(slack: SlackStandIn) -> None:
    source = await slack.speak("ben", "support", "the *server* is down")
    await slack.speak("ben", "support", "really", thread=source)
    slack.forward("ada", ("support", source), "general", "is that so?")
    (attachment,) = slack.messages("general")[0].attachments
    assert (attachment["text"], attachment["author_id"], attachment["ts"]) == (
        "the *server* is down",
        "U000000BEN",
        source,
    )
    assert "<blockquote><b>Ben Okafor</b>" in slack.view().messages[0].html
