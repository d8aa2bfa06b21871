"""The engine of one process: enrolled, beating, claiming lanes, draining each in a task of its own."""

import asyncio

import structlog

from bot.domain.ids import new_id
from bot.domain.lanes import Lease
from bot.domain.runs import RunStatus
from bot.engine.heartbeat import Heartbeat
from bot.engine.interrupt import to_the_end
from bot.engine.lane import Lane, Register
from bot.engine.limits import EngineLimits
from bot.engine.rooms import Rooms
from bot.errors import Fenced
from bot.ports import Clock, ModelClient, Outlet, Store, Toolbox

log = structlog.get_logger()

_HAND_BACK_SECONDS = 3.0


class Engine:
    """Works on runs until it is cancelled; also the `RunControl` of the chat.

    Args:
        store: the database.
        model: the connected model.
        toolbox: the functions that it may call.
        outlet: opens a sink for each run.
        clock: tells the time; its monotonic time counts suspension.
        limits: bounds and rhythms.
        role: shown with the heartbeat.
    """

    def __init__(
        self,
        store: Store,
        model: ModelClient,
        toolbox: Toolbox,
        outlet: Outlet,
        clock: Clock,
        limits: EngineLimits | None = None,
        role: str = "worker",
    ) -> None:
        self._rooms = Rooms(store, model, toolbox, clock, limits or EngineLimits())
        self._outlet = outlet
        self._role = role
        self._register = Register()
        self._heartbeat: Heartbeat | None = None

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
        self._heartbeat = shift.heartbeat
        try:
            await shift.work()
        except* Fenced:
            log.warning("shift ended", worker_id=shift.worker_id)
        except* Exception:  # a process boundary: a database outage must not end the process
            log.exception("shift broke", worker_id=shift.worker_id)
        finally:
            self._heartbeat = None
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
                await self._rooms.clock.sleep(self._rooms.limits.poll)
            else:
                return shift

    def _shift(self) -> "_Shift":
        return _Shift(self._rooms, self._outlet, self._register, self._role)

    @property
    def alive(self) -> bool:
        """Whether this process may act on its lanes: look before every request to a chat platform."""
        return self._heartbeat is not None and self._heartbeat.fresh

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the runs that this process works on."""
        return tuple(self._register.running)

    async def cancel(self, run_id: str) -> RunStatus | None:
        """Stop a run: on record, and at once when this process works on it."""
        status = await self._rooms.store.runs.request_cancel(run_id)
        interrupt = self._register.running.get(run_id)
        if status is RunStatus.CANCELLING and interrupt is not None:
            interrupt.stop()
        return status


class _Shift:
    """One enrolment, from its first beat to its hand-back."""

    def __init__(self, rooms: Rooms, outlet: Outlet, register: Register, role: str) -> None:
        self.worker_id = new_id("worker_")
        self.heartbeat = Heartbeat(rooms.store.lanes, rooms.clock, rooms.limits, self.worker_id)
        self._rooms = rooms
        self._outlet = outlet
        self._register = register
        self._role = role
        self._lanes: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._lost = False

    async def enrol(self) -> None:
        await self.heartbeat.start(self._role)
        log.info("enrolled", worker_id=self.worker_id, role=self._role)

    async def work(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                watchers = [group.create_task(self._beat())]
                if self._rooms.limits.stop_poll is not None:
                    watchers.append(group.create_task(self._look_for_stops(self._rooms.limits.stop_poll)))
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
            await self.heartbeat.run()
        except Fenced:
            self._lost = True
            if not self._stopping:
                raise
            for task in self._lanes:
                task.cancel()

    async def _claim(self, group: asyncio.TaskGroup) -> None:
        limits = self._rooms.limits
        store = self._rooms.store
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
        lane = Lane(self._rooms, self._outlet, self._register, lease, lambda: self._stopping)
        task = group.create_task(lane.drain(), name=f"lane {lease.thread_id}")
        self._lanes.add(task)
        task.add_done_callback(self._lanes.discard)

    async def _look_for_stops(self, seconds: float) -> None:
        """Find the runs that were stopped at another process."""
        while True:
            await self._rooms.clock.sleep(seconds)
            for run_id, interrupt in [*self._register.running.items()]:
                try:
                    run = await self._rooms.store.runs.get(run_id)
                except Exception:  # a process boundary: the next look follows, and Stop is also seen between steps
                    log.exception("cannot look for stops", run_id=run_id)
                    break
                if run is not None and run.status is RunStatus.CANCELLING:
                    interrupt.stop()

    async def _drain(self) -> None:
        self._stopping = True
        if self._lanes:
            log.info("draining", worker_id=self.worker_id, lanes=len(self._lanes))
            await asyncio.wait(self._lanes, timeout=self._rooms.limits.drain)

    async def _hand_back(self) -> None:
        """Give the lanes back at once; when that fails, the lease time does the same."""
        try:
            await to_the_end(self._return_lanes())
        except Exception:  # a process boundary: nothing depends on it
            log.exception("lanes were not handed back", worker_id=self.worker_id)

    async def _return_lanes(self) -> None:
        async with asyncio.timeout(_HAND_BACK_SECONDS):
            lanes = await self._rooms.store.lanes.hand_back(self.worker_id)
        log.info("lanes handed back", worker_id=self.worker_id, lanes=lanes)
