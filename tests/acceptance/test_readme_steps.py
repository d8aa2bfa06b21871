"""The README's steps for Slack and Discord, followed literally: only the addresses lead to the stand-ins.

What the steps have people paste, copy and type is read out of the README; a step that changes its form fails here.
"""

import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.playground.child import BotChild
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.playground.discord.people_payloads import BOT_PERMISSIONS
from bot.playground.slack import SlackStandIn
from bot.playground.slack.manifest import rules_of
from bot.playground.view import MessageView, PlatformView
from tests.support.model_server import Reply, ScriptedModel

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ANSWER = "The invoice was paid on Tuesday."


def steps_of(heading: str) -> list[str]:
    """The numbered steps under a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## )", README, re.MULTILINE | re.DOTALL)
    assert section is not None
    steps = re.split(r"^\d+\. ", section[1], flags=re.MULTILINE)[1:]
    assert len(steps) == 5
    return steps


def block_in(step: str, language: str) -> str:
    """The one block of code in a step."""
    found = re.findall(rf"```{language}\n(.*?)```", step, re.DOTALL)
    assert len(found) == 1
    return "\n".join(line.strip() for line in found[0].strip().splitlines())


def filled_in(ini: str, values: Mapping[str, str]) -> str:
    """The block with everything that ends in `…` replaced: what a person copies from the platform's pages."""
    lines: list[str] = []
    for line in ini.splitlines():
        name, _, shown = line.partition("=")
        beginning = shown.removesuffix("…")
        assert shown.endswith("…")
        assert values[name].startswith(beginning)
        lines.append(f"{name}={values[name]}")
    return "\n".join(lines)


@asynccontextmanager
async def running(folder: Path, step: str, written: str, addresses: Mapping[str, str]) -> AsyncGenerator[BotChild]:
    """The command of the last step, beside the `.env` that was written."""
    command = block_in(step, "sh").split()
    assert command[0] == ".venv/bin/python"
    (folder / ".env").write_text(written + "\n")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    places = {"PYTHONPATH": str(ROOT), "TOOLS_DIR": str(ROOT / "tools"), "DATA_DIR": str(folder)}
    async with BotChild((sys.executable, *command[1:]), {**inherited, **places, **addresses}, cwd=folder) as bot:
        await bot.start()
        state = await bot.wait_for("running", "stopped")
        assert state == "running", "\n".join(bot.view().last_lines)
        yield bot


def answered(view: PlatformView) -> list[MessageView]:
    """The bot's finished answers."""
    return [message for message in view.messages if message.author == "bot" and ANSWER in message.html]


async def test_slack_in_five_steps(tmp_path: Path) -> None:
    create, app_token, install, environment, start = steps_of("Slack in five steps")
    assert "From a manifest" in create
    manifest = re.search(r"\]\((adapters/slack/manifest\.json)\)", create)
    assert manifest is not None
    rules = rules_of((ROOT / manifest[1]).read_text())
    async with SlackStandIn(rules=rules) as slack, ScriptedModel(lambda _: Reply(ANSWER)) as model:
        assert "connections:write" in app_token
        assert "xapp-" in app_token
        assert "xoxb-" in install
        assert "scripts/environment requirements.txt" in environment
        slack.remove_bot("general")  # an app that was just installed is in no channel
        values = {
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "OPENAI_API_KEY": "sk-test-0000000000",
        }
        written = filled_in(block_in(environment, "ini"), values)
        addresses = {"SLACK_API_URL": slack.api_url, "OPENAI_BASE_URL": model.base_url, "OPENAI_MODEL": "gpt-5.4"}
        async with running(tmp_path, start, written, addresses):
            assert "`/invite @Parley`" in start
            slack.invite_bot("general")
            await slack.speak("ada", "general", "@Parley was the invoice paid?")
            await slack.wait_for(lambda: answered(slack.view()), 30)
        assert slack.faults_seen == []


async def test_discord_in_five_steps(tmp_path: Path) -> None:
    create, token, invite, environment, start = steps_of("Discord in five steps")
    assert "Application ID" in create
    assert "Reset Token" in token
    granted = "Message Content Intent" in token
    async with (
        DiscordStandIn(rules=DiscordRules(message_content=granted)) as discord,
        ScriptedModel(lambda _: Reply(ANSWER)) as model,
    ):
        link = re.search(r"`(https://discord\.com/oauth2/authorize\?[^`]+)`", invite)
        assert link is not None
        asked = parse_qs(urlsplit(link[1].replace("APPLICATION_ID", discord.application_id)).query)
        assert asked["client_id"] == [discord.application_id]
        assert asked["scope"] == ["bot applications.commands"]
        assert asked["permissions"] == [str(BOT_PERMISSIONS)]  # what the stand-in lets its bot do
        values = {"DISCORD_TOKEN": discord.token, "OPENAI_API_KEY": "sk-test-0000000000"}
        written = filled_in(block_in(environment, "ini"), values)
        addresses = {
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_MODEL": "gpt-5.4",
        }
        async with running(tmp_path, start, written, addresses):
            general = discord.channel_id("general")
            await discord.speak("ada", general, "@Parley was the invoice paid?")
            await discord.wait_for(lambda: answered(discord.view()), 30)
            await discord.wait_for(lambda: any(command.name == "ask" for command in discord.view().commands), 30)
            await discord.command("ben", general, "ask", {"question": "Was the invoice paid?"})
            await discord.wait_for(lambda: len(answered(discord.view())) == 2, 30)


@pytest.mark.parametrize("platform", ["Slack", "Discord"])
def test_the_steps_name_the_command_that_makes_the_environment(platform: str) -> None:
    assert any("scripts/environment requirements.txt" in step for step in steps_of(f"{platform} in five steps"))
