"""Starting and ending: wrong tokens, platforms that are away, signals at the wrong moment."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import asyncpg
import pytest

from tests.support.house import ROOT, House, built, inhabited


async def started(house: House, **changes: str) -> Process:
    environment = {**house.environment(), **changes}
    command = [sys.executable, "-m", "bot", "run"]
    return await asyncio.create_subprocess_exec(*command, env=environment, cwd=house.folder, stdout=PIPE, stderr=PIPE)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SLACK_BOT_TOKEN", "xoxb-wrong"), ("SLACK_APP_TOKEN", "xapp-wrong"), ("DISCORD_TOKEN", "wrong.wrong.wrong")],
)
async def test_a_refused_token_stops_the_start_with_a_sentence_that_names_it(
    tmp_path: Path, variable: str, value: str
) -> None:
    async with built(tmp_path) as house:
        bot = await started(house, **{variable: value})
        out, err = await asyncio.wait_for(bot.communicate(), 40)
        assert (bot.returncode, out) == (1, b"")
        assert err.decode().strip().splitlines()[-1].startswith(variable)
        assert b"Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_bot_that_is_still_connecting(tmp_path: Path, number: signal.Signals) -> None:
    async with built(tmp_path) as house:
        bot = await started(house, SLACK_API_URL="http://127.0.0.1:9/api/")
        assert bot.stderr is not None
        while b"not reachable" not in await asyncio.wait_for(bot.stderr.readline(), 40):
            pass
        bot.send_signal(number)
        await asyncio.wait_for(bot.communicate(), 20)
        assert bot.returncode == 0


@pytest.mark.postgres
async def test_a_migration_that_is_broken_off_is_not_taken_for_done(postgres_url: str, tmp_path: Path) -> None:
    """`migrate && run` must not go on."""
    holder, onlooker = [await asyncpg.connect(postgres_url) for _ in range(2)]  # a transaction sees no news of activity
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE alembic_version")
            environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": postgres_url}
            command = [sys.executable, "-m", "bot", "migrate"]
            bot = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=tmp_path, stdout=PIPE, stderr=PIPE
            )
            waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while not await onlooker.fetch(waiting):
                pass
            bot.terminate()
            await asyncio.wait_for(bot.communicate(), 20)
    finally:
        await holder.close()
        await onlooker.close()
    assert bot.returncode not in (0, None)


async def test_a_platform_that_is_away_keeps_no_other_waiting(tmp_path: Path) -> None:
    async with built(tmp_path) as house:
        bot = await started(house, SLACK_API_URL="http://127.0.0.1:9/api/")
        await house.until("discord", lambda view: view.commands)
        direct = next(channel.id for channel in house.discord.view().channels if channel.person == "ada")
        await house.discord.speak("ada", direct, "are you there?")
        await house.answer("discord", "no language model")
        bot.terminate()
        await asyncio.wait_for(bot.communicate(), 20)


async def test_a_second_process_on_the_same_sqlite_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    async with built(tmp_path) as house:
        first = await started(house)
        await house.until("discord", lambda view: view.commands)
        second = await started(house)
        _out, err = await asyncio.wait_for(second.communicate(), 40)
        assert second.returncode == 1
        assert "another process" in err.decode().lower()
        assert b"Traceback" not in err
        first.terminate()
        await asyncio.wait_for(first.communicate(), 20)


async def test_what_is_said_in_discord_while_the_bot_is_dead_is_answered_after_its_return(tmp_path: Path) -> None:
    async with inhabited(tmp_path) as (house, bot):
        await bot.kill()
        await house.discord.speak("ada", house.channel("discord"), "@Parley hello")
        await bot.start()
        await house.answer("discord", "no language model")
        assert len(house.answers("discord")) == 1
