"""What all sockets of this process share, from the first that begins to the last that ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.attendance import Attendance
from adapters.slack.courtesies import Courtesies
from adapters.slack.errors import refused
from adapters.slack.front import Front
from adapters.slack.ingress import Ingress
from adapters.slack.living_sockets import LivingSockets
from adapters.slack.payloads import Head
from adapters.slack.places import PLATFORM
from adapters.slack.settings import BOT_TOKEN
from adapters.slack.watch import Watch
from adapters.slack.web import Web
from adapters.slack.workspaces import Workspaces
from bot.errors import PlatformError, StoreUnavailable, Unauthorised
from bot.ports import Notes
from bot.relay.contract import Reception
from bot.relay.seen import Seen
from bot.relay.waiting import FIRST_WAIT, LONGEST_WAIT, patiently

log = structlog.get_logger()

RECHECK = 5.0
"""Seconds between two attempts to find out whether the bot token is good."""


class Session:
    """The Bolt application, what is in work, and the workspaces: the same for all sockets."""

    def __init__(self, attendance: Attendance, courtesies: Courtesies, web: Web, api: SlackApi, watch: Watch) -> None:
        """Hand events to `attendance`, which is closed with this."""
        self._attendance = attendance
        self._courtesies = courtesies
        front = Front(self._ingress_of)
        self.app = front.app(web.client())
        self.take = front.take
        self.sockets = LivingSockets(watch.gap, self.missed)
        self.revoked = asyncio.create_task(_revoked(api), name="slack token")
        """Done only when Slack does not accept the bot token any more; it raises why."""

    async def _ingress_of(self, head: Head) -> Ingress:
        del head
        return self._attendance.ingress

    def missed(self) -> None:
        """Nobody may have listened until now: read what was said."""
        self._attendance.missed()

    async def take_over(self) -> None:
        """What was said while nobody listened is ours to read from now on."""
        await self._attendance.take_over()

    async def close(self) -> None:
        """End all work. Small courtesies may finish, each within its time."""
        try:
            await self._courtesies.finish()
        finally:
            await self._courtesies.cancel()
            self.revoked.cancel()
            await asyncio.gather(self.revoked, return_exceptions=True)
            await self._attendance.close()


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
        workspace = self._workspaces.only
        try:
            identity = await patiently(workspace.api.identity, PLATFORM)
        except PlatformError as error:
            raise refused(BOT_TOKEN, error) from error
        seen = Seen(self._notes, f"slack seen {identity.tenant}")
        await _loaded(seen)
        courtesies = Courtesies()
        attendance = Attendance(workspace, identity, reception, seen, courtesies, self._watch)
        session = Session(attendance, courtesies, self._web, workspace.api, self._watch)
        try:
            await attendance.begin()
        except BaseException:
            await session.close()
            raise
        if self._requests:
            attendance.leave_to_keeper()
        log.info("slack session", team=identity.team_id, bot_user=identity.user_id)
        return session


async def _loaded(seen: Seen) -> None:
    """Read the mark, however long the store is away."""
    wait = FIRST_WAIT
    while True:
        try:
            return await seen.load()
        except StoreUnavailable as error:
            log.warning("slack mark not read", error=str(error), next_try_in=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


async def _revoked(api: SlackApi) -> None:
    """Wait until a call finds that Slack does not accept the bot token, and be sure of it.

    Raises:
        OperatorError: it is so.
    """
    while True:
        await api.refused.wait()
        try:
            await api.identity()
        except Unauthorised as error:
            raise refused(BOT_TOKEN, error) from error
        except PlatformError as error:
            log.warning("slack token not checked", error=str(error))
            await asyncio.sleep(RECHECK)
