"""Roles of processes, as an operator starts them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.house import House, built


@asynccontextmanager
async def started(house: House, *words: str, without: Sequence[str] = (), **changes: str) -> AsyncIterator[Process]:
    environment = {name: value for name, value in {**house.environment(), **changes}.items() if name not in without}
    command = [sys.executable, "-m", "bot", "run", *words]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=house.folder, stdout=PIPE, stderr=PIPE, limit=1_000_000
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process, begin: str = "ready") -> str:
    """The first line on standard output."""
    assert process.stdout is not None
    read = (await asyncio.wait_for(process.stdout.readline(), 40)).decode().strip()
    assert read.startswith(begin), read
    return read


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_a_role_on_sqlite_is_refused_with_one_sentence(tmp_path: Path, role: str) -> None:
    async with built(tmp_path) as house, started(house, "--role", role) as bot:
        _out, err = await asyncio.wait_for(bot.communicate(), 40)
        assert bot.returncode == 1
        assert "DATABASE_URL" in err.decode()
        assert len(err.decode().strip().splitlines()) == 1


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("variable", "value"), [("SLACK_BOT_TOKEN", "xoxb-wrong"), ("DISCORD_TOKEN", "wrong.wrong.wrong")]
)
async def test_a_worker_whose_token_is_refused_ends_with_a_sentence_that_names_it(
    tmp_path: Path, postgres_url: str, variable: str, value: str
) -> None:
    async with (
        built(tmp_path, settings={"DATABASE_URL": postgres_url}) as house,
        started(house, "--role", "worker", **{variable: value}) as bot,
    ):
        out, err = await asyncio.wait_for(bot.communicate(), 40)
        assert (bot.returncode, out) == (1, b"")
        assert err.decode().strip().splitlines()[-1].startswith(variable)
        assert b"Traceback" not in err


@pytest.mark.postgres
async def test_a_worker_without_an_app_token_answers_what_a_gateway_took(tmp_path: Path, postgres_url: str) -> None:
    async with (
        built(tmp_path, settings={"DATABASE_URL": postgres_url}) as house,
        started(house, "--role", "gateway") as gateway,
        started(house, "--role", "worker", without=["SLACK_APP_TOKEN"]) as worker,
    ):
        assert await line(gateway) == "ready gateway: Slack, Discord"
        assert (await line(worker)).startswith("ready worker: Slack, Discord · model ")
        for platform in ("slack", "discord"):
            await house.stage(platform).speak("ada", house.channel(platform), "@Parley hello")
            await house.answer(platform, "no language model")


@pytest.mark.postgres
async def test_a_second_process_stands_by_and_takes_over_at_once_when_the_first_ends(
    tmp_path: Path, postgres_url: str
) -> None:
    async with built(tmp_path, settings={"DATABASE_URL": postgres_url}) as house, started(house) as first:
        assert (await line(first)).startswith("ready Slack, Discord · ")
        async with started(house) as second:
            assert "Discord (standing by: another process is connected)" in await line(second)
            first.terminate()
            await asyncio.wait_for(first.communicate(), 30)
            assert first.returncode == 0
            await house.until("discord", lambda view: view.bot_connected, 5)
            await house.discord.speak("ada", house.channel("discord"), "@Parley hello")
            await house.answer("discord", "no language model")
            assert len(house.answers("discord")) == 1
