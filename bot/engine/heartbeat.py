"""The heartbeat of one enrolment: as long as it beats, this process's lanes and duties are its own."""

import structlog

from bot.domain.workers import Present, Role
from bot.engine.deadlines import within
from bot.engine.limits import EngineLimits
from bot.engine.trouble import report
from bot.errors import Fenced
from bot.ports import Clock, Workers

log = structlog.get_logger()


class Heartbeat:
    """Beats for one worker id. Implements `bot.ports.Enrolment`.

    Its clock must count the time in which the machine was suspended; Linux's `time.monotonic` does not.

    Args:
        workers: the store's door.
        clock: paces the beats and measures their age.
        limits: rhythm and lease time.
        worker_id: fresh for every enrolment.
        role: what this process is there for.
    """

    def __init__(self, workers: Workers, clock: Clock, limits: EngineLimits, worker_id: str, role: Role) -> None:
        self._workers = workers
        self._clock = clock
        self._limits = limits
        self._worker_id = worker_id
        self._role: Role = role
        self._present = Present()
        self._sent = clock.monotonic()
        self._over = False
        self.ending = False
        """Whether the process was told to stop: nothing more is begun."""

    @property
    def worker_id(self) -> str:
        """Under which lanes and duties are held."""
        return self._worker_id

    @property
    def role(self) -> Role:
        """What this process is there for."""
        return self._role

    @property
    def fresh(self) -> bool:
        """Whether it still beats, and its last beat is young enough to act on."""
        return not self._over and self._age < self._limits.lease

    @property
    def present(self) -> Present:
        """Who was there at the last beat."""
        return self._present

    async def enrol(self) -> None:
        """Write the heartbeat row."""
        self._sent = self._clock.monotonic()
        self._present = await self._workers.enrol(self._worker_id, self._role)

    async def run(self) -> None:
        """Beat until the lease is lost.

        Raises:
            Fenced: the row is gone, or no beat came through within the lease time.
        """
        try:
            while True:
                await self._clock.sleep(self._limits.heartbeat)
                await self._beat()
        finally:
            self._over = True

    async def _beat(self) -> None:
        if not self.fresh:
            raise Fenced("The process was held up for longer than the lease.")
        sent = self._clock.monotonic()
        try:
            self._present = await within(self._limits.lease - self._age, self._workers.beat(self._worker_id))
            self._sent = sent
        except Fenced:
            raise
        except Exception as error:  # noqa: BLE001 - a process boundary: whatever keeps a beat from coming through, its age decides
            report("heartbeat failed", error, worker_id=self._worker_id)
        if not self.fresh:
            raise Fenced("The heartbeat is older than the lease.")

    @property
    def _age(self) -> float:
        """Counted from before the beat was sent: the database may have taken it then."""
        return self._clock.monotonic() - self._sent
