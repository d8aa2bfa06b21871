"""Every block of the README runs."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from bot.__main__ import command_line, main
from bot.settings import PARTS, variable

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^ *```(\w+)\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)
TOOL = next(text for language, text in BLOCKS if language == "python")


def lines(language: str) -> list[str]:
    return [line.strip() for kind, text in BLOCKS for line in text.splitlines() if kind == language and line.strip()]


async def run(*arguments: str, cwd: Path, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OFFLINE_PACE": "0", **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


def test_every_shell_line_is_one_that_a_test_runs() -> None:
    assert set(lines("sh")) == {
        "scripts/demo",  # tests/acceptance/test_page.py runs what it executes
        "scripts/test",  # this very run
        ".venv/bin/python -m bot chat",
        ".venv/bin/python -m bot run",
        ".venv/bin/python -m bot tools who_is_on_call team=web",
    }


@pytest.mark.parametrize("script", ["demo", "test"])
def test_the_scripts_start_what_the_readme_says(script: str) -> None:
    text = (ROOT / "scripts" / script).read_text()
    assert os.access(ROOT / "scripts" / script, os.X_OK)
    assert {"demo": "python -m bot demo", "test": "python -m pytest"}[script] in text


def test_every_setting_in_the_readme_exists() -> None:
    known = {variable(part, name) for part in PARTS for name in part.model_fields}
    assert {line.partition("=")[0] for line in lines("ini")} <= known
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=\w+)?`", README)) <= known


def test_every_link_into_the_checkout_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


async def test_the_tool_in_eight_lines_is_one(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "oncall.py").write_text(TOOL)
    code, out, err = await run("tools", "who_is_on_call", "team=web", cwd=tmp_path, TOOLS_DIR=str(tools))
    assert (code, out.strip()) == (0, "Ada"), err
    assert len([line for line in TOOL.splitlines() if line.strip()]) <= 10


async def test_the_tools_are_listed_with_their_schemas(tmp_path: Path) -> None:
    code, out, err = await run("tools", cwd=tmp_path, TOOLS_DIR=str(ROOT / "tools"))
    assert code == 0, err
    assert "create_ticket" in out
    assert json.loads(next(line for line in out.splitlines() if "user_email" in line))["additionalProperties"] is False


async def test_a_wrong_tool_call_says_what_is_wrong(tmp_path: Path) -> None:
    code, out, err = await run("tools", "close_ticket", "ticket=many", cwd=tmp_path, TOOLS_DIR=str(ROOT / "tools"))
    assert (code, out) == (1, "")
    assert "resolution: Field required" in err


async def test_chat_answers_once_on_standard_output(tmp_path: Path) -> None:
    code, out, err = await run("chat", "--once", "hello", cwd=tmp_path, TOOLS_DIR=str(ROOT / "tools"))
    assert code == 0, err
    assert "no language model" in out


async def test_run_without_tokens_says_what_to_set(tmp_path: Path) -> None:
    code, out, err = await run("run", cwd=tmp_path, TOOLS_DIR=str(ROOT / "tools"))
    assert (code, out) == (1, "")
    assert "SLACK_BOT_TOKEN" in err
    assert "DISCORD_TOKEN" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    ["api --port 8701", "knowledge add x.md", "forget --user U1", "usage"],
)
def test_a_command_that_is_not_there_yet_says_so_and_exits_with_2(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    assert "is not there yet" in capsys.readouterr().err


async def test_a_wrong_database_url_is_one_sentence(tmp_path: Path) -> None:
    code, _out, err = await run("migrate", cwd=tmp_path, DATABASE_URL="mysql://nowhere/x")
    assert code == 1
    assert "DATABASE_URL" in err
    assert "Traceback" not in err


def test_the_manifest_asks_for_what_the_adapter_needs() -> None:
    manifest = json.loads((ROOT / "adapters/slack/manifest.json").read_text())
    assert manifest["settings"]["socket_mode_enabled"]
    assert manifest["settings"]["interactivity"]["is_enabled"]
    assert {"app_mention", "message.im", "message.channels"} <= set(
        manifest["settings"]["event_subscriptions"]["bot_events"]
    )
    assert {"app_mentions:read", "chat:write", "files:read", "files:write"} <= set(
        manifest["oauth_config"]["scopes"]["bot"]
    )


def test_the_procfile_starts_commands_that_exist() -> None:
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, words = line.partition(": python -m bot ")
        assert re.fullmatch(r"[a-z]+", name)
        command_line().parse_args(words.split())  # exits when it is not understood


async def test_a_channels_rules_hold_in_the_terminal_too(tmp_path: Path) -> None:
    (tmp_path / "assistants.toml").write_text('[[channels]]\nmatch = "console"\ntools = []\n')
    tools = str(ROOT / "tools")
    code, out, err = await run("chat", "--once", "!tool list_tickets", cwd=tmp_path, TOOLS_DIR=tools)
    assert code == 0, err
    assert "There is no tool named" in out
    code, out, err = await run("explain", "console", cwd=tmp_path, TOOLS_DIR=tools)
    assert code == 0, err
    assert "tools         none\n" in out
