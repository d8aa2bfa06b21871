"""A person installs the app in a workspace: through Slack's page and back; and what is refused on the way."""

import re
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.playground.child import BotChild
from bot.playground.slack import SlackStandIn
from bot.ports import Store
from tests.adapters.slack.conftest import RULES
from tests.adapters.slack.installs import ACME, KEY, Browser, Deployment, Process, install
from tests.support.house import House, built
from tests.support.reception import RecordingReception


@pytest.fixture
def deployment(slack: SlackStandIn, sqlite_store: Store) -> Deployment:
    slack.found("Acme <b>&</b> Sons")
    return Deployment(slack, sqlite_store)


@pytest.fixture
async def process(deployment: Deployment, reception: RecordingReception) -> AsyncGenerator[Process]:
    async with deployment.process(reception) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncGenerator[Browser]:
    async with Browser() as one:
        yield one


async def count(deployment: Deployment) -> int:
    return len(await deployment.store.installations.all("slack:"))


async def test_install_by_hand(browser: Browser, process: Process, deployment: Deployment) -> None:
    """The page says where it is installed, with the name escaped, and what to do next."""
    asked = await browser.open(f"{process.url}/slack/install")
    assert asked.url.path == "/oauth/v2/authorize"
    assert "<li>chat:write</li>" in asked.html
    page = await browser.decide(asked, ACME, "allow")
    assert (page.status, page.title) == (200, "Installed in Acme <b>&</b> Sons")
    assert "<b>" not in page.html
    assert "/invite" in page.html
    kept = await deployment.installed.read(ACME)
    assert kept is not None
    assert kept.installation.identity.user_id == "U00PARLEY2"
    assert set(kept.installation.scopes) == set(RULES.scopes)


async def test_nothing_of_a_token_is_readable_in_the_database_or_shown(
    browser: Browser, process: Process, deployment: Deployment, capfd: pytest.CaptureFixture[str]
) -> None:
    page = await browser.install(process.url, ACME)
    kept = await deployment.installed.read(ACME)
    assert kept is not None
    token = kept.installation.token.get_secret_value()
    (sealed,) = (await deployment.store.installations.all("slack:")).values()
    out = capfd.readouterr()
    for place in (sealed, repr(kept), str(kept.installation), page.html, out.out, out.err):
        assert token not in place


async def test_every_answer_forbids_scripts_frames_and_referrers(browser: Browser, process: Process) -> None:
    begun = await browser.open(f"{process.url}/slack/install", follow=False)
    ended = await browser.open(f"{process.url}/slack/oauth_redirect?code=x&state=<script>")
    for page in (begun, ended):
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
    cookie = begun.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/slack", "Max-Age=600"} <= set(cookie.split("; "))
    assert "script" not in ended.html


async def test_cancel_changes_nothing(browser: Browser, process: Process, deployment: Deployment) -> None:
    page = await browser.decide(await browser.open(f"{process.url}/slack/install"), ACME, "cancel")
    assert (page.status, page.title) == (200, "Nothing was installed")
    assert 'href="/slack/install"' in page.html
    assert await count(deployment) == 0


async def test_a_link_from_somebody_else_installs_nothing(process: Process, deployment: Deployment) -> None:
    """The address that a stranger was sent back to does not work in another browser."""
    async with Browser() as stranger, Browser() as victim:
        asked = await stranger.open(f"{process.url}/slack/install")
        sent_back = await stranger.decide(asked, ACME, "allow", follow=False)
        await victim.open(f"{process.url}/slack/install", follow=False)
        page = await victim.open(sent_back.headers["Location"])
    assert (page.status, page.title) == (400, "This installation cannot be finished")
    assert await count(deployment) == 0


@pytest.mark.parametrize(
    "state",
    ["", "x", "9999999999.x.y", "9" * 400 + ".x.y", "²²²²²²²²²².x.y", "é", "0000000000.x." + "0" * 64],
)
async def test_a_state_that_is_not_ours_is_refused(
    browser: Browser, process: Process, deployment: Deployment, state: str
) -> None:
    await browser.open(f"{process.url}/slack/install", follow=False)
    code = deployment.slack.installs.allow(ACME, ("chat:write",), f"{process.url}/slack/oauth_redirect")
    page = await browser.open(f"{process.url}/slack/oauth_redirect?code={code}&state={state}")
    assert page.status == 400
    assert await count(deployment) == 0


