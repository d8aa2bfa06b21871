"""Periodic jobs: what has to be done again and again, in one process of a deployment at a time.

| job           | every    | what it does                                                                   |
|---------------|----------|--------------------------------------------------------------------------------|
| `job:expire`  | 15 s     | wakes the lanes of runs whose time is over, so that their end is told          |
| `job:keys`    | an hour  | forgets by what old events were recognised                                     |
| `job:files`   | an hour  | forgets files that no message has claimed                                      |
| `job:threads` | an hour  | forgets threads that nobody used for `retention_days`, if that is set          |

A job is a duty: who has done it says in the database when it is due again, and that of a dead process is free.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.domain.duties import Duty
from bot.engine.limits import EngineLimits
from bot.engine.trouble import report
from bot.ports import Clock, Enrolment, Store, Upkeep

log = structlog.get_logger()

_DAY = 86_400.0
_LOOKS = 12
"""Part of a job's period after which we look again at one that somebody else had: they may have died."""


@dataclass(frozen=True, slots=True)
class Job:
    """One periodic job."""

    name: str
    every: float
    """Seconds of rest."""
    once: Callable[[], Awaitable[int]]
    """Does a bounded piece of it. Returns how much there was to do."""
    pieces: int = 1000
    """How many are done before it rests, however much there is left."""


def jobs_of(upkeep: Upkeep, limits: EngineLimits, retention_days: int | None) -> tuple[Job, ...]:
    """The jobs of a deployment, the urgent ones first."""
    every = limits.clean_every
    jobs = [
        Job("job:expire", limits.expire_every, upkeep.wake_expired, pieces=10),
        Job("job:keys", every, lambda: upkeep.forget_keys(limits.keys_age)),
        Job("job:files", every, lambda: upkeep.forget_files(limits.files_age)),
    ]
    if retention_days is not None:
        jobs.append(Job("job:threads", every, lambda: upkeep.forget_threads(retention_days * _DAY)))
    return tuple(jobs)


class Jobs:
    """Implements `bot.ports.Activity` for periodic jobs.

    Args:
        store: the database.
        clock: tells when to look again.
        limits: rhythms.
        retention_days: age at which unused threads are forgotten; None keeps them for ever.
    """

    def __init__(
        self, store: Store, clock: Clock, limits: EngineLimits | None = None, retention_days: int | None = None
    ) -> None:
        self._duties = store.duties
        self._clock = clock
        self._limits = limits or EngineLimits()
        self._jobs = {job.name: job for job in jobs_of(store.upkeep, self._limits, retention_days)}
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def work(self, enrolment: Enrolment) -> None:
        """Do what is due and free, one job after the other, until cancelled."""
        looks = dict.fromkeys(self._jobs, self._clock.monotonic())
        while not self._draining:
            now = self._clock.monotonic()
            due = [name for name, at in looks.items() if at <= now]
            if not due:
                await self._clock.sleep(min(looks.values()) - now)
                continue
            duty = await self._take(enrolment, due)
            if duty is None:
                looks |= {name: now + self._look_after(self._jobs[name]) for name in due}
            else:
                rest = await self._fulfil(enrolment, duty)
                looks[duty.name] = self._clock.monotonic() + rest

    async def drain(self) -> None:
        """Take nothing more, and return when the current piece of work is done and its job given up."""
        self._draining = True
        await self._idle.wait()

    async def _take(self, enrolment: Enrolment, names: list[str]) -> Duty | None:
        """One at a time, so that other processes can do the others meanwhile."""
        if not enrolment.fresh:
            return None
        try:
            return next(iter(await self._duties.take(enrolment.worker_id, names, 1)), None)
        except Exception as error:  # noqa: BLE001 - a process boundary: the next look follows
            report("cannot look for jobs", error, worker_id=enrolment.worker_id)
            return None

    async def _fulfil(self, enrolment: Enrolment, duty: Duty) -> float:
        """Do a job and give it up. Returns how long it rests."""
        self._idle.clear()
        try:
            rest = await self._do(enrolment, self._jobs[duty.name])
            await self._give_up(enrolment, duty, rest)
        finally:
            self._idle.set()
        return rest

    async def _do(self, enrolment: Enrolment, job: Job) -> float:
        """Work until there is nothing left to do. Returns how long the job is to rest."""
        done = 0
        try:
            for _ in range(job.pieces):
                if self._draining or not enrolment.fresh:
                    return 0.0  # whoever takes it next goes on at once
                did = await job.once()
                if not did:
                    break
                done += did
                await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001 - a process boundary: a job that fails must not keep the others from being done
            report("job failed", error, job=job.name)
        if done:
            log.info("job done", job=job.name, count=done)
        return job.every

    async def _give_up(self, enrolment: Enrolment, duty: Duty, rest: float) -> None:
        """Nobody else can do the job before this has succeeded, or our lease is over."""
        while enrolment.fresh:
            try:
                await self._duties.give_up(duty, rest)
            except Exception as error:  # noqa: BLE001 - a process boundary: tried again
                report("cannot give a job up", error, job=duty.name)
                await self._clock.sleep(self._limits.poll)
            else:
                return

    def _look_after(self, job: Job) -> float:
        return min(job.every, max(self._limits.job_look, job.every / _LOOKS))
