"""Waiting for a platform that does not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.errors import RateLimited, Unreachable

log = structlog.get_logger()

T = TypeVar("T")
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0


async def patiently(call: Callable[[], Awaitable[T]], platform: str) -> T:
    """Repeat a harmless call until the platform answers. Waits double from a second to half a minute.

    Raises:
        PlatformError: the platform answered, and it is no use to repeat (a wrong token).
    """
    wait = FIRST_WAIT
    while True:
        try:
            return await call()
        except RateLimited as error:
            pause = error.retry_after
        except Unreachable as error:
            log.warning("platform not reachable", platform=platform, error=str(error), next_try_in=wait)
            pause = wait
            wait = min(wait * 2, LONGEST_WAIT)
        await asyncio.sleep(pause)
