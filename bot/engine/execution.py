"""The execution of one run: from what is on record to its end, one recorded step after the other."""

from collections.abc import Callable, Sequence

import structlog

from bot.domain.events import RunChanged
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import Effect, ToolCall
from bot.domain.turns import FinishReason, Turn, TurnResult, TurnState
from bot.engine.broadcast import Broadcast
from bot.engine.context import Context
from bot.engine.failures import (
    REQUEST_TOO_LONG,
    AwaitsDecision,
    EmptyAnswer,
    Postponed,
    TooManyCrashes,
    TooManyRounds,
    failed,
    name_of,
    wait_before_next,
)
from bot.engine.interrupt import Interrupt, Interrupted, Reason
from bot.engine.parts import Parts
from bot.engine.progress import BROKEN_BY_CRASH, NOTHING, Progress, progress_of
from bot.engine.tool_calls import CallRunner
from bot.engine.turn import TurnWriter
from bot.errors import ContentFiltered, ModelError, ModelRefusedAccess, PlatformError, RateLimited, Unreachable
from bot.ports import Ending, PlannedCall, RunSink

log = structlog.get_logger()


class Execution:
    """Executes one run under one lease.

    Args:
        parts: store, model, tools, clock and limits; of the tools, only those of the run are used.
        work: the run and where its answer goes.
        lease: the right to write the run.
        sink: who listens.
        interrupt: Stop and expiry of the run.
        alive: whether this process still holds its lanes.
    """

    def __init__(
        self, parts: Parts, work: Work, lease: Lease, sink: RunSink, interrupt: Interrupt, alive: Callable[[], bool]
    ) -> None:
        self._alive = alive
        self._parts = parts = parts.of(work.run, in_chat=work.delivery is not None)
        self._runs = parts.store.runs
        self._work = work
        self._lease = lease
        self._sink = sink
        self._interrupt = interrupt
        self._broadcast = Broadcast(work.run, lease, sink)
        self._context = Context(parts, work.run, lease, interrupt)
        self._writer: TurnWriter | None = None
        self._fresh = False

    async def run(self) -> Run | None:
        """Work until the run has ended. Returns the ended run, or None when it has to rest and goes on later.

        Raises:
            Fenced: the lane is lost; nothing more may be written.
            RateLimited: a person has to be asked something, and cannot be asked now.
            Unreachable: likewise.
        """
        try:
            ending = await self._to_its_end()
        except Interrupted as interruption:
            ending = await self._left_early(interruption.reason)
        except Postponed as rest:
            await self._runs.postpone(self._lease, self._work.run.id, rest.seconds)
            log.info("run postponed", run_id=self._work.run.id, seconds=round(rest.seconds, 1))
            return None
        except AwaitsDecision:
            log.info("run waits for a person", run_id=self._work.run.id)
            return None
        except (ModelError, ModelRefusedAccess, TooManyRounds, TooManyCrashes) as error:
            log.warning("run failed", run_id=self._work.run.id, error=type(error).__name__, detail=str(error))
            ending = failed(error, self._parts.limits, open_text=self._open_text)
        return await self._end(ending)

    async def fail(self, error: Exception) -> Run:
        """End the run after an error that nobody foresaw."""
        return await self._end(failed(error, self._parts.limits, open_text=self._open_text))

    async def _end(self, ending: Ending) -> Run:
        run_id = self._work.run.id
        await self._broadcast.record(self._runs.end(self._lease, run_id, ending))
        run = self._broadcast.run
        log.info("run ended", run_id=run_id, thread_id=run.thread_id, status=str(run.status))
        return run

    # --- beginning and leaving

    async def _to_its_end(self) -> Ending:
        await self._start()
        async with self._interrupt.watch():
            await self._sink.prepare()
        while True:
            self._interrupt.check()
            if (ending := await self._next_step()) is not None:
                return ending

    async def _start(self) -> None:
        self._interrupt.check()
        started = await self._broadcast.record(self._runs.start(self._lease, self._work.run.id, self._work.now))
        self._fresh = bool(started) and self._work.run.started_at is None
        log.info("run taken", run_id=self._work.run.id, thread_id=self._work.run.thread_id, first=self._fresh)
        if not started:
            await self._look_for_stop()
        self._interrupt.check()

    async def _look_for_stop(self) -> None:
        now = await self._runs.get(self._work.run.id)
        if now is not None and now.status is RunStatus.CANCELLING:
            self._interrupt.stop()

    async def _left_early(self, reason: Reason) -> Ending:
        now = await self._runs.get(self._work.run.id)
        if now is not None and now.status is RunStatus.CANCELLING:
            self._broadcast.tell(RunChanged(now))
        status = RunStatus.CANCELLED if reason is Reason.STOPPED else RunStatus.EXPIRED
        return Ending(status=status, open_text=self._open_text)

    @property
    def _open_text(self) -> str | None:
        """The text of the message in progress, as far as it came."""
        return self._writer.words if self._writer is not None and self._broadcast.message_id is not None else None

    # --- steps

    async def _next_step(self) -> Ending | None:
        """Do the first thing that is not on record as done. Returns the run's ending when there is nothing left."""
        progress = NOTHING if self._fresh else await progress_of(self._runs, self._work.run.id)
        self._fresh = False
        last = progress.last
        if last is not None and last.state is TurnState.STARTED:
            await self._broadcast.record(self._runs.break_turn(self._lease, last, BROKEN_BY_CRASH))
            log.info("interrupted turn is asked again", run_id=last.run_id, turn=last.number)
            return None
        if last is not None and last.state is TurnState.DONE:
            if waiting := progress.open_calls(last):
                await self._carry_on(waiting)
                return None
            if not progress.calls_of(last):
                return self._ending(last.finish)
        return await self._ask(progress)

    async def _carry_on(self, calls: Sequence[ToolCall]) -> None:
        """Bring calls to an end without a person as far as possible, and only then ask about the first that is left."""
        if doable := [call for call in calls if not (call.interrupted and call.decision is None)]:
            await self._call_runner().run(doable)
        elif not await self._left_to_person(calls[0]):
            await self._call_runner().run(calls[:1])

    async def _left_to_person(self, call: ToolCall) -> bool:
        """Ask what became of a call. Returns False when nobody can be asked, True when they have decided already.

        Raises:
            AwaitsDecision: they have not; the run has to be left.
        """
        async with self._interrupt.watch():
            if not await self._shown(call):
                return False
        if await self._broadcast.record(self._runs.wait_for_decision(self._lease, call)):
            raise AwaitsDecision
        await self._look_for_stop()
        return True

    async def _shown(self, call: ToolCall) -> bool:
        try:
            return await self._sink.ask(call)
        except (RateLimited, Unreachable):
            raise  # tried again later, like an answer
        except PlatformError as error:
            log.warning("nobody can be asked", run_id=call.run_id, tool=call.name, error=type(error).__name__)
            return False

    async def _ask(self, progress: Progress) -> Ending | None:
        if progress.rounds >= self._parts.limits.rounds:
            raise TooManyRounds
        if progress.crashes >= self._parts.limits.lives:
            raise TooManyCrashes
        most = self._work.run.max_completion_tokens
        if most is not None and progress.written_tokens >= most:
            return self._ending(FinishReason.LENGTH)
        harder = REQUEST_TOO_LONG in progress.failures
        request = await self._context.request(progress, self._work.delivery, harder=harder)
        turn = await self._runs.begin_turn(self._lease, self._work.run.id)
        self._writer = writer = self._turn_writer(turn)
        try:
            result = await writer.listen(self._parts.model, request)
            if (
                not (result.text or result.refusal or result.calls or progress.answered)
                and result.finish is FinishReason.STOP
            ):
                raise EmptyAnswer
        except ModelError as error:
            await self._broken(writer, error, progress.failures)
            return None
        return await self._finish_turn(writer, result)

    async def _finish_turn(self, writer: TurnWriter, result: TurnResult) -> Ending | None:
        planned = [
            PlannedCall(call.call_id, call.name, call.arguments, self._effect(call.name), call.extra)
            for call in result.calls
        ]
        await self._broadcast.record(self._runs.finish_turn(self._lease, writer.turn, result, planned))
        self._writer = None  # its text is on record now, also that of a message which a cut turn leaves open
        return None if planned else self._ending(result.finish)

    async def _broken(self, writer: TurnWriter, error: ModelError, earlier: tuple[str, ...]) -> None:
        """Record a broken turn and wait for its next attempt.

        Raises:
            ModelError: there is none; the turn is left open, so that its text is kept when the run fails.
            Postponed: it is too far away to hold the lane.
        """
        delay = wait_before_next(error, earlier, self._parts.limits)
        left = self._interrupt.remaining()
        if delay is None or (left is not None and delay >= left):
            raise error
        await self._broadcast.record(self._runs.break_turn(self._lease, writer.turn, name_of(error)))
        self._writer = None
        log.warning("turn broke", run_id=writer.turn.run_id, turn=writer.turn.number, error=name_of(error))
        if delay > self._parts.limits.patience:
            raise Postponed(delay)
        async with self._interrupt.watch():
            await self._parts.clock.sleep(delay)

    def _ending(self, finish: FinishReason | None) -> Ending:
        match finish:
            case FinishReason.LENGTH:
                return Ending(
                    status=RunStatus.INCOMPLETE,
                    incomplete_reason="max_completion_tokens",
                    message_reason="max_tokens",
                )
            case FinishReason.CONTENT_FILTER:
                return failed(ContentFiltered(), self._parts.limits)
            case FinishReason.STOP | FinishReason.TOOL_CALLS | None:
                return Ending(status=RunStatus.COMPLETED)

    def _effect(self, name: str) -> Effect:
        return self._parts.toolbox.effect(name)

    def _turn_writer(self, turn: Turn) -> TurnWriter:
        parts = self._parts
        return TurnWriter(self._runs, self._broadcast, self._interrupt, parts.clock, parts.limits, turn)

    def _call_runner(self) -> CallRunner:
        delivery = self._work.delivery
        return CallRunner(
            self._runs,
            self._parts.toolbox,
            self._broadcast,
            self._interrupt,
            self._parts.limits,
            delivery.asker if delivery is not None else None,
            self._alive,
            self._parts.clock,
        )
