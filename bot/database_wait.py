"""Waiting for the database at the start: containers start in any order, and small plans refuse connections at times."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.errors import StoreRefused, StoreUnavailable

log = structlog.get_logger()

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds; longer than two generations of processes overlap at a deploy, which may use up all connections of a plan."""
_PAUSE = 2.0


async def patiently(open_store: Callable[[], Awaitable[T]], stopping: asyncio.Event) -> T:
    """Open the store, trying again for `PATIENCE` seconds while the database cannot be reached.

    Raises:
        StoreUnavailable: it could not be reached in that time, or it refuses us for good.
        SystemExit: the process was told to stop meanwhile; there is nothing to finish.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await open_store()
        except StoreRefused:
            raise
        except StoreUnavailable as error:
            if time.monotonic() + _PAUSE > until:
                raise
            log.warning("waiting for the database", error=str(error), next_try_in=_PAUSE)
        try:
            async with asyncio.timeout(_PAUSE):
                await stopping.wait()
        except TimeoutError:  # not told to stop: try again
            continue
        sys.exit(0)
