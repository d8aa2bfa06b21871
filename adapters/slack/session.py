"""What all sockets of this process share, from the first that begins to the last that ends."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.catch_up import CatchUp
from adapters.slack.courtesies import Courtesies
from adapters.slack.errors import refused
from adapters.slack.inbound import Reader
from adapters.slack.ingress import Ingress
from adapters.slack.living_sockets import LivingSockets
from adapters.slack.places import PLATFORM
from adapters.slack.replies import Identity
from adapters.slack.settings import BOT_TOKEN
from adapters.slack.stamps import micros
from adapters.slack.users import Users
from adapters.slack.watch import Watch
from bot.errors import PlatformError, StoreUnavailable, Unauthorised
from bot.ports import Notes
from bot.relay.contract import Reception
from bot.relay.seen import Seen
from bot.relay.waiting import FIRST_WAIT, LONGEST_WAIT, patiently

log = structlog.get_logger()

RECHECK = 5.0
"""Seconds between two attempts to find out whether the bot token is good."""


class Session:
    """Who we are, what is in work, and how far messages have been dealt with: the same for all sockets."""

    def __init__(
        self, api: SlackApi, identity: Identity, users: Users, reception: Reception, seen: Seen, watch: Watch
    ) -> None:
        """Hand events to `reception`; `seen` has been loaded."""
        self._seen = seen
        self._first = seen.mark is None
        self._identity = identity
        self._again = watch.again
        self._courtesies = Courtesies()
        ingress = Ingress(api, identity, Reader(identity, users), reception, self._courtesies, self.taking)
        self.app = ingress.app()
        self.take = ingress.take
        self.sockets = LivingSockets(watch.gap, self.missed)
        self._catch_up = CatchUp(api, identity, reception, seen, ingress.hear_late, watch.again)
        self.revoked = asyncio.create_task(_revoked(api), name="slack token")
        """Done only when Slack does not accept the bot token any more; it raises why."""
        self._tasks = (
            self.revoked,
            asyncio.create_task(seen.keep(), name="slack mark"),
            asyncio.create_task(self._catch_up.keep(), name="slack catch-up"),
        )

    @contextmanager
    def taking(self, ts: str) -> Generator[None]:
        """Around dealing with an event. What cannot be stored is read later, however long Slack sends it again."""
        with self._seen.taking(micros(ts)):
            try:
                yield
            except StoreUnavailable:
                self._catch_up.begin(self._again)
                raise

    async def begin(self) -> None:
        """Keep the mark of the very first start at once: from here on nothing is missed."""
        if self._first:
            self._seen.release(micros(f"{self._identity.at:.6f}"))
            await self._seen.write()

    def missed(self) -> None:
        """Nobody may have listened until now: read what was said. Before the very first start nothing was."""
        if not self._first:
            self._catch_up.begin()
        self._first = False

    async def close(self) -> None:
        """End all work. Small courtesies may finish, each within its time."""
        try:
            await self._courtesies.finish()
        finally:
            await self._courtesies.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._seen.write()


@dataclass(slots=True)
class _Open:
    session: Session
    sockets: int = 0


class Sessions:
    """Opens the session for the first socket and closes it after the last."""

    def __init__(self, api: SlackApi, notes: Notes, watch: Watch) -> None:
        """Remember in `notes` how far messages have been dealt with."""
        self._api = api
        self._users = Users(api)
        self._notes = notes
        self._watch = watch
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
        try:
            identity = await patiently(self._api.identity, PLATFORM)
        except PlatformError as error:
            raise refused(BOT_TOKEN, error) from error
        seen = Seen(self._notes, f"slack seen {identity.tenant}")
        await _loaded(seen)
        session = Session(self._api, identity, self._users, reception, seen, self._watch)
        try:
            await session.begin()
        except BaseException:
            await session.close()
            raise
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
