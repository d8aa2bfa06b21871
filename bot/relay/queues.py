"""One after the other: work under one key happens in order, whatever way it came."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

_Waiting = list[tuple[int, int, asyncio.Future[None]]]


class Queues:
    """A queue per key, forgotten when nobody holds or wants it. Of those who wait, the lowest in order is next."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._arrival = count()

    @asynccontextmanager
    async def of(self, key: str, order: int = 0) -> AsyncGenerator[None]:
        """Wait for one's turn under `key` and hold it. Those of the same `order` come as they arrived."""
        await self._turn(key, order)
        try:
            yield
        finally:
            self._pass_on(key)

    async def _turn(self, key: str, order: int) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = []
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(waiting, (order, next(self._arrival), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the same moment
                self._pass_on(key)
            raise

    def _pass_on(self, key: str) -> None:
        waiting = self._waiting[key]
        while waiting:
            _, _, turn = heappop(waiting)
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
