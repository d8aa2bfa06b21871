"""How far a platform's messages have been dealt with, remembered over restarts and from keeper to keeper."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import structlog

from bot.errors import StoreUnavailable
from bot.ports import Notes

log = structlog.get_logger()

_PAUSE = 1.0
"""Seconds between two writes."""


class Seen:
    """One high-water mark: every message up to it was dealt with, what came later may be missing.

    Messages are named by integers that grow with time (snowflakes, timestamps in microseconds).
    """

    def __init__(self, notes: Notes, name: str) -> None:
        """Nothing is known before `load`; the mark is kept in `notes` under this name."""
        self._notes = notes
        self._name = name
        self._loaded = False
        self._highest: int | None = None
        self._held: int | None = None
        self._taken = 0
        self._in_work: list[int] = []
        self._broken_off: list[int] = []
        self._written: int | None = None
        self._changed = asyncio.Event()

    @property
    def mark(self) -> int | None:
        """The mark; None before the first start."""
        if self._highest is None:
            return None
        waiting = [self._highest, *(message - 1 for message in (*self._in_work, *self._broken_off))]
        return min([*waiting, self._held] if self._held is not None else waiting)

    async def load(self) -> None:
        """Read what an earlier keeper left. Harmless when it was done before.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        if self._loaded:
            return
        mark = await self._notes.read(self._name)
        self._highest = self._written = int(mark) if mark else None
        self._loaded = True

    def hold(self) -> None:
        """Keep the mark where it is until `release`: a new session has begun, and something may be missing."""
        if self._held is None:
            self._held = self.mark

    async def follow(self) -> None:
        """Where the mark is held, move it to where another keeper got meanwhile.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        mark = await self._notes.read(self._name)
        if mark is not None and self._held is not None:
            self._held = max(self._held, int(mark))
            self._highest = max(self._held, self._highest or 0)

    def release(self, newest: int) -> None:
        """Nothing is missing any more; `newest` is the youngest message that the platform knows of."""
        self._held = None
        self._broken_off.clear()
        self._highest = max(newest, self._taken, self._highest or 0)
        self._changed.set()

    @contextmanager
    def taking(self, message: int) -> Generator[None]:
        """Around dealing with a message.

        When that is cancelled, nobody knows what became of it: the mark stays before it until `release`.
        """
        self._in_work.append(message)
        try:
            yield
        except asyncio.CancelledError:
            self._in_work.remove(message)
            self._broken_off.append(message)
            raise
        except BaseException:
            self._dealt_with(message)
            raise
        self._dealt_with(message)

    def _dealt_with(self, message: int) -> None:
        self._in_work.remove(message)
        self._taken = max(self._taken, message)
        if self._highest is not None:
            self._highest = max(self._highest, message)
        self._changed.set()

    async def keep(self) -> None:
        """Write the mark whenever it has changed, at most once a second, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.write()
            await asyncio.sleep(_PAUSE)

    async def write(self) -> None:
        """Write it now, unless another keeper got further meanwhile.

        A store that is away costs nothing but some reading after the next start.
        """
        mark = self.mark
        if not self._loaded or mark is None or mark == self._written:
            return
        try:
            await self._notes.raise_to(self._name, mark)
        except StoreUnavailable as error:
            log.warning("mark not written", name=self._name, error=str(error))
        else:
            self._written = mark
