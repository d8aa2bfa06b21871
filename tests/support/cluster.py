"""A deployment: several bot processes with roles, before one house. Each can be killed, frozen, ended and restarted."""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.domain.workers import RECEIVERS, Role
from tests.support.forked import be_the_bot, fork_server
from tests.support.house import PATIENCE, House

ALONE: tuple[Role, ...] = ("all",)
SEVERAL: tuple[Role, ...] = ("gateway", "gateway", "worker", "worker", "worker")
LAST_MOMENT = 30.0
"""Seconds after SIGTERM in which a process has to be gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    """Exit code, or the negative number of a signal."""
    seconds: float
    """From the signal to its end."""


class Member:
    """One place in a deployment: any number of lives one after the other, under the same role.

    Args:
        name: of its log and its folder, such as `worker-2`.
        role: what it is started as.
        folder: where its folder and its log are.
        environment: what the operator set.
    """

    def __init__(self, name: str, role: Role, folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.role: Role = role
        self.lives = 0
        self._folder = folder / name
        self._folder.mkdir(exist_ok=True)
        self._log = folder / f"{name}.log"
        self._environment = environment
        self._process: ForkServerProcess | None = None
        self._over = asyncio.Event()
        self._ready = asyncio.Event()
        self._spoken = b""

    @property
    def alive(self) -> bool:
        """Whether it lives, frozen or not."""
        return self._process is not None and not self._over.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether it lives and has said that it is ready."""
        return self.alive and self._ready.is_set()

    @property
    def log(self) -> str:
        """What all of its lives wrote to standard error."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Begin a life."""
        assert not self.alive, f"{self.name} lives already"
        context = fork_server()
        heard, spoken = Pipe(duplex=False)
        arguments = ("run",) if self.role == "all" else ("run", "--role", self.role)
        self._over, self._ready, self._spoken = asyncio.Event(), asyncio.Event(), b""
        self._process = context.Process(
            target=be_the_bot, args=(self._environment, self._folder, self._log, arguments, spoken), daemon=True
        )
        self._process.start()
        spoken.close()
        self.lives += 1
        loop = asyncio.get_running_loop()
        loop.add_reader(heard.fileno(), self._hear, heard)
        loop.add_reader(self._process.sentinel, self._end, self._process.sentinel)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal. SIGSTOP freezes it, SIGCONT lets it go on."""
        assert self._process is not None
        assert self._process.pid is not None
        with suppress(ProcessLookupError):  # it ended a moment ago
            os.kill(self._process.pid, number)

    async def ready(self, seconds: float = PATIENCE) -> None:
        """Wait until it says that it is ready.

        Raises:
            AssertionError: it ended instead; with the end of its log.
        """
        ready, over = asyncio.create_task(self._ready.wait()), asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({ready, over}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            over.cancel()
        assert self._ready.is_set(), f"{self.name} is not ready:\n{self.log[-2000:]}"

    async def kill(self) -> None:
        """`kill -9`. Returns when it is gone."""
        if self.alive:
            self.signal(signal.SIGKILL)
            await self._over.wait()

    async def restart(self) -> None:
        """`kill -9`, and at once the next life."""
        await self.kill()
        self.start()

    async def terminate(self, times: int = 1) -> Ended:
        """SIGTERM so many times, and wait for the end."""
        began = time.monotonic()
        for _ in range(times):
            self.signal(signal.SIGTERM)
        return await self.ended(began)

    async def ended(self, since: float) -> Ended:
        """Wait for its end.

        Raises:
            TimeoutError: it still lives `LAST_MOMENT` seconds after `since` (monotonic).
        """
        async with asyncio.timeout(max(0.0, since + LAST_MOMENT - time.monotonic())):
            await self._over.wait()
        assert self._process is not None
        self._process.join()
        assert self._process.exitcode is not None
        return Ended(self._process.exitcode, time.monotonic() - since)

    def _hear(self, heard: Connection) -> None:
        said = os.read(heard.fileno(), 4096)
        self._spoken += said
        if b"ready" in (line.split(b" ")[0] for line in self._spoken.split(b"\n")):
            self._ready.set()
        if not said:
            asyncio.get_running_loop().remove_reader(heard.fileno())
            heard.close()

    def _end(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self._over.set()


class Cluster:
    """All processes of one deployment.

    Args:
        house: what they connect to.
        roles: one process each.
    """

    def __init__(self, house: House, roles: Sequence[Role]) -> None:
        self.house = house
        count: Counter[str] = Counter()
        self.members: list[Member] = []
        for role in roles:
            count[role] += 1
            name = f"{role}-{count[role]}"
            self.members.append(Member(name, role, house.folder, self._environment(name)))

    def _environment(self, name: str) -> dict[str, str]:
        """On Postgres no process sees another's folder, as if each ran on a machine of its own."""
        environment = self.house.environment()
        if environment["DATABASE_URL"].startswith("sqlite"):
            return environment
        return {**environment, "DATA_DIR": str(self.house.folder / name)}

    def role(self, role: Role) -> list[Member]:
        """The processes with this role."""
        return [member for member in self.members if member.role == role]

    async def start(self, *members: Member) -> None:
        """Start these, or all; wait until they are ready and, when they receive, connected to both platforms."""
        for member in members or self.members:
            member.start()
        for member in members or self.members:
            await member.ready()
        if any(member.role in RECEIVERS for member in members or self.members):
            await self.connected()

    async def connected(self) -> None:
        """Wait until both platforms see the bot and its commands."""
        await self.house.until("slack", lambda view: view.bot_connected)
        await self.house.until("discord", lambda view: view.bot_connected and view.commands)

    async def terminate(self) -> list[Ended]:
        """SIGTERM to everything that lives. Returns how each ended."""
        return list(await asyncio.gather(*(member.terminate() for member in self.members if member.alive)))

    def enrolments(self, member: Member) -> list[str]:
        """Under which ids a process has worked, from its log."""
        return re.findall(r"enrolled\b.*?worker_id=(\S+)", member.log)

    def told(self, words: str) -> list[str]:
        """All lines of all logs with these words, each with the name of its process."""
        return [f"{one.name}: {line}" for one in self.members for line in one.log.splitlines() if words in line]


@asynccontextmanager
async def deployed(house: House, roles: Sequence[Role]) -> AsyncGenerator[Cluster]:
    """A deployment that is not started yet; what lives of it at the end is killed."""
    cluster = Cluster(house, roles)
    try:
        yield cluster
    finally:
        for member in cluster.members:
            await member.kill()
