"""The work of one process in the background, and waiting in the foreground for its beginning or its end."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """A task that should not end by itself."""

    task: asyncio.Task[None]

    async def until(self, *ends: asyncio.Event | Coroutine[None, None, None]) -> None:
        """Wait for one of these; raise what the work raised, should that come first."""
        waits = [asyncio.ensure_future(end.wait() if isinstance(end, asyncio.Event) else end) for end in ends]
        try:
            await asyncio.wait({*waits, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.task.done():
            self.task.result()


@asynccontextmanager
async def background(work: Coroutine[None, None, None], name: str) -> AsyncGenerator[Work]:
    """Work that is cancelled, and waited for, at the end of the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield Work(task)
    finally:
        task.cancel()
        await asyncio.wait({task})
