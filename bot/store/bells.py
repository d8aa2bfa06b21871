"""Waking whoever waits for the database, without asking it all the time."""

import asyncio
import time


class Bell:
    """Wakes the one task that waits for something, when there may be something to see."""

    def __init__(self) -> None:
        """Start silent, with nothing due."""
        self._event = asyncio.Event()
        self._due: float | None = None

    def ring(self) -> None:
        """There is something to see."""
        self._event.set()

    def ring_in(self, seconds: float) -> None:
        """There will be something to see."""
        due = time.monotonic() + seconds
        self._due = due if self._due is None else min(self._due, due)

    def silence(self) -> None:
        """Forget what rang so far. Before looking, never after: else a wake-up could get lost."""
        self._event.clear()
        if self._due is not None and self._due <= time.monotonic():
            self._due = None

    async def wait(self, seconds: float) -> None:
        """Until it rings, something is due, or the time is over."""
        if self._due is not None:
            seconds = min(seconds, max(0.0, self._due - time.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:  # an answer too: look
            pass


class Bells:
    """The bells of one process."""

    def __init__(self) -> None:
        """Start silent."""
        self.lanes = Bell()
        """A lane may be ready to be claimed."""
        self.stops = Bell()
        """Somebody may want to stop a run."""

    def ring_all(self) -> None:
        """Anything may have happened."""
        self.lanes.ring()
        self.stops.ring()
