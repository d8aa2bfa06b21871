"""Taking requests for as long as this process is enrolled."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack

import structlog

from bot.engine.deadlines import within
from bot.errors import StoreUnavailable
from bot.ports import Clock, Enrolment
from bot.relay.contract import Reception, Route, Webhooks
from bot.web.server import WebServer

log = structlog.get_logger()

LOOK_FOR = 2.0
"""Seconds that a look at the database may take."""
LOOK_AGAIN = 1.0
"""Seconds for which its result holds: anybody may ask whether we are ready."""


class WebEntrance:
    """Implements `bot.ports.Activity`. To be drained first: what was not taken is another process's to take."""

    def __init__(
        self,
        server: WebServer,
        offers: Mapping[str, tuple[Webhooks, Reception]],
        look: Callable[[], Coroutine[object, object, object]],
        clock: Clock,
    ) -> None:
        """Open on `server` what adapters offer, by platform and each with its reception.

        `look` finds out whether the database answers, and raises `StoreUnavailable` otherwise.
        """
        self.settled = asyncio.Event()
        """Set as soon as requests are taken."""
        self.serving: frozenset[str] = frozenset()
        """Platforms whose requests are taken."""
        self._server = server
        self._offers = offers
        self._look = look
        self._clock = clock
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._reachable = False
        self._enrolment: Enrolment | None = None
        server.hindrance = self.hindrance

    @property
    def port(self) -> int:
        """The server's."""
        return self._server.port

    async def work(self, enrolment: Enrolment) -> None:
        """Take requests until cancelled.

        Raises:
            OperatorError: a platform refuses a token.
        """
        self._enrolment = enrolment
        try:
            async with AsyncExitStack() as stack:
                self._server.open(await self._routes(stack))
                stack.push_async_callback(self._leave, "not enrolled")
                self.settled.set()
                await asyncio.Event().wait()
        finally:
            self._enrolment = None

    async def drain(self) -> None:
        """Ask everybody to come again, and answer what is in work."""
        await self._leave("ending")

    async def hindrance(self) -> str | None:
        """Why this process cannot be relied on now; None when it can."""
        enrolment = self._enrolment
        if enrolment is None or not enrolment.fresh:
            return "not enrolled"
        if enrolment.ending:
            return "ending"
        return None if await self._database_answers() else "the database does not answer"

    async def _routes(self, stack: AsyncExitStack) -> list[Route]:
        offered = {
            platform: await stack.enter_async_context(webhooks.webhooks(reception))
            for platform, (webhooks, reception) in self._offers.items()
        }
        self.serving = frozenset(platform for platform, routes in offered.items() if routes)
        return [route for routes in offered.values() for route in routes]

    async def _leave(self, reason: str) -> None:
        self._server.shut(reason)
        await self._server.idle()

    async def _database_answers(self) -> bool:
        async with self._looking:
            if self._clock.monotonic() - self._looked_at >= LOOK_AGAIN:
                self._reachable = await self._ask_database()
                self._looked_at = self._clock.monotonic()
        return self._reachable

    async def _ask_database(self) -> bool:
        try:
            await within(LOOK_FOR, self._look())
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("not ready", error=type(error).__name__)
            return False
        return True
