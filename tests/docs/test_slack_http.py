"""What docs/slack-http.md says is so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.slack.http import EVENTS
from adapters.slack.manifest import MANIFEST, over_http
from adapters.slack.signatures import WINDOW
from bot.playground.slack.manifest import rules_of
from bot.relay.contract import Route
from bot.web import WebLimits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/slack-http.md").read_text()
URL = "https://bot.example.com/slack/events"


def printed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "adapters.slack.manifest", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def without_urls(value: object) -> object:
    """The manifest as it was before it was changed for HTTP."""
    if isinstance(value, dict):
        inner = {key: without_urls(item) for key, item in value.items() if key not in ("url", "request_url")}
        return inner | ({"socket_mode_enabled": True} if "socket_mode_enabled" in inner else {})
    return [without_urls(item) for item in value] if isinstance(value, list) else value


def test_the_manifest_for_http_differs_in_nothing_but_where_slack_sends_to() -> None:
    web = json.loads(printed("https://bot.example.com/").stdout)
    socket = json.loads(MANIFEST.read_text())
    assert without_urls(web) == socket
    assert web["settings"]["socket_mode_enabled"] is False
    assert web["settings"]["event_subscriptions"]["request_url"] == URL
    assert web["settings"]["interactivity"]["request_url"] == URL
    assert {command["url"] for command in web["features"]["slash_commands"]} == {URL}
    assert URL in PAGE


def test_slack_takes_the_manifest_for_http() -> None:
    manifest = MANIFEST.read_text()
    assert rules_of(over_http(manifest, "https://bot.example.com")) == rules_of(manifest)


@pytest.mark.parametrize("words", [(), ("http://bot.example.com",), ("bot.example.com",), ("https://x/y",)])
def test_an_address_that_slack_would_not_take_is_refused(words: tuple[str, ...]) -> None:
    done = printed(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "https://" in done.stderr


def test_the_bounds_are_those_of_the_server() -> None:
    limits = WebLimits()
    assert Route.__dataclass_fields__["largest"].default == 1 << 20
    assert f"longer than {Route.__dataclass_fields__['within'].default:g} s" in PAGE
    assert f"older than {WINDOW // 60} minutes" in PAGE
    assert f"{limits.connections} connections are open at once, {limits.in_work} requests" in PAGE
    assert f"within {limits.head:g} s" in PAGE
    assert f"`POST {EVENTS}`" in PAGE
