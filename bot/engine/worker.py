"""The engine of one process: enrolled, beating, claiming lanes, draining each in a task of its own."""

import asyncio

import structlog

from bot.domain.ids import new_id
from bot.domain.lanes import Lease
from bot.engine.control import RunningRuns
from bot.engine.heartbeat import Heartbeat
from bot.engine.lane import Lane
from bot.engine.limits import EngineLimits
from bot.engine.parts import Parts
from bot.engine.redelivery import Redelivery
from bot.errors import Fenced
from bot.ports import Clock, ModelClient, Outlet, Store, Toolbox

log = structlog.get_logger()

_HAND_BACK_SECONDS = 3.0


class Engine:
    """Works on runs until it is cancelled.

    Args:
        store: the database.
        model: the connected model.
        toolbox: the functions that it may call.
        outlet: opens a sink for each run.
        clock: tells the time; its monotonic time counts suspension.
        control: is told what is worked on and whether the lanes are still ours.
        limits: bounds and rhythms.
    """

    def __init__(
        self,
        store: Store,
        model: ModelClient,
        toolbox: Toolbox,
        outlet: Outlet,
        clock: Clock,
        control: RunningRuns,
        limits: EngineLimits | None = None,
    ) -> None:
        self._parts = Parts(store, model, toolbox, clock, limits or EngineLimits())
        self._outlet = outlet
        self._control = control
        self._redelivery = Redelivery(clock, self._parts.limits)

    async def run(self) -> None:
        """Enrol and work; after a lost heartbeat enrol anew under another id.

        When cancelled: claims nothing more, lets running work finish for at most `limits.drain` seconds, cancels what
        is left and hands the lanes back.

        Raises:
            StoreUnavailable: the first enrolment was impossible.
        """
        shift = self._shift()
        await shift.enrol()
        while True:
            await self._work(shift)
            shift = await self._enrol_anew()

    async def _work(self, shift: "_Shift") -> None:
        try:
            await shift.work()
        except* Fenced:
            log.warning("shift ended", worker_id=shift.worker_id)
        except* Exception:  # a process boundary: a database outage must not end the process
            log.exception("shift broke", worker_id=shift.worker_id)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # came together with the loss and was covered by it

    async def _enrol_anew(self) -> "_Shift":
        while True:
            shift = self._shift()
            try:
                await shift.enrol()
            except Exception:  # the same boundary
                log.exception("cannot enrol", worker_id=shift.worker_id)
                await self._parts.clock.sleep(self._parts.limits.poll)
            else:
                return shift

    def _shift(self) -> "_Shift":
        return _Shift(self._parts, self._outlet, self._control, self._redelivery)


class _Shift:
    """One enrolment, from its first beat to its hand-back."""

    def __init__(self, parts: Parts, outlet: Outlet, control: RunningRuns, redelivery: Redelivery) -> None:
        self.worker_id = new_id("worker_")
        self._heartbeat = Heartbeat(parts.store.lanes, parts.clock, parts.limits, self.worker_id)
        self._parts = parts
        self._outlet = outlet
        self._control = control
        self._redelivery = redelivery
        self._lanes: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._lost = False

    async def enrol(self) -> None:
        await self._heartbeat.start()
        self._control.follow(self._heartbeat)
        log.info("enrolled", worker_id=self.worker_id)

    async def work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                watchers = [group.create_task(self._beat())]
                if self._parts.limits.stop_poll is not None:
                    watchers.append(group.create_task(self._look_for_stops(self._parts.limits.stop_poll)))
                try:
                    await self._claim(group)
                except asyncio.CancelledError:
                    if not self._lost:
                        await self._drain()
                    raise
                finally:
                    for task in (*self._lanes, *watchers):
                        task.cancel()
        finally:
            await self._hand_back()

    async def _beat(self) -> None:
        try:
            await self._heartbeat.run()
        except Fenced:
            self._lost = True
            if not self._stopping:
                raise
            for task in self._lanes:
                task.cancel()

    async def _claim(self, group: asyncio.TaskGroup) -> None:
        limits = self._parts.limits
        store = self._parts.store
        while True:
            room = limits.lanes - len(self._lanes)
            if room <= 0:
                await asyncio.wait(self._lanes, return_when=asyncio.FIRST_COMPLETED)
                continue
            leases = await store.lanes.claim(self.worker_id, room)
            for lease in leases:
                self._open(lease, group)
            if not leases:
                await store.lanes.wait(limits.poll)

    def _open(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        lane = Lane(self._parts, self._outlet, self._control, self._redelivery, lease, lambda: self._stopping)
        task = group.create_task(lane.drain(), name=f"lane {lease.thread_id}")
        self._lanes.add(task)
        task.add_done_callback(self._lanes.discard)

    async def _look_for_stops(self, seconds: float) -> None:
        """Find the runs that were stopped at another process."""
        while True:
            await self._parts.clock.sleep(seconds)
            await self._control.look_for_stops()

    async def _drain(self) -> None:
        self._stopping = True
        if self._lanes:
            log.info("draining", worker_id=self.worker_id, lanes=len(self._lanes))
            await asyncio.wait(self._lanes, timeout=self._parts.limits.drain)

    async def _hand_back(self) -> None:
        """Give the lanes back at once; when that fails, the lease time does the same."""
        try:
            await self._return_lanes()
        except Exception:  # a process boundary: nothing depends on it
            log.exception("lanes were not handed back", worker_id=self.worker_id)

    async def _return_lanes(self) -> None:
        async with asyncio.timeout(_HAND_BACK_SECONDS):
            lanes = await self._parts.store.lanes.hand_back(self.worker_id)
        log.info("lanes handed back", worker_id=self.worker_id, lanes=lanes)
