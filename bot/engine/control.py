"""The runs that this process works on, for everybody who may stop them or has to know whether they are still ours."""

from collections.abc import Generator
from contextlib import contextmanager

import structlog

from bot.domain.runs import RunStatus
from bot.engine.heartbeat import Heartbeat
from bot.engine.interrupt import Interrupt
from bot.ports import Runs

log = structlog.get_logger()


class RunningRuns:
    """Implements `bot.ports.RunControl`. Made first, given to the chat and to the engine that works on the runs.

    Args:
        runs: where a Stop is recorded.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._interrupts: dict[str, Interrupt] = {}
        self._heartbeat: Heartbeat | None = None

    @property
    def alive(self) -> bool:
        """Whether this process may act on its lanes: look before every request to a chat platform.

        True before an engine has enrolled: nothing can have been taken over yet.
        """
        return self._heartbeat is None or self._heartbeat.fresh

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the runs that this process works on."""
        return tuple(self._interrupts)

    async def cancel(self, run_id: str) -> RunStatus | None:
        """Stop a run: on record, and at once when this process works on it."""
        status = await self._runs.request_cancel(run_id)
        if status is RunStatus.CANCELLING and run_id in self._interrupts:
            self._interrupts[run_id].stop()
        return status

    # --- for the engine

    def follow(self, heartbeat: Heartbeat) -> None:
        """From now on the lanes are ours as long as this one is fresh."""
        self._heartbeat = heartbeat

    @contextmanager
    def working_on(self, run_id: str, interrupt: Interrupt) -> Generator[None]:
        """Say what stops a run, for as long as it is worked on."""
        self._interrupts[run_id] = interrupt
        try:
            yield
        finally:
            del self._interrupts[run_id]

    async def look_for_stops(self) -> None:
        """Stop the runs that were stopped at another process."""
        for run_id, interrupt in [*self._interrupts.items()]:
            try:
                run = await self._runs.get(run_id)
            except Exception:  # a process boundary: the next look follows, and Stop is also seen between steps
                log.exception("cannot look for stops", run_id=run_id)
                return
            if run is not None and run.status is RunStatus.CANCELLING:
                interrupt.stop()
