"""The stand-in's background work: deliveries, delayed shares, vanishing statuses. Nothing runs without this owner."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Chores:
    """Owns tasks until it is closed; a task that failed makes `close` fail, so no test overlooks it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it; what is still running at the end is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._failures.append(failure)

    async def close(self) -> None:
        """Cancel what still runs.

        Raises:
            BaseExceptionGroup: tasks that failed on their own.
        """
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._failures:
            raise BaseExceptionGroup("background work of the stand-in failed", self._failures)
