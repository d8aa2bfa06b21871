"""Working on runs: lanes are claimed as they become ready, and each is drained in a task of its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

import structlog

from bot.domain.lanes import Lease
from bot.engine.control import RunningRuns
from bot.engine.lane import Lane
from bot.engine.limits import EngineLimits
from bot.engine.parts import Parts
from bot.engine.redelivery import Redelivery
from bot.engine.trouble import report
from bot.errors import Fenced
from bot.ports import Clock, Enrolment, ModelClient, Outlet, Store, Toolbox

log = structlog.get_logger()


class LaneWork:
    """Implements `bot.ports.Activity` for workers.

    Args:
        store: the database.
        model: the connected model.
        toolbox: the functions that it may call.
        outlet: opens a sink for each run.
        clock: tells the time.
        control: is told what is worked on.
        limits: bounds and rhythms.
        platforms: whose answers this process can bring home; None stands for all.
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
        platforms: Sequence[str] | None = None,
    ) -> None:
        self._platforms = platforms
        self._parts = Parts(store, model, toolbox, clock, limits or EngineLimits())
        self._outlet = outlet
        self._control = control
        self._redelivery = Redelivery(self._parts.limits)
        self._lanes: set[asyncio.Task[None]] = set()
        self._draining = False
        self._ending: Callable[[], bool] = lambda: self._draining

    async def work(self, enrolment: Enrolment) -> None:
        """Claim and drain lanes until cancelled."""
        self._ending = lambda: self._draining or enrolment.ending
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_for_stops(self._parts.limits.stop_poll), name="stops")
            await self._claim(enrolment.worker_id, group)

    async def drain(self) -> None:
        """Claim nothing more, and return when each lane has finished its run and is given back."""
        self._draining = True
        while self._lanes:
            await asyncio.wait(self._lanes)

    async def _claim(self, worker_id: str, group: asyncio.TaskGroup) -> None:
        limits = self._parts.limits
        lanes = self._parts.store.lanes
        while not self._ending():
            room = limits.lanes - len(self._lanes)
            if room <= 0:
                await asyncio.wait(self._lanes, return_when=asyncio.FIRST_COMPLETED)
                continue
            leases = await self._ready(worker_id, room)
            for lease in leases:
                self._open(lease, group)
            if not leases:
                await lanes.wait(limits.poll)

    async def _ready(self, worker_id: str, room: int) -> tuple[Lease, ...]:
        try:
            return await self._parts.store.lanes.claim(worker_id, room, self._platforms)
        except Fenced:
            raise
        except Exception as error:  # noqa: BLE001 - a process boundary: what we have goes on
            report("cannot claim lanes", error, worker_id=worker_id)
            await self._parts.clock.sleep(self._parts.limits.poll)
            return ()

    def _open(self, lease: Lease, group: asyncio.TaskGroup) -> None:
        lane = Lane(self._parts, self._outlet, self._control, self._redelivery, lease, self._ending)
        task = group.create_task(lane.drain(), name=f"lane {lease.thread_id}")
        self._lanes.add(task)
        task.add_done_callback(self._lanes.discard)

    async def _look_for_stops(self, seconds: float) -> NoReturn:
        """Find the runs that were stopped at another process."""
        while True:
            try:
                await self._parts.store.runs.wait_for_stop(seconds)
            except Exception as error:  # noqa: BLE001 - a process boundary: looking is worth it all the same
                report("cannot wait for stops", error)
                await self._parts.clock.sleep(seconds)
            await self._control.look_for_stops()
