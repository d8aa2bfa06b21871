"""How far Discord's messages have been dealt with, remembered over restarts."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import structlog

from bot.errors import StoreUnavailable
from bot.ports import Notes

log = structlog.get_logger()

KEPT_DMS = 100
"""Direct messages whose channels are remembered: Discord lists none of them."""
_PAUSE = 1.0
"""Seconds between two writes."""


class Seen:
    """One high-water mark for all channels: every message up to it was dealt with, what came later may be missing."""

    def __init__(self, notes: Notes) -> None:
        """Nothing is known before `load`."""
        self._notes = notes
        self._application = 0
        self._highest: int | None = None
        self._held: int | None = None
        self._taken = 0
        self._in_work: list[int] = []
        self._dms: dict[int, None] = {}
        self._written: tuple[str, str] = ("", "")
        self._changed = asyncio.Event()

    @property
    def mark(self) -> int | None:
        """The mark; None before the first start."""
        if self._highest is None:
            return None
        waiting = [self._highest, *(message - 1 for message in self._in_work)]
        return min([*waiting, self._held] if self._held is not None else waiting)

    @property
    def dms(self) -> tuple[int, ...]:
        """Channels of direct messages that people wrote in."""
        return tuple(self._dms)

    async def load(self, application: int) -> None:
        """Read what an earlier process left.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        if self._application:
            return
        mark, dms = await self._notes.read(f"discord seen {application}"), await self._notes.read(_dms(application))
        self._highest = int(mark) if mark else None
        self._dms = dict.fromkeys(int(channel) for channel in (dms or "").split())
        self._application = application

    def hold(self) -> None:
        """Keep the mark where it is until `release`: a new session has begun, and something may be missing."""
        if self._held is None:
            self._held = self.mark

    def release(self, newest: int) -> None:
        """Nothing is missing any more; `newest` is the youngest message that Discord knows of."""
        self._held = None
        self._highest = max(newest, self._taken, self._highest or 0)
        self._changed.set()

    @contextmanager
    def taking(self, message: int, dm: int | None) -> Generator[None]:
        """Around dealing with a message; `dm` is its channel when it is a direct message."""
        self._in_work.append(message)
        if dm is not None:
            self._dms.pop(dm, None)
            self._dms[dm] = None
            if len(self._dms) > KEPT_DMS:
                del self._dms[next(iter(self._dms))]
        try:
            yield
        finally:
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
        """Write it now. A store that is away costs nothing but some reading after the next start."""
        mark = self.mark
        if not self._application or mark is None:
            return
        values = (str(mark), " ".join(str(channel) for channel in self._dms))
        try:
            if values[0] != self._written[0]:
                await self._notes.write(f"discord seen {self._application}", values[0])
            if values[1] != self._written[1]:
                await self._notes.write(_dms(self._application), values[1])
        except StoreUnavailable as error:
            log.warning("discord mark not written", error=str(error))
        else:
            self._written = values


def _dms(application: int) -> str:
    return f"discord dms {application}"
