"""What was said while nobody listened: Slack sends it three times more within minutes, then never, so it is read."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.missed import Missed
from adapters.slack.payloads import Envelope
from adapters.slack.places import NO_THREAD, kinds_of
from adapters.slack.replies import Identity
from bot.errors import PlatformError, StoreUnavailable
from bot.relay.contract import Reception
from bot.relay.seen import Seen

log = structlog.get_logger()

_OLDEST = 24 * 3600.0
"""Seconds. Whoever asked earlier does not wait any more."""
_LIVE = 7 * 24 * 3600.0
"""Seconds for which a thread is looked into again although nothing was said to us there."""


class CatchUp:
    """Reads what was missed and hands it over, whenever it is asked to."""

    def __init__(
        self,
        api: SlackApi,
        identity: Identity,
        reception: Reception,
        seen: Seen,
        hear: Callable[[Envelope], Awaitable[bool]],
        again: float,
        room: asyncio.Semaphore,
    ) -> None:
        """Give messages to `hear`, to which one that is known already does no harm; try again after so many seconds.

        There is `room` for so many workspaces at a time.
        """
        self._room = room
        self._api = api
        self._identity = identity
        self._reception = reception
        self._seen = seen
        self._hear = hear
        self._again = again
        self._due = math.inf
        self._changed = asyncio.Event()

    def begin(self, delay: float = 0.0) -> None:
        """Something may have been missed: keep the mark where it is, and read from there in so many seconds."""
        self._seen.hold()
        self._due = min(self._due, time.monotonic() + delay)
        self._changed.set()

    async def keep(self) -> None:
        """Read whenever something may have been missed, until cancelled."""
        while True:
            await self._wanted()
            async with self._room:
                newest = await self._read()
            if newest is None:
                self.begin(self._again)
            elif self._due == math.inf:  # otherwise something went amiss meanwhile, and the mark stays
                self._seen.release(newest)

    async def _wanted(self) -> None:
        while (left := self._due - time.monotonic()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if left == math.inf else left):
                    await self._changed.wait()
        self._due = math.inf

    async def _read(self) -> int | None:
        """Hand over what was said since the mark. Returns the newest of it, or None when that did not work."""
        tenant = self._identity.tenant
        missed = Missed(self._api, tenant, self._seen.mark or 0, _OLDEST, self._hand_over)
        try:
            since, kinds = time.time() - _LIVE, kinds_of(tenant)
            await missed.read(await self._reception.live_conversations(since, kinds, NO_THREAD))
        except (StoreUnavailable, PlatformError) as error:  # a token that is refused is not ours to judge
            log.warning("slack not caught up", error=str(error))
            return None
        log.info("slack caught up", messages=missed.found, requests=missed.asked, complete=True)
        return missed.newest

    async def _hand_over(self, message: Envelope) -> bool:
        try:
            return await self._hear(message)
        except StoreUnavailable:
            raise
        except Exception:  # process boundary: one bad message must not keep us from all others
            log.exception("slack message not caught up", ts=message.event.ts)
            return True
