"""`run --http` as an operator starts it: Slack's requests, health, settings, and several processes."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.playground.slack import SlackRules
from tests.acceptance.test_roles import line, started
from tests.support.house import House, built

NO_TOKEN = ("SLACK_APP_TOKEN", "DISCORD_TOKEN")
QUICK = SlackRules(retry_delays=(0.2, 0.5, 1.0, 2.0))


@asynccontextmanager
async def serving(
    house: House, *words: str, without: tuple[str, ...] = NO_TOKEN, **changes: str
) -> AsyncGenerator[tuple[Process, int]]:
    """The bot over HTTP, ready, and its port. Slack is not told yet."""
    settings = {"PORT": "0", "BIND_ADDRESS": "127.0.0.1", "SLACK_SIGNING_SECRET": house.slack.signing_secret}
    async with started(house, "--http", *words, without=without, **settings, **changes) as bot:
        ready = await line(bot)
        yield bot, int(ready.rpartition(" port ")[2])


async def subscribe(house: House, port: int) -> None:
    await house.slack.subscribe(f"http://127.0.0.1:{port}/slack/events")


async def asked(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def test_a_mention_a_command_and_a_direct_message_are_answered_over_http(tmp_path: Path) -> None:
    async with built(tmp_path) as house, serving(house) as (bot, port):
        assert await asked(port, "/healthz") == (200, "alive\n")
        assert await asked(port, "/readyz") == (200, "ready\n")
        await subscribe(house, port)
        await house.slack.speak("ada", "general", "@Parley hello")
        answer = await house.answer("slack", "no language model")
        await house.slack.speak("ben", "general", "and more", thread=answer.id)
        await house.until("slack", lambda _: len(house.answers("slack")) == 2)
        assert "appear" in await house.slack.command("chloe", "general", "ask", {"text": "what is up?"})
        await house.until("slack", lambda _: len(house.answers("slack")) == 3)
        await house.slack.speak("chloe", "dm", "hi")
        await house.until("slack", lambda _: len(house.answers("slack")) == 4)
        assert house.slack.connections == 1, "the request URL"
        assert "apps.connections.open" not in {call.method for call in house.slack.calls}
        bot.send_signal(signal.SIGTERM)
        await asyncio.wait_for(bot.wait(), 28)
        assert bot.returncode == 0


async def test_the_same_request_twice_is_one_answer(tmp_path: Path) -> None:
    """In the real database: a message, and a question by command."""
    async with built(tmp_path) as house, serving(house) as (_bot, port):
        await subscribe(house, port)
        await house.slack.speak("ada", "dm", "hello")
        await house.answer("slack", "no language model")
        await house.slack.command("chloe", "general", "ask", {"text": "what is up?"})
        await house.until("slack", lambda _: len(house.answers("slack")) == 2)
        for delivered in tuple(house.slack.request_url.delivered):
            assert await house.slack.request_url.replay(delivered) == 200
        await house.slack.speak("ada", "dm", "last")
        await house.until("slack", lambda _: len(house.answers("slack")) == 3)
        assert len(house.answers("slack")) == 3


async def test_what_was_said_while_it_was_down_is_answered_after_the_start(tmp_path: Path) -> None:
    async with built(tmp_path, slack_rules=QUICK) as house:
        async with serving(house) as (bot, port):
            await subscribe(house, port)
            await house.slack.speak("ada", "dm", "hello")
            await house.answer("slack", "no language model")
            bot.send_signal(signal.SIGTERM)
            await asyncio.wait_for(bot.wait(), 28)
        house.slack.lose_next_events(5)
        await house.slack.speak("ada", "dm", "are you there?")
        house.slack.lose_next_events(0)
        async with serving(house):
            await house.until("slack", lambda _: len(house.answers("slack")) == 2)


@pytest.mark.parametrize(
    ("words", "changes", "without", "sentence"),
    [
        (("--http",), {}, (), "SLACK_SIGNING_SECRET is missing"),
        (("--http",), {"SLACK_SIGNING_SECRET": "xoxb-123"}, (), "SLACK_SIGNING_SECRET is a token"),
        ((), {"SLACK_SIGNING_SECRET": "0" * 32}, ("SLACK_APP_TOKEN",), "SLACK_APP_TOKEN is missing"),
        (("--http",), {"SLACK_SIGNING_SECRET": "0" * 32, "PORT": "70000"}, (), "PORT"),
        (("--http",), {"SLACK_SIGNING_SECRET": "0" * 32, "BIND_ADDRESS": "192.0.2.1"}, (), "PORT: nothing can listen"),
    ],
)
async def test_settings_that_do_not_fit_stop_the_start_with_a_sentence(
    tmp_path: Path, words: tuple[str, ...], changes: dict[str, str], without: tuple[str, ...], sentence: str
) -> None:
    async with built(tmp_path) as house, started(house, *words, without=without, **changes) as bot:
        out, err = await asyncio.wait_for(bot.communicate(), 40)
        assert (bot.returncode, out) == (1, b"")
        assert err.decode().strip().splitlines()[-1].startswith(sentence)
        assert b"Traceback" not in err


async def test_a_refused_bot_token_stops_the_start(tmp_path: Path) -> None:
    async with (
        built(tmp_path) as house,
        started(
            house, "--http", without=NO_TOKEN, PORT="0", SLACK_SIGNING_SECRET="0" * 32, SLACK_BOT_TOKEN="xoxb-no"
        ) as bot,
    ):
        _out, err = await asyncio.wait_for(bot.communicate(), 40)
        assert bot.returncode == 1
        assert err.decode().strip().splitlines()[-1].startswith("SLACK_BOT_TOKEN")


async def test_health_is_told_while_the_database_is_waited_for(tmp_path: Path) -> None:
    """A platform ends a web process that does not listen within a minute."""
    port = await free_port()
    nowhere = "postgresql://postgres@127.0.0.1:9/nothing"
    async with (
        built(tmp_path) as house,
        started(house, "--http", PORT=str(port), SLACK_SIGNING_SECRET="0" * 32, DATABASE_URL=nowhere) as bot,
    ):
        assert bot.stderr is not None
        while b"web server listens" not in await asyncio.wait_for(bot.stderr.readline(), 40):
            pass
        assert await asked(port, "/healthz") == (200, "alive\n")
        assert (await asked(port, "/readyz"))[0] == 503
        assert (await asked(port, "/slack/events"))[0] == 503
        bot.send_signal(signal.SIGTERM)
        await asyncio.wait_for(bot.communicate(), 20)
        assert bot.returncode == 0


async def free_port() -> int:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


# --- several processes --------------------------------------------------------------------------------------------


@pytest.mark.postgres
async def test_any_process_takes_any_request_and_a_worker_tells_its_health(tmp_path: Path, postgres_url: str) -> None:
    """The first delivery to one, the second to another: one answer."""
    async with (
        built(tmp_path, settings={"DATABASE_URL": postgres_url}, slack_rules=QUICK) as house,
        serving(house, "--role", "gateway") as (_first, one),
        serving(house, "--role", "gateway") as (_second, two),
        serving(house, "--role", "worker", without=(*NO_TOKEN, "SLACK_SIGNING_SECRET")) as (_worker, three),
    ):
        await subscribe(house, one)
        await house.slack.speak("ada", "dm", "hello")
        await house.answer("slack", "no language model")
        first = house.slack.request_url.delivered[-1]
        await subscribe(house, two)
        assert await house.slack.request_url.replay(first) == 200
        await house.slack.speak("ada", "dm", "again")
        await house.until("slack", lambda _: len(house.answers("slack")) == 2)
        assert await asked(three, "/readyz") == (200, "ready\n")
        assert (await asked(three, "/slack/events"))[0] == 404
        assert len(house.answers("slack")) == 2


@pytest.mark.postgres
async def test_a_process_that_ends_turns_requests_away_and_the_next_takes_them(
    tmp_path: Path, postgres_url: str
) -> None:
    """While an answer is being finished."""
    async with (
        built(tmp_path, settings={"DATABASE_URL": postgres_url, "OFFLINE_PACE": "0.3"}, slack_rules=QUICK) as house,
        serving(house) as (old, one),
    ):
        await subscribe(house, one)
        await house.slack.speak("ada", "dm", "hello")
        await house.until("slack", lambda _: house.answers("slack"))
        old.send_signal(signal.SIGTERM)
        for path in ("/readyz", "/slack/events"):  # it says so, and then nothing more is taken
            while (await asked(one, path))[0] != 503:
                pass
        assert (await asked(one, "/healthz"))[0] == 200
        await house.slack.speak("ben", "dm", "and me?")
        await house.slack.wait_for(lambda: any(one.status == 503 for one in house.slack.request_url.delivered))
        async with serving(house) as (_new, two):
            house.slack.request_url.url = f"http://127.0.0.1:{two}/slack/events"  # as a router sends it
            begun = time.monotonic()
            await asyncio.wait_for(old.wait(), 28)
            assert time.monotonic() - begun < 28
            await house.until("slack", lambda _: len(house.answers("slack")) == 2)
        assert len(house.answers("slack")) == 2
