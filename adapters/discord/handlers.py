"""Handlers in work: discord.py starts them and forgets them, so somebody has to know when they are done."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Handlers:
    """The tasks in which events are being taken."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    @contextmanager
    def one(self) -> Generator[None]:
        """Around the work of a handler."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler is a coroutine of discord.py's own task
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def finish(self, seconds: float) -> None:
        """Wait so long for all of them, then end what is left."""
        await asyncio.sleep(0)  # those that were started in this moment have not come to `one` yet
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
