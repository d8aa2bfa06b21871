"""Slash commands and buttons through the real Bolt application, as a person on the page uses them."""

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground.slack import SlackStandIn
from bot.playground.view import NotPossible, Upload
from tests.playground.slack.conftest import HASTY, QUICK, Connect

GENERAL = "C00GENERAL"
STOP: list[dict[str, Any]] = [
    {"type": "markdown", "text": "answer"},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "run.stop",
                "value": "run_1",
                "style": "danger",
                "text": {"type": "plain_text", "text": "Stop"},
            }
        ],
    },
]
MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Why?"},
    "blocks": [{"type": "divider"}],
}


async def test_command(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """A command brings person, place and text; its response URL answers publicly with a note."""
    seen: list[dict[str, Any]] = []

    @app.command("/ask")
    async def ask(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        seen.append(body)
        await respond("hello", response_type="in_channel")

    async with connect():
        assert await slack.command("ben", "support", "/ask", {"text": "how <b> & c?"}) == ""
        await slack.wait_for(lambda: slack.messages("support"))
    assert (seen[0]["user_id"], seen[0]["channel_id"], seen[0]["text"]) == ("U000000BEN", "C00SUPPORT", "how <b> & c?")
    view = slack.view().messages[0]
    assert (view.note, view.only_for, view.author) == ("Ben used /ask", None, "bot")


async def test_command_answered_with_the_ack(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """Text in the acknowledgement is shown to the person alone."""

    @app.command("/ask")
    async def ask(ack: AsyncAck) -> None:
        await ack("Say what you want to know.")

    async with connect():
        assert await slack.command("ben", "general", "ask", {}) == "Say what you want to know."
    assert [view.only_for for view in slack.view().messages] == ["ben"]


async def test_command_without_ack(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """A command that is not acknowledged in time fails for the person and is not repeated."""

    @app.command("/ask")
    async def ask() -> None:
        """Forget to acknowledge."""

    slack.set_rules(HASTY)
    async with connect():
        with pytest.raises(NotPossible, match="operation_timeout"):
            await slack.command("ben", "general", "ask", {"text": "x"})
    assert len(slack.sent) == 1


async def test_impossible_commands(slack: SlackStandIn) -> None:
    """Without a connection, undeclared, or with files, a command is refused with Slack's reason."""
    with pytest.raises(NotPossible, match="dispatch_failed"):
        await slack.command("ben", "general", "ask", {"text": "x"})
    with pytest.raises(NotPossible, match="not a valid command"):
        await slack.command("ben", "general", "nothing", {})
    with pytest.raises(NotPossible, match="no files"):
        await slack.command("ben", "general", "ask", {}, (Upload(name="a", content=b"a"),))


async def test_button(slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient, connect: Connect) -> None:
    """A press brings who, where, the message and the value; its response URL can replace the message."""
    seen: list[dict[str, Any]] = []

    @app.action("run.stop")
    async def stop(ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        seen.append(body)
        await respond(text="Stopped.", replace_original=True)

    root = await slack.speak("ada", "general", "question")
    ts = str((await client.chat_postMessage(channel=GENERAL, thread_ts=root, text="answer", blocks=STOP))["ts"])
    view = slack.view().messages[-1]
    assert [(one.id, one.label, one.style) for one in view.buttons] == [("run.stop", "Stop", "danger")]
    async with connect():
        await slack.press("chloe", GENERAL, ts, "run.stop")
        await slack.wait_for(lambda: slack.messages("general")[-1].text == "Stopped.")
    body = seen[0]
    assert body["actions"][0]["value"] == "run_1"
    assert body["container"] == {
        "type": "message", "message_ts": ts, "channel_id": GENERAL, "is_ephemeral": False, "thread_ts": root,
    }  # fmt: skip
    assert (body["user"]["id"], body["message"]["text"]) == ("U0000CHLOE", "answer")
    assert slack.view().messages[-1].buttons == ()


async def test_press_of_what_is_gone(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """A button that is not there any more cannot be pressed, nor one on a message for somebody else."""
    ts = str((await client.chat_postMessage(channel=GENERAL, text="answer"))["ts"])
    with pytest.raises(NotPossible, match="button"):
        await slack.press("ada", GENERAL, ts, "run.stop")
    await client.chat_postEphemeral(channel=GENERAL, user="U000000BEN", text="x", blocks=STOP)
    with pytest.raises(NotPossible, match="message"):
        await slack.press("ada", GENERAL, slack.messages("general")[-1].ts, "run.stop")


async def test_feedback_buttons(slack: SlackStandIn, client: AsyncWebClient) -> None:
    """Feedback buttons are two buttons."""
    choice = {"text": {"type": "plain_text", "text": "Good"}, "value": "up"}
    feedback = {"type": "feedback_buttons", "action_id": "fb", "positive_button": choice, "negative_button": choice}
    blocks = [{"type": "context_actions", "elements": [feedback]}]
    await client.chat_postMessage(channel=GENERAL, text="x", blocks=blocks)
    assert [one.id for one in slack.view().messages[0].buttons] == ["fb:positive", "fb:negative"]


async def test_response_url_limits(slack: SlackStandIn, app: AsyncApp, connect: Connect) -> None:
    """A response URL works five times, and not for ever."""
    urls: list[str] = []

    @app.command("/ask")
    async def ask(ack: AsyncAck, body: dict[str, Any]) -> None:
        urls.append(body["response_url"])
        await ack()

    async with connect():
        await slack.command("ben", "general", "ask", {"text": "x"})
        slack.set_rules(QUICK.model_copy(update={"response_url_seconds": -1.0}))
        await slack.command("ben", "general", "ask", {"text": "x"})
    fresh, stale = (AsyncWebhookClient(url) for url in urls)
    assert [(await fresh.send(text="x")).status_code for _ in range(6)] == [200] * 5 + [404]
    assert "expired_url" in (await stale.send(text="x")).body


async def test_modal(slack: SlackStandIn, app: AsyncApp, client: AsyncWebClient, connect: Connect) -> None:
    """A trigger opens one modal, and only while it lives."""
    triggers: list[str] = []

    @app.command("/ask")
    async def ask(ack: AsyncAck, body: dict[str, Any]) -> None:
        triggers.append(body["trigger_id"])
        await ack()

    async with connect():
        await slack.command("ben", "general", "ask", {"text": "x"})
        slack.set_rules(QUICK.model_copy(update={"trigger_seconds": -1.0}))
        await slack.command("ben", "general", "ask", {"text": "x"})
    await client.views_open(trigger_id=triggers[0], view=MODAL)
    assert len(slack.views) == 1
    for trigger, error in ((triggers[0], "invalid_trigger_id"), (triggers[1], "expired_trigger_id")):
        with pytest.raises(SlackApiError, match=error):
            await client.views_open(trigger_id=trigger, view=MODAL)
