"""The bot as a child process, started the way an operator would start it, so that the page can really kill it."""

import asyncio
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import structlog

log = structlog.get_logger()

State = Literal["stopped", "starting", "running", "killed", "restarting"]
"""`starting` is the first start, `restarting` every later one; `stopped` is an end that nobody here asked for."""

KEPT_LINES = 40
"""Lines of standard error that are kept for the message that it does not start."""
GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL at the end."""
LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BotView:
    """The bot's process as the page shows it."""

    state: State
    last_lines: tuple[str, ...] = ()
    """The end of its standard error; only filled when it is `stopped`."""


class BotChild:
    """Starts, watches, kills and ends one child process.

    It is ready when it prints a line that starts with `ready`. Leaving the `async with` block ends it: SIGTERM, then
    SIGKILL. On Linux the kernel ends it too when this process dies without that chance.

    Args:
        command: program and arguments.
        environment: the child's whole environment.
        cwd: where it runs; this process's own working directory by default.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path | None = None) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._cwd = cwd
        self._state: State = "stopped"
        self._started_before = False
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._callbacks: list[Callable[[BotView], None]] = []
        self._changed = asyncio.Event()

    @property
    def state(self) -> State:
        """What the process does."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def view(self) -> BotView:
        """State and, if it stopped by itself, its last lines."""
        return BotView(self._state, tuple(self._last_lines) if self._state == "stopped" else ())

    def watch(self, callback: Callable[[BotView], None]) -> Callable[[], None]:
        """Call back on every change of state. Returns the function that ends it."""
        self._callbacks.append(callback)

        def end() -> None:
            with suppress(ValueError):  # ended twice
                self._callbacks.remove(callback)

        return end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the process if it does not live. Returns at once; `wait_for` tells when it is `running`."""
        if self._state in {"starting", "running", "restarting"}:
            return
        if self._watching is not None:
            await self._watching
        self._last_lines.clear()
        self._become("restarting" if self._started_before else "starting")
        self._started_before = True
        try:
            self._process = await self._spawn()
        except OSError as error:  # no such program, no permission
            self._last_lines.append(f"{self._command[0]}: {error.strerror or error}")
            self._become("stopped")
            return
        self._watching = asyncio.create_task(self._watch(self._process), name="bot child")

    async def kill(self) -> None:
        """End it with SIGKILL, as a crash of the machine would; returns when it is gone."""
        if self._process is None or self._process.returncode is not None:
            return
        self._become("killed")
        with suppress(ProcessLookupError):  # it ended by itself a moment ago
            self._process.kill()
        if self._watching is not None:
            await asyncio.shield(self._watching)

    async def stop(self) -> None:
        """End it politely: SIGTERM, then SIGKILL to its whole process group after `GRACE` seconds."""
        process, watching = self._process, self._watching
        if process is None or watching is None:
            return
        with suppress(ProcessLookupError):  # it ended by itself
            process.terminate()
        _, late = await asyncio.wait({watching}, timeout=GRACE)
        if late:
            _kill_group(process)
            await watching

    async def wait_for(self, *states: State) -> State:
        """Wait until it is in one of these states. Returns which."""
        while self._state not in states:
            self._changed.clear()
            await self._changed.wait()
        return self._state

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=self._cwd,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C in the terminal is for the demo, which then ends its child in order
            preexec_fn=_dies_with(os.getpid()),
        )

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - piped in `_spawn`
        assert process.stderr is not None  # noqa: S101 - piped in `_spawn`
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_output(process.stdout))
            tasks.create_task(self._read_errors(process.stderr))
            await process.wait()
        log.info("bot process ended", pid=process.pid, exit_code=process.returncode, state=self._state)
        if self._state != "killed":
            self._become("stopped")

    async def _read_output(self, stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            if line.startswith("ready") and self._state in {"starting", "restarting"}:
                self._become("running")

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            self._last_lines.append(line)

    def _become(self, state: State) -> None:
        self._state = state
        self._changed.set()
        for callback in tuple(self._callbacks):
            callback(self.view())


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of a pipe as text; a line beyond `LONGEST_LINE` is skipped instead of ending the reading."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than the limit; asyncio has dropped it
            continue
        if not line:
            return
        yield line.decode(errors="replace").rstrip()


_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: the signal that the kernel sends when the parent dies."""


def _dies_with(parent: int) -> Callable[[], None] | None:
    """What the child does before it becomes the bot: ask the kernel to end it with its parent (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return in_child


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """End the process and what it started; it leads its own group because it began a session."""
    with suppress(ProcessLookupError):  # it ended by itself a moment ago
        os.killpg(process.pid, signal.SIGKILL)
