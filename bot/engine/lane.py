"""One lane, drained: its runs in order, each executed and then delivered, until there is none."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run
from bot.engine.execution import Execution
from bot.engine.failure import failed
from bot.engine.interrupt import Interrupt
from bot.engine.rooms import Rooms
from bot.errors import Fenced, StoreUnavailable
from bot.ports import Outlet, RunSink

log = structlog.get_logger()


@dataclass(slots=True)
class Register:
    """What this process works on right now, and how often deliveries failed."""

    running: dict[str, Interrupt] = field(default_factory=dict[str, Interrupt])
    """By run id."""
    failures: dict[str, int] = field(default_factory=dict[str, int])
    """Tries that failed, by run id."""


class Lane:
    """Drains one lane.

    Args:
        rooms: store, model, tools, clock and limits.
        outlet: opens the sinks.
        register: shared by all lanes of the process.
        lease: the right to the lane.
        stopping: whether the process is told to stop; then no further run is begun.
    """

    def __init__(
        self, rooms: Rooms, outlet: Outlet, register: Register, lease: Lease, stopping: Callable[[], bool]
    ) -> None:
        self._rooms = rooms
        self._outlet = outlet
        self._register = register
        self._lease = lease
        self._stopping = stopping

    async def drain(self) -> None:
        """Work until the lane is empty, lost, or the process is told to stop."""
        try:
            while not self._stopping():
                work = await self._next()
                if work is None:
                    return
                await self._see_to(work)
        except Fenced:
            log.warning("lane lost", thread_id=self._lease.thread_id, fence=self._lease.fence)

    async def _next(self) -> Work | None:
        while True:
            try:
                return await self._rooms.store.lanes.next_work(self._lease)
            except Fenced:
                raise
            except Exception:  # a process boundary: the lane is ours and nobody else can free it
                log.exception("lane cannot be read", thread_id=self._lease.thread_id)
                await self._rooms.clock.sleep(self._rooms.limits.poll)

    async def _see_to(self, work: Work) -> None:
        run_id = work.run.id
        try:
            async with self._outlet.open(work, self._lease) as sink:
                run = work.run if work.run.ended else await self._execute(work, sink)
                if run is not None:
                    await sink.finish(run)
                    self._register.failures.pop(run_id, None)
        except Fenced:
            raise
        except StoreUnavailable:
            log.exception("store unavailable during a run", run_id=run_id)
            await self._rooms.clock.sleep(self._rooms.limits.poll)
        except Exception:  # a process boundary: whatever it is, the person waits and the lane must go on
            log.exception("delivery failed", run_id=run_id)
            await self._rest(work)

    async def _execute(self, work: Work, sink: RunSink) -> Run | None:
        run = work.run
        interrupt = Interrupt(self._rooms.clock, self._deadline(run))
        execution = Execution(self._rooms, work, self._lease, sink, interrupt)
        self._register.running[run.id] = interrupt
        try:
            return await execution.run()
        except (Fenced, StoreUnavailable):
            raise
        except Exception as error:  # a process boundary: an unforeseen error ends the run and is told to the person
            log.exception("run failed unexpectedly", run_id=run.id)
            return await execution.fail(error)
        finally:
            del self._register.running[run.id]

    async def _rest(self, work: Work) -> None:
        """Try the delivery again later, a limited number of times."""
        limits = self._rooms.limits
        run_id = work.run.id
        tries = self._register.failures[run_id] = self._register.failures.get(run_id, 0) + 1
        try:
            if tries < limits.deliveries:
                delay = min(limits.delivery_delay * 2.0 ** (tries - 1), limits.delivery_delay_most)
                await self._rooms.store.runs.postpone(self._lease, run_id, delay)
            else:
                log.error("delivery abandoned", run_id=run_id, tries=tries)
                del self._register.failures[run_id]
                await self._abandon(work)
        except Fenced:
            raise
        except Exception:  # the same boundary: the lane's next look at the store decides
            log.exception("delivery could not be put off", run_id=run_id)
            await self._rooms.clock.sleep(limits.poll)

    async def _abandon(self, work: Work) -> None:
        runs = self._rooms.store.runs
        run = await runs.get(work.run.id)
        if run is not None and not run.ended:
            await runs.end(self._lease, run.id, failed(RuntimeError("no sink")))
        await self._rooms.store.deliveries.close(self._lease, work.run.id, DeliveryState.ABANDONED)

    def _deadline(self, run: Run) -> float | None:
        lifetime = self._rooms.limits.run_lifetime
        return run.expires_at if lifetime is None else run.created_at + lifetime
