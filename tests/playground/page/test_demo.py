"""The demo: one command, both platforms, one line when it can be used, nothing left behind."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.errors import OperatorError
from bot.playground.demo import run_demo

TINY_BOT = (sys.executable, str(Path(__file__).with_name("tiny_bot.py")))
ENVIRONMENT = {"PATH": os.environ["PATH"], "SLACK_BOT_TOKEN": "xoxb-real", "SLACK_SIGNING_SECRET": "real"}


async def demo(data: Path | None, command: Sequence[str] = TINY_BOT, port: int = 0) -> None:
    await run_demo(
        port=port,
        open_browser=False,
        data_dir=data,
        environment=ENVIRONMENT,
        command=command,
        model_label="offline: no language model",
        model_hint="",
    )


async def printed(capsys: pytest.CaptureFixture[str], running: asyncio.Task[None]) -> str:
    """What the demo has printed, once it has printed something."""
    text = ""
    async with asyncio.timeout(30):
        while not text and not running.done():
            await asyncio.sleep(0.01)
            text = "".join(line for line in capsys.readouterr().out.splitlines(keepends=True) if "ready" in line)
    if running.done():
        running.result()
    return text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_life(capsys: pytest.CaptureFixture[str], tmp_path: Path, number: signal.Signals) -> None:
    """It says `ready` with its address once the bot is in both places, and a signal ends it together with the bot."""
    running = asyncio.create_task(demo(tmp_path / "data"))
    text = await printed(capsys, running)
    url = text.removeprefix("ready ").removesuffix("\n")
    async with ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
    noted = json.loads((tmp_path / "data" / "noted.json").read_text())
    os.kill(os.getpid(), number)
    async with asyncio.timeout(15):
        await running
    assert text == f"ready {url}\n"
    assert noted["guild"] is True
    assert "SLACK_SIGNING_SECRET" not in noted["names"]
    with pytest.raises(ProcessLookupError):
        os.kill(noted["pid"], 0)


async def test_cancelled(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Cancelling it ends the bot too."""
    running = asyncio.create_task(demo(tmp_path))
    await printed(capsys, running)
    noted = json.loads((tmp_path / "noted.json").read_text())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(noted["pid"], 0)


async def test_port_in_use() -> None:
    """A port in use is one sentence, and nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"Port {port}"):
            await demo(None, port=port)


@pytest.mark.parametrize("port", [-1, 65_536, 80_000])
async def test_no_such_port(port: int) -> None:
    """A port that does not exist is one sentence that says which do."""
    with pytest.raises(OperatorError, match=f"no port {port}.*0 to 65535"):
        await demo(None, port=port)


async def test_bot_that_does_not_start() -> None:
    """When the bot ends before it is ready, its last words are the error."""
    command = (sys.executable, "-c", "import sys; sys.exit('SLACK_BOT_TOKEN is wrong')")
    with pytest.raises(OperatorError, match=r"does not start[^$]*SLACK_BOT_TOKEN is wrong"):
        await demo(None, command)
