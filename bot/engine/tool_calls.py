"""Carrying out a turn's tool calls by the ledger: each is begun on record, and never again when that could do harm.

| state found         | `read`    | `idempotent`            | `once`                                       |
|---------------------|-----------|-------------------------|----------------------------------------------|
| planned             | run       | run                     | run                                          |
| started             | run again | run again, the same key | a person is asked; unknown if nobody can be  |
| …they say: worked   |           |                         | done, with an output that says who said so   |
| …they say: again    |           |                         | run again, the same key                      |
| …they say: skip     |           |                         | unknown, with an output that says who        |
| started too often   | failed    | failed                  | (every further time was a person's decision) |
| ended               | kept      | kept                    | kept                                         |

The engine asks when all other calls of the turn have ended, about one call at a time (`execution.py`).
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from bot.domain.events import CallChanged, RunEvent
from bot.domain.messages import Author
from bot.domain.steps import CallState, Decision, ToolCall
from bot.engine.broadcast import Broadcast
from bot.engine.interrupt import Interrupt
from bot.engine.limits import EngineLimits
from bot.errors import Fenced, IllegalTransition, StoreUnavailable, first_of
from bot.ports import Asking, Clock, Runs, Toolbox

log = structlog.get_logger()

UNKNOWN = (
    "The outcome of this call is unknown: it was begun but interrupted before its result was recorded. "
    "It may or may not have taken effect. Check before you repeat it, and tell the person."
)
WORKED = (
    "This call was interrupted before its result was recorded. The person was asked and says that it worked. "
    "Take it as done and do not repeat it. What it would have returned is not known."
)
SKIPPED = (
    "This call was interrupted before its result was recorded. The person was asked and chose to go on without "
    "knowing whether it took effect. Do not repeat it unless they ask for that."
)
NOT_AGAIN = (
    "{refusal} The person had asked to run it again after it was interrupted; whether that first time took effect "
    "is unknown."
)
TOO_MANY_CALLS = "Not run: at most {limit} tool calls are run in one turn. Ask again for those that are still needed."
BEGUN_TOO_OFTEN = (
    "This call was begun {times} times, and each time the process was interrupted before it had a result. It is not "
    "begun again: it may be what interrupts the process. Its outcome is unknown. Do not repeat it; tell the person."
)
ARGUMENTS_TOO_LONG = "Not run: the arguments are longer than {limit} characters."


class CallRunner:
    """Runs the open calls of one turn.

    Args:
        runs: the ledger.
        toolbox: the tools.
        broadcast: the run, its lease and its listeners.
        interrupt: Stop and expiry.
        limits: caps of a turn.
        person: who asked, if the run came from a chat.
        alive: whether this process still holds its lanes.
        clock: paces further tries to write an outcome down.
    """

    def __init__(
        self,
        runs: Runs,
        toolbox: Toolbox,
        broadcast: Broadcast,
        interrupt: Interrupt,
        limits: EngineLimits,
        person: Author | None,
        alive: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._alive = alive
        self._clock = clock
        self._runs = runs
        self._toolbox = toolbox
        self._broadcast = broadcast
        self._interrupt = interrupt
        self._limits = limits
        self._person = person

    async def run(self, calls: Sequence[ToolCall]) -> None:
        """Bring every open call to an end, several at a time unless the run forbids that.

        Raises:
            Interrupted: the run was stopped or has expired; calls that were cut off are still `started`.
            Fenced: the lane is lost.
        """
        at_once = self._limits.parallel_calls if self._broadcast.run.parallel_tool_calls else 1
        room = asyncio.Semaphore(at_once)
        first: BaseException | None = None
        try:
            async with self._interrupt.watch(), asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(self._one(call, room))
        except* Exception as failures:  # noqa: BLE001 - unpacked, not swallowed
            first = first_of(failures)
        if first is not None:
            raise first

    async def _one(self, call: ToolCall, room: asyncio.Semaphore) -> None:
        async with room:
            if call.interrupted:
                await self._decided(call)
            elif (refusal := self._refusal(call)) is not None:
                await self._end(call, CallState.FAILED, refusal)
            else:
                await self._begin_and_end(call)

    async def _decided(self, call: ToolCall) -> None:
        """Do what the person said; without their word nobody could be asked."""
        match call.decision:
            case None:
                await self._end(call, CallState.UNKNOWN, UNKNOWN)
            case Decision.WORKED:
                await self._end(call, CallState.DONE, WORKED)
            case Decision.SKIP:
                await self._end(call, CallState.UNKNOWN, SKIPPED)
            case Decision.AGAIN:
                if (refusal := self._toolbox.refuse(call.name, call.arguments)) is not None:
                    await self._end(call, CallState.UNKNOWN, NOT_AGAIN.format(refusal=refusal))
                else:
                    await self._begin_and_end(call)

    async def _begin_and_end(self, call: ToolCall) -> None:
        lease = self._broadcast.lease
        call = _changed(await self._broadcast.record(self._runs.begin_call(lease, call)), call)
        if not self._alive():  # frozen since the lane was looked at: somebody else may have been told to run it again
            raise Fenced
        asking = Asking(self._person, call.run_id, lease.thread_id, call.idempotency_key)
        outcome = await self._toolbox.run(call.name, call.arguments, asking)
        await self._end(call, outcome.state, outcome.output)

    async def _end(self, call: ToolCall, state: CallState, output: str) -> None:
        """Write an outcome down. It is known here and nowhere else, so a database that is away is waited for."""
        tried = False
        while True:
            try:
                await self._broadcast.record(self._runs.end_call(self._broadcast.lease, call, state, output))
                break
            except StoreUnavailable as error:
                if not self._alive():
                    raise
                log.warning("outcome waits for the database", run_id=call.run_id, tool=call.name, error=str(error))
                tried = True
            except IllegalTransition:
                if not tried:
                    raise
                break  # the try whose answer was lost had written it: nobody else may
            await self._clock.sleep(self._limits.call_retry)
        log.info("tool call ended", run_id=call.run_id, tool=call.name, key=call.idempotency_key, state=str(state))

    def _refusal(self, call: ToolCall) -> str | None:
        if call.begins >= self._limits.begins:
            return BEGUN_TOO_OFTEN.format(times=call.begins)
        if call.position >= self._limits.calls:
            return TOO_MANY_CALLS.format(limit=self._limits.calls)
        if len(call.arguments) >= self._limits.call_arguments:
            return ARGUMENTS_TOO_LONG.format(limit=self._limits.call_arguments)
        return self._toolbox.refuse(call.name, call.arguments)


def _changed(events: Sequence[RunEvent], call: ToolCall) -> ToolCall:
    """The call as the ledger has it after a write."""
    return next((event.call for event in events if isinstance(event, CallChanged)), call)
