"""`python -m bot doctor`, as an operator runs it, against both stand-ins and a model server."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.databases import postgres_database
from tests.support.house import House, built
from tests.support.model_server import Reply, ScriptedModel


async def doctor(house: House, **environment: str) -> tuple[int, str]:
    """Its exit code and its page."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "doctor"),
        env={**house.environment(), **environment},
        cwd=house.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert b"Traceback" not in err
    return process.returncode or 0, out.decode()


async def test_a_set_up_that_works_is_all_well_also_while_the_bot_runs(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with built(tmp_path, model) as house, house.child() as bot:
        await bot.start()
        assert await bot.wait_for("running", "stopped") == "running"
        model.enqueue(Reply("Yes"), Reply("Yes"))
        (tmp_path / "assistants.toml").write_text('[assistants.Bob]\nmodel = "gpt-4.1"\n')
        code, page = await doctor(house)
    assert code == 0, page
    assert "✗" not in page
    for words in ("✓ Database: SQLite", "✓ Model gpt-5.4", "✓ Model gpt-4.1", "✓ Tools in", "has 1 in [assistants]"):
        assert words in page
    assert "✓ Slack" in page
    assert "✓ Discord" in page


async def test_every_fault_is_told_with_its_fix_and_no_secret(tmp_path: Path) -> None:
    model = ScriptedModel()
    model.enqueue(Reply(status=401, error={"error": {"message": "bad key", "code": "invalid_api_key"}}))
    async with built(tmp_path, model) as house:
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools/broken.py").write_text("def one(x):\n    pass\n")
        (tmp_path / "assistants.toml").write_text("[defaults]\nmentions = 'never'\n")
        code, page = await doctor(
            house,
            TOOLS_DIR=str(tmp_path / "tools"),
            DATABASE_URL="postgres://somebody:hunter2secret@127.0.0.1:9/none",
        )
    assert code == 1
    assert "✗ Database: DATABASE_URL: " in page
    assert "✗ Model gpt-5.4: The model provider does not accept the key: check OPENAI_API_KEY." in page
    assert "✗ Tools in" in page
    assert "line 2: mentions in [defaults]: Input should be 'always', 'threads' or 'required'." in page
    for secret in ("hunter2secret", "sk-test-0000000000", house.slack.bot_token, house.discord.token):
        assert secret not in page


async def test_what_is_not_configured_is_said_and_is_no_fault(tmp_path: Path) -> None:
    async with built(tmp_path) as house:
        nothing = {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "DISCORD_TOKEN": ""}
        code, page = await doctor(house, **nothing)
    assert code == 0
    assert "✓ Slack: not configured (SLACK_BOT_TOKEN is not set)" in page
    assert "✓ Discord: not configured (DISCORD_TOKEN is not set)" in page
    assert "! Model: offline: no language model is connected" in page
    assert "set SLACK_BOT_TOKEN and SLACK_APP_TOKEN, or DISCORD_TOKEN" in page


@pytest.mark.postgres
async def test_a_database_without_tables_is_told_what_to_run(tmp_path: Path, migrated_postgres: str) -> None:
    del migrated_postgres  # skips without a server
    async with built(tmp_path) as house:
        with postgres_database() as empty:
            code, page = await doctor(house, DATABASE_URL=empty)
    assert code == 1
    assert "run `python -m bot migrate`" in page
