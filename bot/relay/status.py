"""The working status ("is thinking…") that a platform shows while nothing of the answer is posted yet."""

import asyncio
from collections.abc import Callable

import structlog

from bot.errors import PlatformError
from bot.relay.chat import Chat

log = structlog.get_logger()

_LOOK_AGAIN = 2.0
"""Seconds; also the least time between two changes."""
_MARGIN = 0.8
"""Share of `Capabilities.status_refresh` after which the status is set anew."""
_PATIENCE = 5.0
"""Seconds for clearing it: the end of a run does not wait for decoration."""


class WorkingStatus:
    """Keeps the status of one run up."""

    def __init__(self, chat: Chat, text: Callable[[], str | None]) -> None:
        """Show in `chat` what `text` says at the moment, until it says None."""
        self._chat = chat
        self._text = text
        self._up = False

    async def keep(self) -> None:
        """Show and renew it until there is nothing to show any more. Failures are of no importance.

        Raises:
            Fenced: somebody else has the lane.
        """
        clock, refresh = self._chat.clock, self._chat.capabilities.status_refresh
        if refresh is None:
            return
        shown, renew_at = "", 0.0
        while (text := self._text()) is not None:
            if text != shown or clock.monotonic() >= renew_at:
                shown, renew_at = text, clock.monotonic() + refresh * _MARGIN
                await self._set(text)
            await clock.sleep(min(_LOOK_AGAIN, refresh * _MARGIN))

    async def clear(self) -> None:
        """Take it down, if it is up."""
        if self._up:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._set(None)
            except TimeoutError:
                log.debug("status not cleared in time")

    async def _set(self, text: str | None) -> None:
        self._up = text is not None
        try:
            await self._chat.status(text)
        except PlatformError as error:
            log.debug("status not shown", error=type(error).__name__)