async def test_a_state_is_good_once(browser: Browser, process: Process) -> None:
    """Also when somebody puts the cookie back: the database remembers."""
    begun = await browser.open(f"{process.url}/slack/install", follow=False)
    cookie = begun.headers["Set-Cookie"].split(";")[0]
    asked = await browser.open(begun.headers["Location"])
    sent_back = (await browser.decide(asked, ACME, "allow", follow=False)).headers["Location"]
    assert (await browser.open(sent_back)).status == 200
    browser._http.headers["Cookie"] = cookie
    again = await browser.open(sent_back)
    assert (again.status, again.title) == (400, "This installation cannot be finished")


async def test_a_code_that_is_used_or_old_is_refused(
    browser: Browser, process: Process, deployment: Deployment
) -> None:
    deployment.slack.set_rules(RULES.model_copy(update={"code_seconds": 0.0}))
    page = await browser.install(process.url, ACME)
    assert (page.status, page.title) == (400, "This installation cannot be finished")
    assert await count(deployment) == 0


@pytest.mark.parametrize("error", ["bad_client_secret", "invalid_client_id", "bad_redirect_uri"])
async def test_wrong_credentials_are_the_operators_business(
    browser: Browser, process: Process, deployment: Deployment, error: str
) -> None:
    deployment.slack.faults.add("oauth.v2.access", "error", error=error)
    page = await browser.install(process.url, ACME)
    assert (page.status, page.title) == (502, "Slack did not let the app in")
    assert "its log says why" in page.html


@pytest.mark.parametrize("kind", ["500", "429", "cut_after"])
async def test_trouble_at_slack_is_told(browser: Browser, process: Process, deployment: Deployment, kind: str) -> None:
    deployment.slack.faults.add("oauth.v2.access", kind)  # type: ignore[arg-type]
    page = await browser.install(process.url, ACME)
    assert (page.status, page.title) == (503, "This did not work just now")
    assert await count(deployment) == 0


async def test_missing_permissions_are_named(browser: Browser, process: Process) -> None:
    asked = await browser.open(f"{process.url}/slack/install")
    asked.html = re.sub(r'(name="scope" value=")[^"]*', r"\1chat:write", asked.html)
    page = await browser.decide(asked, ACME, "allow")
    assert page.status == 200
    assert "files:read" in page.html


async def test_installing_again_replaces_the_token(deployment: Deployment, process: Process) -> None:
    await install(process, ACME)
    first = await deployment.installed.read(ACME)
    await install(process, ACME)
    second = await deployment.installed.read(ACME)
    assert first is not None
    assert second is not None
    assert second.installation.token != first.installation.token
    assert await count(deployment) == 1


# --- the whole bot ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(house: House, url: str = "") -> dict[str, str]:
    return {
        "PUBLIC_URL": url,
        "SLACK_BOT_TOKEN": "",
        "DISCORD_TOKEN": "",
        "SLACK_CLIENT_ID": house.slack.installs.client_id,
        "SLACK_CLIENT_SECRET": house.slack.installs.client_secret,
        "INSTALLATIONS_KEY": KEY,
        "PORT": url.rpartition(":")[2] or "0",
        "BIND_ADDRESS": "127.0.0.1",
    }


def child(house: House) -> BotChild:
    return BotChild((sys.executable, "-m", "bot", "run"), house.environment(), cwd=house.folder)


async def test_a_person_installs_the_app_and_is_answered_in_the_new_workspace(tmp_path: Path) -> None:
    """The bot as a process, with the app's credentials and without a bot token, over Socket Mode."""
    async with built(tmp_path) as house:
        url = f"http://127.0.0.1:{free_port()}"
        house.settings.update(settings(house, url))
        house.slack.installs.redirect_urls.append(f"{url}/slack/oauth_redirect")
        acme = house.slack.found("Acme")
        async with child(house) as bot, Browser() as browser:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "running", "\n".join(bot.view().last_lines)
            page = await browser.install(url, ACME)
            assert page.title == "Installed in Acme"
            root = acme.speak("ada", "general", "@Parley good morning")
            await house.slack.wait_for(
                lambda: [one for one in acme.messages("general", thread=root) if one.from_bot], 30.0
            )
        assert not [one for one in house.slack.messages("general") if one.from_bot]


async def test_a_wrong_key_is_one_sentence_at_the_start(tmp_path: Path) -> None:
    async with built(tmp_path) as house:
        house.settings.update(settings(house))
        house.settings["INSTALLATIONS_KEY"] = "short"
        async with child(house) as bot:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "stopped"
            said = "\n".join(bot.view().last_lines)
        assert "INSTALLATIONS_KEY must be 32 bytes" in said
        assert "Traceback" not in said
