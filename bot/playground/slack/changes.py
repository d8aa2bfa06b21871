"""Who has to be told when something happened: the page's watchers, and tests that wait for a state."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from bot.playground.view import Change

T = TypeVar("T")


class Changes:
    """Tells watchers what the page shows, and wakes waiters after anything at all."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[Change], None]] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every change that shows. Returns the function that ends it."""
        self._watchers.append(callback)

        def end() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return end

    def show(self, change: Change) -> None:
        """Tell the watchers."""
        for callback in tuple(self._watchers):
            callback(change)
        self.wake()

    def wake(self) -> None:
        """Something happened that does not show (a call, an acknowledgement)."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def wait_for(self, predicate: Callable[[], T], timeout: float) -> T:
        """Wait until the predicate gives something true, looking again after every happening. Returns what it gave.

        Raises:
            TimeoutError: it did not within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not (value := predicate()):
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
            return value
