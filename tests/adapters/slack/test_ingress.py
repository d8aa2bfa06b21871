"""Payloads as Slack sends them, through the real Bolt application."""

import json
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Any

import pytest
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.api import SlackApi
from adapters.slack.courtesies import Courtesies
from adapters.slack.front import Front
from adapters.slack.inbound import Reader, message_keys
from adapters.slack.ingress import Ingress
from adapters.slack.living_sockets import LivingSockets
from adapters.slack.payloads import Envelope, Head
from adapters.slack.replies import Identity
from adapters.slack.settings import SlackConfig
from adapters.slack.socket import Socket
from adapters.slack.users import Users
from adapters.slack.watch import Watch
from adapters.slack.web import Web
from bot.playground.slack import SlackStandIn
from bot.relay.contract import Inbound, Verdict
from tests.support.reception import RecordingReception

US = Identity(team_id="T1", user_id="UBOT", user="parley")


def envelope(**event: object) -> dict[str, Any]:
    said = {"type": "message", "channel": "C1", "user": "U1", "ts": "1700000000.000100", "text": "<@UBOT> hi", **event}
    return {"type": "event_callback", "api_app_id": "A1", "team_id": "T1", "event_id": "Ev1", "event": said}


class BrokenReception(RecordingReception):
    async def receive(self, inbound: Inbound) -> Verdict:
        raise LookupError(inbound.event.conversation)


@pytest.fixture
async def app(slack: SlackStandIn, reception: RecordingReception) -> AsyncGenerator[AsyncApp]:
    async for application in application_for(slack, reception):
        yield application


async def application_for(slack: SlackStandIn, reception: RecordingReception) -> AsyncGenerator[AsyncApp]:
    tokens = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_url": slack.api_url}
    web = Web(SlackConfig.model_validate(tokens))
    api = SlackApi(web, SecretStr(slack.bot_token))
    small_things = Courtesies()
    ingress = Ingress(api, US, Reader(US, Users(api)), reception, small_things, lambda _ts: nullcontext())

    async def always(_head: Head) -> Ingress:
        return ingress

    try:
        yield Front(always).app(web.client())
    finally:
        await small_things.cancel()
        await web.close()


async def answer(app: AsyncApp, body: dict[str, Any]) -> BoltResponse:
    return await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))


async def test_a_mention_is_accepted(app: AsyncApp, reception: RecordingReception) -> None:
    """The envelope of the tests below is a good one."""
    assert (await answer(app, envelope())).status == 200
    assert [inbound.event.text for inbound in reception.inbound] == ["hi"]


@pytest.mark.parametrize(
    "body",
    [
        envelope(user="UBOT"),
        envelope(bot_id="BBOT"),
        envelope(bot_id="BOTHER", user="UOTHER"),
        envelope(subtype="bot_message", bot_id="BOTHER", user=None),
        envelope(user="USLACKBOT"),
        envelope(user=None),
        envelope(hidden=True),
        *(
            envelope(subtype=subtype)
            for subtype in ("message_changed", "message_deleted", "channel_join", "me_message", "message_replied")
        ),
        envelope(text="no mention at all"),
        {**envelope(), "event": {"type": "reaction_added", "user": "U1", "item": {"channel": "C1"}}},
        {**envelope(), "event": {"type": "app_home_opened", "user": "U1", "tab": "messages"}},
        {**envelope(), "event": {"type": "message"}},
        {"type": "view_submission", "view": {}},
        {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "other.app", "value": "x"}]},
        {},
    ],
)
async def test_what_is_not_for_us_is_acknowledged(
    app: AsyncApp, reception: RecordingReception, body: dict[str, Any]
) -> None:
    """Bots, edits, joins, other events and nonsense: 200, or Slack would send it again and again."""
    assert (await answer(app, body)).status == 200
    assert not reception.deliveries
    assert not reception.presses


async def test_a_bug_is_not_acknowledged(slack: SlackStandIn) -> None:
    """Another process, or the next version, may do better with the redelivery."""
    async for app in application_for(slack, BrokenReception()):
        assert (await answer(app, envelope())).status == 500


async def test_a_message_that_was_not_stored_is_not_acknowledged(app: AsyncApp, reception: RecordingReception) -> None:
    reception.unavailable = 1
    assert (await answer(app, envelope())).status == 503


async def test_no_bot_token_is_needed_to_accept(
    app: AsyncApp, reception: RecordingReception, slack: SlackStandIn
) -> None:
    """Bolt would authorize first and drop the event when that fails; our hook comes earlier."""
    slack.faults.add("*", "500", 10)
    assert (await answer(app, envelope())).status == 200
    assert len(reception.inbound) == 1
    assert "auth.test" not in {call.method for call in slack.calls}


async def test_bolt_still_answers_the_challenge(app: AsyncApp) -> None:
    response = await answer(app, {"type": "url_verification", "challenge": "c4"})
    assert json.loads(response.body)["challenge"] == "c4"


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked"])
async def test_news_of_a_revoked_token_are_checked(app: AsyncApp, slack: SlackStandIn, kind: str) -> None:
    """It may be another person's token; asking Slack tells, and a refusal would end the adapter."""
    body = {**envelope(), "event": {"type": kind}}
    assert (await answer(app, body)).status == 200
    await slack.wait_for(lambda: [call for call in slack.calls if call.method == "auth.test"])


async def test_a_question_in_an_enterprise_install_belongs_to_the_enterprise(
    app: AsyncApp, reception: RecordingReception
) -> None:
    ours = [{"team_id": "T1", "enterprise_id": "E1", "is_enterprise_install": True}]
    await answer(app, {**envelope(), "authorizations": ours})
    assert reception.inbound[0].event.conversation == "slack:E1:C1:1700000000.000100"


def keys(**changes: Any) -> set[str]:
    event = changes.pop("event", {})
    return set(message_keys(Envelope.model_validate({**envelope(**event), **changes})))


def test_twins_share_the_message_key() -> None:
    assert keys(event_id="Ev1") & keys(event_id="Ev2", event={"type": "app_mention"})


def test_one_gesture_under_two_timestamps_or_teams_shares_a_key() -> None:
    """As it happens in shared channels."""
    gesture = {"client_msg_id": "m-1"}
    again = {"client_msg_id": "m-1", "ts": "1700000000.000200"}
    assert keys(event=gesture) & keys(event_id="Ev2", team_id="T2", event=again)


def test_different_messages_share_no_key() -> None:
    first = {"client_msg_id": "m-1"}
    second = {"client_msg_id": "m-2", "ts": "1700000000.000200"}
    assert not keys(event=first) & keys(event_id="Ev2", event=second)


def test_one_event_id_in_two_apps_shares_no_event_key() -> None:
    """The same id reaches several apps of a workspace."""
    other = {"ts": "1700000000.000200"}
    assert not keys() & keys(api_app_id="A2", event=other)


@pytest.mark.parametrize("odd", [{"event": "x"}, {"event": []}, {"authorizations": "x"}, {"authorizations": [1]}])
async def test_a_frame_that_makes_no_sense_is_acknowledged_and_ignored(
    app: AsyncApp, slack: SlackStandIn, reception: RecordingReception, odd: dict[str, Any]
) -> None:
    """Sent again it would make no more sense."""
    tokens = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_url": slack.api_url}
    web = Web(SlackConfig.model_validate(tokens))
    socket = Socket("slack:T1:socket 1", web, app, slack.app_token, Watch(), LivingSockets(1.0, lambda: None))
    response = await socket._response(SocketModeRequest("events_api", "1", {**envelope(), **odd}))
    assert response.status == 200
    assert not reception.deliveries
