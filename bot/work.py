"""What runs beside each other in one process, started together, watched together, ended in order."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.relay import Relay
from bot.relay.contract import Adapter


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks that should not end by themselves."""

    tasks: tuple[asyncio.Task[None], ...]
    connected: asyncio.Event
    """Set once every platform is connected."""

    async def until(self, *ends: asyncio.Event | Coroutine[None, None, None]) -> None:
        """Wait for one of these; raise what a task of the work raised, should that come first."""
        waits = [asyncio.ensure_future(end.wait() if isinstance(end, asyncio.Event) else end) for end in ends]
        try:
            await asyncio.wait({*waits, *self.tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for task in self.tasks:
            if task.done():
                task.result()


@asynccontextmanager
async def background(work: Coroutine[None, None, None], name: str) -> AsyncGenerator[asyncio.Task[None]]:
    """A task that is cancelled, and waited for, at the end of the block."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def receiving(adapters: Sequence[Adapter], relay: Relay) -> AsyncGenerator[Work]:
    """All platforms, connecting at the same time: one that cannot be reached keeps none of the others waiting."""
    leaving, connected = asyncio.Event(), asyncio.Event()
    missing = {adapter.capabilities.platform for adapter in adapters}

    async def receive(adapter: Adapter) -> None:
        platform = adapter.capabilities.platform
        async with adapter.running(relay.reception(platform)) as gone:
            missing.discard(platform)
            if not missing:
                connected.set()
            left = asyncio.ensure_future(leaving.wait())
            await asyncio.wait({left, gone}, return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            if gone.done():
                gone.result()

    tasks = [asyncio.create_task(receive(adapter), name=adapter.capabilities.platform) for adapter in adapters]
    try:
        yield Work(tuple(tasks), connected)
    finally:
        leaving.set()
        if not connected.is_set():
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what they raised was raised by `until`
