"""What the doctor says about Slack, and how to mend it."""

import json
import time
from collections.abc import AsyncGenerator

import pytest

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.check_up import check_up
from adapters.slack.manifest import MANIFEST
from adapters.slack.scopes import WITHOUT
from adapters.slack.web import Web
from adapters.slack.workspaces import configured
from bot.playground.slack import BOT_SCOPES, SlackStandIn
from bot.ports import Notes
from bot.relay.contract import Finding
from tests.adapters.slack.conftest import adapter_of


class Findings:
    """What was found, by what was looked at."""

    def __init__(self, found: tuple[Finding, ...]) -> None:
        self.by_name = {one.what.removeprefix("Slack: "): one for one in found}
        assert len(self.by_name) == len(found)
        for one in found:
            assert bool(one.fix) == (one.state != "good"), f"{one.what}: what is not good says how to mend it"

    def states(self) -> dict[str, str]:
        return {name: one.state for name, one in self.by_name.items()}


@pytest.fixture
async def adapters() -> AsyncGenerator[list[SlackAdapter]]:
    """Adapters that are closed in the end."""
    made: list[SlackAdapter] = []
    yield made
    for adapter in made:
        await adapter.close()


async def examined(slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter], **changes: object) -> Findings:
    adapter = adapter_of(slack, notes, **changes)  # pyright: ignore[reportArgumentType]
    adapters.append(adapter)
    return Findings(await adapter.check_up())


async def test_a_good_set_up_is_good_throughout(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    """And nothing at Slack is different afterwards."""
    found = await examined(slack, notes, adapters)
    assert found.states() == dict.fromkeys(("bot token", "bot scopes", "clock", "channels", "app token"), "good")
    assert {call.method for call in slack.calls} == {"auth.test", "users.conversations", "apps.connections.open"}
    assert slack.connections == 0


async def test_over_http_the_secret_counts_and_no_app_token(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    found = await examined(slack, notes, adapters, http=True)
    assert found.states()["signing secret"] == found.states()["receiving"] == "good"
    assert "apps.connections.open" not in {call.method for call in slack.calls}
    slack.signing_secret = "not a secret"
    assert (await examined(slack, notes, adapters, http=True)).states()["signing secret"] == "bad"


async def test_a_wrong_bot_token_is_bad_and_says_where_the_right_one_is(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    found = await examined(slack, notes, adapters, bot_token="xoxb-wrong")
    assert found.states() == {"bot token": "bad", "app token": "good"}
    assert "SLACK_BOT_TOKEN" in found.by_name["bot token"].fix
    assert "invalid_auth" in found.by_name["bot token"].detail


async def test_the_two_tokens_mixed_up_are_both_bad(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    found = await examined(slack, notes, adapters, bot_token=slack.app_token, app_token=slack.bot_token)
    assert found.states()["bot token"] == "bad"
    assert found.states()["app token"] == "bad"


async def test_a_wrong_app_token_is_bad_and_says_where_the_right_one_is(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    found = await examined(slack, notes, adapters, app_token="xapp-wrong")
    assert found.states()["app token"] == "bad"
    assert "connections:write" in found.by_name["app token"].fix


@pytest.mark.parametrize("scope", BOT_SCOPES)
async def test_a_missing_scope_is_named_with_what_fails_without_it(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter], scope: str
) -> None:
    slack.set_rules(slack.rules.model_copy(update={"scopes": tuple(one for one in BOT_SCOPES if one != scope)}))
    found = await examined(slack, notes, adapters)
    scopes = found.by_name["bot scopes"]
    assert scopes.state == ("bad" if scope in ("app_mentions:read", "chat:write", "im:history") else "warning")
    assert scopes.detail == f"without {scope} {WITHOUT[scope].what}"
    assert f"add {scope}," in scopes.fix


def test_every_scope_of_the_manifest_has_its_sentence() -> None:
    manifest = json.loads(MANIFEST.read_text())
    assert sorted(WITHOUT) == sorted(manifest["oauth_config"]["scopes"]["bot"])


async def test_a_bot_that_is_in_no_channel_is_to_be_invited(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    for channel in slack.view().channels:
        if channel.kind == "channel":
            slack.remove_bot(channel.id)
    found = await examined(slack, notes, adapters)
    assert found.states()["channels"] == "warning"
    assert "/invite" in found.by_name["channels"].fix


async def test_a_slack_that_cannot_be_reached_is_said_so(
    slack: SlackStandIn, notes: Notes, adapters: list[SlackAdapter]
) -> None:
    slack.faults.add("*", "503", 10)
    found = await examined(slack, notes, adapters)
    assert found.states() == {"bot token": "bad", "app token": "bad"}
    assert "slack-status.com" in found.by_name["bot token"].fix


@pytest.mark.parametrize(
    ("http", "off", "state"),
    [(False, 20, "good"), (False, 200, "warning"), (True, -20, "good"), (True, 60, "warning"), (True, -200, "bad")],
)
async def test_a_clock_that_is_off_is_told(slack: SlackStandIn, http: bool, off: int, state: str) -> None:
    """Over HTTP it keeps everything out."""
    tokens = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_url": slack.api_url}
    secret = {"signing_secret": slack.signing_secret} if http else {}
    config = SlackConfig.model_validate({**tokens, **secret})
    web = Web(config)
    try:
        found = Findings(await check_up(web, configured(web, config), config, lambda: time.time() + off))
    finally:
        await web.close()
    assert found.states()["clock"] == state
