"""What all sockets of this process share, from the first that begins to the last that ends."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from adapters.slack.attendance import Attendance, mark_of
from adapters.slack.courtesies import Courtesies
from adapters.slack.front import Front
from adapters.slack.ingress import Ingress
from adapters.slack.living_sockets import LivingSockets
from adapters.slack.payloads import Head
from adapters.slack.watch import Watch
from adapters.slack.web import Web
from adapters.slack.workspaces import Workspace, Workspaces
from bot.errors import StoreUnavailable
from bot.ports import Notes
from bot.relay.contract import Reception
from bot.relay.seen import Seen
from bot.relay.waiting import FIRST_WAIT, LONGEST_WAIT

log = structlog.get_logger()

T = TypeVar("T")

CATCHING_UP = 16
"""Workspaces in which what was missed is read at the same time."""


class Session:
    """The Bolt application, what is in work, and the workspaces: the same for all sockets."""

    def __init__(
        self,
        web: Web,
        workspaces: Workspaces,
        reception: Reception,
        notes: Notes,
        watch: Watch,
        *,
        requests: bool,
    ) -> None:
        """Hand events to `reception`; remember in `notes` how far messages have been dealt with.

        With `requests` Slack sends to every process alike, and what was missed is read in `catching_up`.
        """
        self._workspaces = workspaces
        self._reception = reception
        self._notes = notes
        self._watch = watch
        self._requests = requests
        self._catching_up = False
        self._courtesies = Courtesies()
        self._attended: dict[Workspace, Attendance] = {}
        self._room = asyncio.Semaphore(CATCHING_UP)
        self._changing = asyncio.Lock()
        front = Front(self._ingress_of)
        self.app = front.app(web.client())
        self.take = front.take
        self.sockets = LivingSockets(watch.gap, self.missed)
        self.revoked = asyncio.create_task(workspaces.keep(self._follow), name="slack workspaces")
        """Done only when nothing can be received or written any more; it raises why."""

    async def begin(self) -> None:
        """Attend all workspaces, however long Slack or the store is away.

        Raises:
            OperatorError: Slack refused the bot token.
        """
        for workspace in await persistently(self._workspaces.all):
            await persistently(partial(self._attend, workspace))

    def missed(self) -> None:
        """Nobody may have listened until now: read what was said."""
        for attendance in self._attended.values():
            attendance.missed()

    async def _ingress_of(self, head: Head) -> Ingress | None:
        workspace = await self._workspaces.find(head)
        return None if workspace is None else (await self._attend(workspace)).ingress

    async def _attend(self, workspace: Workspace) -> Attendance:
        """Receive from a workspace from now on."""
        async with self._changing:
            if workspace in self._attended:
                return self._attended[workspace]
            identity = await workspace.identity()
            seen = Seen(self._notes, mark_of(identity))
            await seen.load()
            attendance = Attendance(
                workspace, identity, self._reception, seen, self._courtesies, self._watch, self._room
            )
            self._attended[workspace] = attendance
            await attendance.begin()
            if self._requests:
                attendance.leave_to_keeper()
            if self._catching_up:
                await attendance.take_over()
            log.info("slack session", team=identity.tenant, bot_user=identity.user_id)
            return attendance

    async def _follow(self) -> None:
        """Workspaces have come or gone."""
        there = set(await self._workspaces.all())
        for workspace in there:
            await self._attend(workspace)
        async with self._changing:
            for workspace in [one for one in self._attended if one not in there]:
                await self._attended.pop(workspace).close()

    @asynccontextmanager
    async def catching_up(self) -> AsyncGenerator[None]:
        """What was said while nobody listened is ours to read."""
        try:
            async with self._changing:
                self._catching_up = True
                for attendance in tuple(self._attended.values()):
                    await attendance.take_over()
            yield
        finally:
            self._catching_up = False

    async def close(self) -> None:
        """End all work. Small courtesies may finish, each within its time."""
        try:
            await self._courtesies.finish()
        finally:
            await self._courtesies.cancel()
            self.revoked.cancel()
            await asyncio.gather(self.revoked, return_exceptions=True)
            await asyncio.gather(*(attendance.close() for attendance in self._attended.values()))


@dataclass(slots=True)
class _Open:
    session: Session
    sockets: int = 0


class Sessions:
    """Opens the session for the first socket and closes it after the last."""

    def __init__(self, web: Web, workspaces: Workspaces, notes: Notes, watch: Watch, *, requests: bool) -> None:
        """Remember in `notes` how far messages have been dealt with.

        With `requests` Slack sends to every process alike, and one of them reads what was missed.
        """
        self._web = web
        self._workspaces = workspaces
        self._notes = notes
        self._watch = watch
        self._requests = requests
        self._open: _Open | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def joined(self, reception: Reception) -> AsyncGenerator[Session]:
        """The session, for as long as a socket needs it. Waits for Slack and for the store.

        Raises:
            OperatorError: Slack refused the bot token.
        """
        async with self._lock:
            if self._open is None:
                self._open = _Open(await self._begin(reception))
            joined = self._open
            joined.sockets += 1
        try:
            yield joined.session
        finally:
            joined.sockets -= 1
            if joined.sockets == 0:
                self._open = None
                await joined.session.close()

    async def _begin(self, reception: Reception) -> Session:
        session = Session(self._web, self._workspaces, reception, self._notes, self._watch, requests=self._requests)
        try:
            await session.begin()
        except BaseException:
            await session.close()
            raise
        return session


async def persistently(work: Callable[[], Awaitable[T]]) -> T:
    """Do what needs the store, however long that is away."""
    wait = FIRST_WAIT
    while True:
        try:
            return await work()
        except StoreUnavailable as error:
            log.warning("slack workspaces not begun", error=str(error), next_try_in=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)
