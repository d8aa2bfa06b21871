"""One lane, drained: its runs in order, each executed and then delivered, until there is none."""

from collections.abc import Callable

import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run
from bot.engine.control import RunningRuns
from bot.engine.execution import Execution
from bot.engine.failures import failed
from bot.engine.interrupt import Interrupt
from bot.engine.parts import Parts
from bot.engine.redelivery import Redelivery
from bot.engine.trouble import report
from bot.errors import Fenced, RateLimited, StoreUnavailable, Unreachable
from bot.ports import Outlet, RunSink

log = structlog.get_logger()


class Lane:
    """Drains one lane.

    Args:
        parts: store, model, tools, clock and limits.
        outlet: opens the sinks.
        control: knows what this process works on.
        redelivery: knows the deliveries that failed in this process; shared by all lanes.
        lease: the right to the lane.
        stopping: whether the process is told to stop; then no further run is begun.
    """

    def __init__(
        self,
        parts: Parts,
        outlet: Outlet,
        control: RunningRuns,
        redelivery: Redelivery,
        lease: Lease,
        stopping: Callable[[], bool],
    ) -> None:
        self._parts = parts
        self._outlet = outlet
        self._control = control
        self._redelivery = redelivery
        self._lease = lease
        self._stopping = stopping

    async def drain(self) -> None:
        """Work until the lane is empty or lost. When the process ends, give it back after the run that is going on."""
        try:
            while not self._stopping():
                work = await self._next()
                if work is None:
                    return
                await self._see_to(work)
            await self._release()
        except Fenced:
            log.warning("lane lost", thread_id=self._lease.thread_id, fence=self._lease.fence)

    async def _next(self) -> Work | None:
        while True:
            try:
                return await self._parts.store.lanes.next_work(self._lease)
            except Fenced:
                raise
            except Exception as error:  # noqa: BLE001 - a process boundary: the lane is ours and nobody else can free it
                report("lane cannot be read", error, thread_id=self._lease.thread_id)
                await self._parts.clock.sleep(self._parts.limits.poll)

    async def _release(self) -> None:
        try:
            await self._parts.store.lanes.release(self._lease)
        except Exception as error:  # noqa: BLE001 - the same boundary: the end of the enrolment frees it too
            report("lane cannot be given back", error, thread_id=self._lease.thread_id)

    async def _see_to(self, work: Work) -> None:
        run_id = work.run.id
        try:
            async with self._outlet.open(work, self._lease) as sink:
                run = work.run if work.run.ended else await self._execute(work, sink)
                if run is not None:
                    await sink.finish(run)
                    self._redelivery.forget(run_id)
        except Fenced:
            raise
        except StoreUnavailable as error:
            report("store unavailable during a run", error, run_id=run_id)
            await self._parts.clock.sleep(self._parts.limits.poll)
        except (RateLimited, Unreachable) as error:
            log.warning("delivery held up", run_id=run_id, error=type(error).__name__)
            await self._rest(work, error)
        except Exception as error:  # noqa: BLE001 - a process boundary: whatever it is, the person waits and the lane must go on
            report("delivery failed", error, run_id=run_id)
            await self._rest(work, error)

    async def _execute(self, work: Work, sink: RunSink) -> Run | None:
        run = work.run
        interrupt = Interrupt(self._parts.clock, work.remaining)
        execution = Execution(self._parts, work, self._lease, sink, interrupt, lambda: self._control.alive)
        with self._control.working_on(run.id, interrupt):
            try:
                return await execution.run()
            except (Fenced, StoreUnavailable, RateLimited, Unreachable):
                raise  # the last two: a person is to be asked, but not now
            except Exception as error:
                log.exception("run failed unexpectedly", run_id=run.id)
                return await execution.fail(error)

    async def _rest(self, work: Work, error: Exception) -> None:
        """Try the delivery again later, or give it up."""
        run_id = work.run.id
        delay = self._redelivery.wait(work, error)
        try:
            if delay is not None:
                await self._parts.store.runs.postpone(self._lease, run_id, delay)
            else:
                tries = self._redelivery.forget(run_id)
                log.error("delivery abandoned", run_id=run_id, tries=tries, error=type(error).__name__)
                await self._abandon(work)
        except Fenced:
            raise
        except Exception as error:  # noqa: BLE001 - the same boundary: the lane's next look at the store decides
            report("delivery could not be put off", error, run_id=run_id)
            await self._parts.clock.sleep(self._parts.limits.poll)

    async def _abandon(self, work: Work) -> None:
        runs = self._parts.store.runs
        run = await runs.get(work.run.id)
        if run is not None and not run.ended:
            await runs.end(self._lease, run.id, failed(RuntimeError("no sink"), self._parts.limits))
        await self._parts.store.deliveries.close(self._lease, work.run.id, DeliveryState.ABANDONED)
