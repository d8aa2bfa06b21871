"""What one browser has not been told yet, the latest state of each thing only.

A bot edits a message up to 50 times a second. The page is told every 50 ms, and when a browser is slower than that, the
edits in between are never sent: the outbox holds one entry per message, however long it waits.
"""

import asyncio

from bot.playground.page.wire import Json

PACE = 0.05
"""Seconds between two batches: 20 a second look continuous."""


class Outbox:
    """Pending changes of one browser, in the order in which their subjects first appeared."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, ...], Json] = {}
        self._filled = asyncio.Event()

    def put(self, key: tuple[str, ...], change: Json) -> None:
        """Keep a change; an earlier one with the same key is dropped, its place is kept."""
        self._pending[key] = change
        self._filled.set()

    def take(self) -> list[Json]:
        """Everything pending; the outbox is empty afterwards."""
        changes = list(self._pending.values())
        self._pending.clear()
        self._filled.clear()
        return changes

    async def next_batch(self) -> list[Json]:
        """Wait until there is something to tell, then gather for `PACE` seconds."""
        await self._filled.wait()
        await asyncio.sleep(PACE)
        return self.take()
