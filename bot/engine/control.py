"""The runs that this process works on, for everybody who may stop them or has to know whether they are still ours."""

from collections.abc import Generator
from contextlib import contextmanager

import structlog

from bot.domain.runs import RunStatus
from bot.domain.steps import Decision
from bot.engine.interrupt import Interrupt
from bot.engine.trouble import report
from bot.ports import Enrolment, Runs

log = structlog.get_logger()


class RunningRuns:
    """Implements `bot.ports.RunControl`. Made first, given to the chat and to the engine that works on the runs.

    Args:
        runs: where a Stop and a decision are recorded.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._interrupts: dict[str, Interrupt] = {}
        self._enrolment: Enrolment | None = None

    @property
    def alive(self) -> bool:
        """Whether this process may act on its lanes: look before every request to a chat platform.

        True before the process has enrolled: nothing can have been taken over yet.
        """
        return self._enrolment is None or self._enrolment.fresh

    @property
    def workers(self) -> int:
        """How many processes work on runs now: as of the last beat, and one before there was any."""
        return 1 if self._enrolment is None else max(1, self._enrolment.present.workers)

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

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        """Record what a person says about an interrupted call; whoever claims the lane goes on with its run."""
        return await self._runs.decide(run_id, call, decision, by)

    # --- for the engine

    def follow(self, enrolment: Enrolment) -> None:
        """From now on the lanes are ours as long as this one is fresh."""
        self._enrolment = enrolment

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
        if not self._interrupts:
            return
        try:
            stopped = await self._runs.cancelling(self.running)
        except Exception as error:  # noqa: BLE001 - a process boundary: the next look follows, and Stop is also seen between steps
            report("cannot look for stops", error)
            return
        for run_id in stopped:
            if (interrupt := self._interrupts.get(run_id)) is not None:  # it may have ended meanwhile
                interrupt.stop()
