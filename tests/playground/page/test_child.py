"""The bot's process: started, killed, ended, and never left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.playground.child import BotChild, BotView

READY = "import time; print('ready slack discord', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
BROKEN = "import sys; print('first', file=sys.stderr); sys.exit('DATABASE_URL is wrong')"
PARENT = """
import asyncio, sys
from bot.playground.child import BotChild
async def main():
    bot = BotChild([sys.executable, "-c", {child!r}], {{}})
    await bot.start()
    await bot.wait_for("running")
    print(bot.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def python(script: str, **environment: str) -> BotChild:
    return BotChild((sys.executable, "-c", script), environment)


def alive(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


class TestStart:
    async def test_ready_line(self) -> None:
        """It runs as soon as it prints a line that begins with `ready`."""
        async with python(READY) as bot:
            await bot.start()
            assert bot.state == "starting"
            assert await bot.wait_for("running", "stopped") == "running"

    async def test_other_lines(self) -> None:
        """Other lines before it do not count."""
        async with python("print('almost ready', flush=True)") as bot:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "stopped"

    async def test_environment(self) -> None:
        """The child gets exactly the given environment."""
        script = "import os, sys; sys.exit(os.environ['SLACK_API_URL'] + str('HOME' in os.environ))"
        async with python(script, SLACK_API_URL="http://127.0.0.1:1/") as bot:
            await bot.start()
            await bot.wait_for("stopped")
            assert bot.view().last_lines == ("http://127.0.0.1:1/False",)

    async def test_last_lines(self) -> None:
        """Of a child that does not start the last lines of its standard error are kept."""
        async with python(BROKEN) as bot:
            await bot.start()
            await bot.wait_for("stopped")
            assert bot.view() == BotView("stopped", ("first", "DATABASE_URL is wrong"))

    async def test_only_the_last_lines(self) -> None:
        """A flood of errors is cut to the end."""
        async with python("import sys\nfor n in range(5000): print(n, file=sys.stderr)") as bot:
            await bot.start()
            await bot.wait_for("stopped")
            assert bot.view().last_lines == tuple(str(n) for n in range(4960, 5000))

    async def test_missing_program(self) -> None:
        """A program that does not exist is a stop with a reason, not an exception."""
        async with BotChild(["/nonexistent/bot"], {}) as bot:
            await bot.start()
            assert bot.state == "stopped"
            assert "/nonexistent/bot" in bot.view().last_lines[0]

    async def test_started_twice(self) -> None:
        """Starting a living child changes nothing."""
        async with python(READY) as bot:
            await bot.start()
            pid = bot.pid
            await bot.start()
            assert bot.pid == pid

    async def test_endless_line(self) -> None:
        """A line of several megabytes does not stop the reading."""
        script = "import sys, time; print('x' * 3_000_000); print('ready', flush=True); time.sleep(600)"
        async with python(script) as bot:
            await bot.start()
            assert await bot.wait_for("running", "stopped") == "running"


class TestEnd:
    async def test_kill_and_restart(self) -> None:
        """SIGKILL, then a new process; watchers see every state."""
        states: list[str] = []
        async with python(READY) as bot:
            end = bot.watch(lambda view: states.append(view.state))
            await bot.start()
            await bot.wait_for("running")
            first = bot.pid
            assert first is not None
            await bot.kill()
            assert bot.state == "killed"
            assert not alive(first)
            await bot.start()
            await bot.wait_for("running")
            assert bot.pid != first
            end()
            await bot.kill()
        assert states == ["starting", "running", "killed", "restarting", "running"]

    async def test_kill_of_nothing(self) -> None:
        """Killing a child that does not live does nothing."""
        async with python(READY) as bot:
            await bot.kill()
            assert bot.state == "stopped"

    async def test_end_of_block(self) -> None:
        """Leaving the block ends the child."""
        async with python(READY) as bot:
            await bot.start()
            await bot.wait_for("running")
            pid = bot.pid
        assert pid is not None
        assert not alive(pid)

    async def test_stubborn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A child that ignores SIGTERM is killed after the grace."""
        monkeypatch.setattr("bot.playground.child.GRACE", 0.1)
        async with python(STUBBORN) as bot:
            await bot.start()
            await bot.wait_for("running")
            pid = bot.pid
        assert pid is not None
        assert not alive(pid)

    async def test_orphan(self) -> None:
        """When the parent is killed, the kernel ends the child."""
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PARENT.format(child=READY), stdout=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None
        child = int(await parent.stdout.readline())
        assert alive(child)
        os.kill(parent.pid, signal.SIGKILL)
        await parent.wait()
        async with asyncio.timeout(5):
            while alive(child):  # noqa: ASYNC110 - another process's end has no event here
                await asyncio.sleep(0.01)
