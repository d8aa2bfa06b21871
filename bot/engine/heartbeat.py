"""The heartbeat of one enrolment: as long as it beats, this process's lanes are its own."""

import asyncio

import structlog

from bot.engine.limits import EngineLimits
from bot.errors import Fenced
from bot.ports import Clock, Lanes

log = structlog.get_logger()

_ROLE = "worker"
"""Shown with the heartbeat row: whoever has one claims lanes."""


class Heartbeat:
    """Beats for one worker id.

    Its clock must count the time in which the machine was suspended; Linux's `time.monotonic` does not.

    Args:
        lanes: the store's door.
        clock: paces the beats and measures their age.
        limits: rhythm and lease time.
        worker_id: fresh for every enrolment.
    """

    def __init__(self, lanes: Lanes, clock: Clock, limits: EngineLimits, worker_id: str) -> None:
        self._lanes = lanes
        self._clock = clock
        self._limits = limits
        self._worker_id = worker_id
        self._sent = clock.monotonic()
        self._over = False

    @property
    def fresh(self) -> bool:
        """Whether it still beats, and its last beat is young enough to act on."""
        return not self._over and self._clock.monotonic() - self._sent < self._limits.lease

    async def start(self) -> None:
        """Enrol."""
        self._sent = self._clock.monotonic()
        await self._lanes.enrol(self._worker_id, _ROLE)

    async def run(self) -> None:
        """Beat until the lease is lost.

        Raises:
            Fenced: the row is gone, or no beat came through within the lease time.
        """
        try:
            await self._beat()
        finally:
            self._over = True

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._limits.heartbeat)
            sent = self._clock.monotonic()
            if not self.fresh:
                raise Fenced("The process was held up for longer than the lease.")
            try:
                async with asyncio.timeout(self._limits.lease - (sent - self._sent)):
                    await self._lanes.beat(self._worker_id)
                self._sent = sent
            except Fenced:
                raise
            except Exception:  # a process boundary: whatever keeps a beat from coming through, its age decides
                log.exception("heartbeat failed", worker_id=self._worker_id)
            if not self.fresh:
                raise Fenced("The heartbeat is older than the lease.")
