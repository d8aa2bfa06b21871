"""Shifts: a process enrols, works as long as its heartbeat beats, and hands over when it is told to stop."""

import asyncio
from collections.abc import Coroutine, Sequence

import structlog

from bot.domain.ids import new_id
from bot.domain.workers import Role
from bot.engine.control import RunningRuns
from bot.engine.deadlines import settle, within
from bot.engine.heartbeat import Heartbeat
from bot.engine.limits import EngineLimits
from bot.engine.trouble import report
from bot.errors import ends_the_process, first_of
from bot.ports import Activity, Clock, Store
from bot.unbroken import unbroken

log = structlog.get_logger()

_RETIRE_SECONDS = 2.0
"""Part of the drain: a database that hangs must not use it up."""
_BREAK_OFF_SECONDS = 1.0
_LEAVE_SECONDS = 2.5
# With a drain of 20 seconds all of it ends within 24, six seconds before Heroku kills.


class Shifts:
    """What one process does for as long as it lives: one enrolment after the other.

    Args:
        store: the database.
        clock: tells the time; its monotonic time counts suspension.
        control: is told whether the lanes are still ours.
        limits: bounds and rhythms.
        role: what this process is there for.
        activities: what it does while enrolled, in the order in which they are drained.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        control: RunningRuns,
        limits: EngineLimits | None,
        role: Role,
        activities: Sequence[Activity],
    ) -> None:
        self._store = store
        self._clock = clock
        self._control = control
        self._limits = limits or EngineLimits()
        self._role: Role = role
        self._activities = tuple(activities)

    async def run(self) -> None:
        """Enrol and work; after a lost lease enrol anew under another id.

        When cancelled: counts no longer as present, drains the activities in order, for `limits.drain` seconds in all,
        cancels what is left and frees its lanes and duties. A second cancellation cuts the drain short.

        Raises:
            StoreUnavailable: the first enrolment was impossible.
            OperatorError: an activity can never work.
        """
        shift = self._shift()
        await shift.enrol()
        while True:
            if not await shift.work():
                await self._clock.sleep(self._limits.poll)
            shift = await self._enrol_anew()

    async def _enrol_anew(self) -> "_Shift":
        while True:
            shift = self._shift()
            try:
                await shift.enrol()
            except Exception as error:  # noqa: BLE001 - a process boundary: a database outage must not end the process
                report("cannot enrol", error, worker_id=shift.worker_id)
                await self._clock.sleep(self._limits.poll)
            else:
                return shift

    def _shift(self) -> "_Shift":
        heartbeat = Heartbeat(self._store.workers, self._clock, self._limits, new_id("worker_"), self._role)
        return _Shift(self._store, heartbeat, self._control, self._limits, self._activities)


class _Shift:
    """One enrolment, from its first beat to its end."""

    def __init__(
        self,
        store: Store,
        heartbeat: Heartbeat,
        control: RunningRuns,
        limits: EngineLimits,
        activities: Sequence[Activity],
    ) -> None:
        self.worker_id = heartbeat.worker_id
        self._workers = store.workers
        self._heartbeat = heartbeat
        self._control = control
        self._limits = limits
        self._activities = activities
        self._tasks: list[asyncio.Task[None]] = []
        """Everything begun here but the heartbeat."""

    async def enrol(self) -> None:
        enrolling = self._begin(self._heartbeat.enrol(), "enrol")
        try:
            await asyncio.wait({enrolling})
        except asyncio.CancelledError:
            await unbroken(self._end(enrolling))
            raise
        enrolling.result()
        self._control.follow(self._heartbeat)
        log.info("enrolled", worker_id=self.worker_id, role=self._heartbeat.role)

    async def work(self) -> bool:
        """Work until the lease is lost or something breaks. Returns whether it was the lease.

        Raises:
            OperatorError: an activity can never work.
        """
        beat = asyncio.create_task(self._heartbeat.run(), name="heartbeat")
        work = [self._begin(one.work(self._heartbeat), type(one).__name__) for one in self._activities]
        try:
            await _until_one_breaks([beat, *work])
            broken = _broken(work)
            await settle(work, None)  # all of it: the next enrolment begins the same activities
        except asyncio.CancelledError:
            await self._drain(beat, work)
            raise
        finally:
            await unbroken(self._end(beat))
        if broken is None:
            log.warning("lease lost", worker_id=self.worker_id)
            return True
        if ends_the_process(reason := first_of(broken)):
            raise reason
        log.error("shift broke", worker_id=self.worker_id, exc_info=broken)
        return False

    # --- ending

    async def _drain(self, beat: asyncio.Task[None], work: Sequence[asyncio.Task[None]]) -> None:
        """Let what was begun finish. The heartbeat goes on meanwhile, and without it there is nothing to finish."""
        if beat.done():
            return
        self._heartbeat.ending = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.drain
        log.info("draining", worker_id=self.worker_id)
        retiring = self._begin(self._retire(), "retire")
        await asyncio.wait({retiring}, timeout=min(_RETIRE_SECONDS, self._limits.drain))
        for activity, task in zip(self._activities, work, strict=True):
            if beat.done() or not self._heartbeat.fresh:
                return
            draining = self._begin(self._drained(activity), f"drain {task.get_name()}")
            left = max(deadline - loop.time(), 0.0)
            await asyncio.wait({draining, task, beat}, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    async def _retire(self) -> None:
        try:
            await self._workers.retire(self.worker_id)
        except Exception as error:  # noqa: BLE001 - a process boundary: nothing depends on it
            report("cannot retire", error, worker_id=self.worker_id)

    async def _drained(self, activity: Activity) -> None:
        try:
            await activity.drain()
        except Exception as error:  # noqa: BLE001 - a process boundary: the others are to be drained all the same
            report("drain failed", error, worker_id=self.worker_id, activity=type(activity).__name__)

    async def _end(self, beat: asyncio.Task[None]) -> None:
        """Break off what still goes on, and free what is ours; when that fails, the lease time does the same."""
        await settle(self._tasks, _BREAK_OFF_SECONDS)
        await settle([beat], _BREAK_OFF_SECONDS)
        try:
            lanes = await within(_LEAVE_SECONDS, self._workers.leave(self.worker_id))
        except Exception as error:  # noqa: BLE001 - a process boundary: nothing depends on it
            report("lanes were not handed back", error, worker_id=self.worker_id)
        else:
            log.info("lanes handed back", worker_id=self.worker_id, lanes=lanes)

    def _begin(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.append(task)
        return task


async def _until_one_breaks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """An activity that returns has nothing to do in this process; the others go on."""
    waiting = set(tasks)
    while not any(task.done() and (task.cancelled() or task.exception() is not None) for task in tasks):
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def _broken(work: Sequence[asyncio.Task[None]]) -> BaseException | None:
    """Why the first of the broken activities broke; None when none did."""
    for task in work:
        if task.done():
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                return error
    return None
