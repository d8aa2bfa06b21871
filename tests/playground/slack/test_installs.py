"""Several workspaces and an app that is installed in some of them: as strict as Slack."""

from collections.abc import AsyncGenerator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackRules, SlackStandIn

ACME = "T00PARLEY2"
BACK = "http://127.0.0.1/back"


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStandIn]:
    async with SlackStandIn(rules=SlackRules(pace=0.0)) as server:
        server.found("Acme")
        server.installs.redirect_urls.append(BACK)
        yield server


def client(slack: SlackStandIn, token: str | None = None) -> AsyncWebClient:
    made = AsyncWebClient(token=token, base_url=slack.api_url, retry_handlers=[])
    made.proxy = None
    return made


async def access(slack: SlackStandIn, **wanted: str) -> dict[str, object]:
    own = {"client_id": slack.installs.client_id, "client_secret": slack.installs.client_secret}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{slack.api_url}oauth.v2.access", data=own | wanted) as reply,
    ):
        return await reply.json()


def code(slack: SlackStandIn) -> str:
    return slack.installs.allow(ACME, ("chat:write",), BACK)


async def test_a_code_gives_a_token_once(slack: SlackStandIn) -> None:
    one = code(slack)
    reply = await access(slack, code=one, redirect_uri=BACK)
    assert (reply["ok"], reply["token_type"], reply["scope"]) == (True, "bot", "chat:write")
    assert "refresh_token" not in reply
    assert (await access(slack, code=one, redirect_uri=BACK))["error"] == "invalid_code"


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"client_id": "9.9"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"redirect_uri": "http://127.0.0.1/other"}, "bad_redirect_uri"),
        ({"code": ""}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_refresh_token"),
    ],
)
async def test_what_is_wrong_is_refused(slack: SlackStandIn, wanted: dict[str, str], error: str) -> None:
    assert (await access(slack, **({"code": code(slack), "redirect_uri": BACK} | wanted)))["error"] == error


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"client_id": "9.9"}, "Invalid client_id"),
        ({"redirect_uri": "https://evil.example/"}, "did not match any configured URIs"),
        ({"scope": "admin"}, "Invalid permissions requested: admin"),
        ({"scope": ""}, "Invalid permissions requested"),
    ],
)
async def test_the_page_asks_for_nothing_that_is_wrong(
    slack: SlackStandIn, changed: dict[str, str], complaint: str
) -> None:
    asked = {"client_id": slack.installs.client_id, "redirect_uri": BACK, "scope": "chat:write"} | changed
    address = f"{slack.world.address}/oauth/v2/authorize"
    async with aiohttp.ClientSession() as http, http.get(address, params=asked) as page:
        assert page.status == 400
        assert complaint in await page.text()


async def test_a_token_may_what_was_allowed_in_its_workspace_only(slack: SlackStandIn) -> None:
    token = str((await access(slack, code=code(slack), redirect_uri=BACK))["access_token"])
    here = client(slack, token)
    assert (await here.auth_test())["team_id"] == ACME
    await here.chat_postMessage(channel="C10GENERAL", text="here")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await here.chat_postMessage(channel="C00GENERAL", text="elsewhere")
    with pytest.raises(SlackApiError, match="missing_scope"):
        await here.users_info(user="U100000ADA")


async def test_a_refresh_token_is_spent_by_its_use(slack: SlackStandIn) -> None:
    slack.set_rules(slack.rules.model_copy(update={"token_seconds": 43_200.0}))
    first = await access(slack, code=code(slack), redirect_uri=BACK)
    assert first["expires_in"] == 43_200
    again = {"grant_type": "refresh_token", "refresh_token": str(first["refresh_token"])}
    second = await access(slack, **again)
    assert second["access_token"] != first["access_token"]
    assert (await access(slack, **again))["error"] == "invalid_refresh_token"
    for reply in (first, second):
        assert (await client(slack, str(reply["access_token"])).auth_test())["ok"]


async def test_an_expired_token_and_one_of_a_removed_app_are_refused(slack: SlackStandIn) -> None:
    slack.set_rules(slack.rules.model_copy(update={"token_seconds": 0.0}))
    token = str((await access(slack, code=code(slack), redirect_uri=BACK))["access_token"])
    with pytest.raises(SlackApiError, match="token_expired"):
        await client(slack, token).auth_test()
    slack.uninstall(ACME)
    with pytest.raises(SlackApiError, match="account_inactive"):
        await client(slack, token).auth_test()
