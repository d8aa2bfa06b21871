"""Small things that are done after the acknowledgement and may fail: reactions and notes to one person."""

import asyncio
from collections.abc import Coroutine

import structlog

from bot.errors import PlatformError

log = structlog.get_logger()

PATIENCE = 5.0
"""Seconds for one courtesy."""


class Courtesies:
    """Owner of the tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, what: str, work: Coroutine[object, object, None]) -> None:
        """Begin a courtesy; `what` is its name in the log when it fails."""
        task = asyncio.create_task(self._carefully(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for all of them; each ends by itself within its time."""
        await asyncio.gather(*self._tasks)

    async def cancel(self) -> None:
        """Drop what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    async def _carefully(what: str, work: Coroutine[object, object, None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await work
        except (PlatformError, TimeoutError) as error:
            log.info("slack courtesy failed", what=what, error=str(error) or "too slow")
