"""How many requests a process sends in all, whatever they are about: Discord counts those of a token together."""

import asyncio
from collections import deque
from collections.abc import Callable

_LIMIT = 35
"""Requests a second of all processes: Discord allows 50 (Rate Limits, "Global Rate Limit"); the rest is for the way."""
_WINDOW = 1.0


class Ceiling:
    """Lets so many requests pass in a second, in the order of asking; the answers to interactions do not ask."""

    def __init__(self, limit: int = _LIMIT) -> None:
        """Begin alone; `limit` is for all processes together."""
        self.among: Callable[[], int] = lambda: 1
        """Among how many processes the limit is divided now."""
        self._limit = limit
        self._passed: deque[float] = deque()
        self._door = asyncio.Lock()

    async def take(self) -> None:
        """Wait until one more request may be sent."""
        clock = asyncio.get_running_loop().time
        async with self._door:
            while len(self._passed) >= max(1, self._limit // max(1, self.among())):
                await asyncio.sleep(max(0.0, self._passed[0] + _WINDOW - clock()))
                self._forget(clock())
            self._passed.append(clock())

    def _forget(self, now: float) -> None:
        while self._passed and self._passed[0] <= now - _WINDOW:
            self._passed.popleft()
