"""Plays the engine's part for one run on a real store: the same writes and events, with the text that a test wants."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.assistants import Assistant
from bot.domain.deliveries import Address, Event, RemoteFile
from bot.domain.events import MessageDelta, RunEvent
from bot.domain.ids import new_id
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Author
from bot.domain.runs import LastError, Run, RunStatus, Usage
from bot.domain.steps import CallState, Decision, Effect, ToolCall
from bot.domain.turns import FinishReason, RequestedCall, Turn, TurnResult
from bot.ports import Ending, PlannedCall, RunSink, Store

ADA = Author(platform="memory", id="ada", name="Ada")
BEN = Author(platform="memory", id="ben", name="Ben")


class FastClock:
    """Implements `bot.ports.Clock`: a second lasts `1 / speed` seconds."""

    def __init__(self, speed: float = 50.0) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


class StillClock:
    """Implements `bot.ports.Clock`: time stands still until the test lets it pass."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._passed = asyncio.Condition()
        self.asleep: list[str] = []
        """Names of the tasks that wait for time to pass."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        until, name = self._now + seconds, task.get_name()
        async with self._passed:
            self.asleep.append(name)
            self._passed.notify_all()
            try:
                await self._passed.wait_for(lambda: self._now >= until)
            finally:
                self.asleep.remove(name)

    async def pass_by(self, seconds: float) -> None:
        """Let so much time pass."""
        async with self._passed:
            self._now += seconds
            self._passed.notify_all()

    async def until_asleep(self, name: str) -> None:
        """Wait until the task of this name waits for time to pass."""
        async with asyncio.timeout(10), self._passed:
            await self._passed.wait_for(lambda: name in self.asleep)


@dataclass
class StoreControl:
    """Implements `bot.ports.RunControl` without an engine: acts on record only, and is frozen when told to."""

    store: Store
    alive: bool = True
    workers: int = 1
    cancelled: list[str] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first `cancel`."""

    async def cancel(self, run_id: str) -> RunStatus | None:
        self.cancelled.append(run_id)
        try:
            return await self.store.runs.request_cancel(run_id)
        finally:
            self.stopped.set()

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        return await self.store.runs.decide(run_id, call, decision, by)


def event(
    text: str = "What now?",
    room: str = "general",
    *,
    files: Sequence[RemoteFile] = (),
    author: Author = ADA,
    scope: str = "",
) -> Event:
    return Event(
        keys=(new_id("msg_"),),
        conversation=f"memory:{room}",
        address=Address(platform="memory", place={"room": room}),
        author=author,
        text=text,
        files=tuple(files),
        scope=scope,
    )


async def assistant_of(store: Store) -> Assistant:
    return await store.assistants.upsert(
        Assistant(id=new_id("asst_"), created_at=int(time.time()), name="Parley", model="test")
    )


async def enrolled(store: Store) -> str:
    """A worker of ours."""
    worker = new_id("worker_")
    await store.workers.enrol(worker, "worker")
    return worker


async def claim(store: Store, worker: str | None = None) -> tuple[Work, Lease]:
    """The next work of the only lane that is ready."""
    (lease,) = await store.lanes.claim(worker or await enrolled(store), 1)
    work = await store.lanes.next_work(lease)
    assert work is not None
    return work, lease


async def asked(store: Store, what: Event | None = None) -> tuple[Work, Lease]:
    """A message was accepted and its run is ours."""
    await store.intake.accept(what or event(), await assistant_of(store))
    return await claim(store)


@dataclass
class RunScript:
    """One run, played by hand."""

    store: Store
    lease: Lease
    run: Run
    sink: RunSink | None = None
    turn: Turn | None = None
    message_id: str = ""
    said: str = ""

    def tell(self, *events: RunEvent) -> None:
        if self.sink is not None:
            for event in events:
                self.sink.publish(event)

    async def start(self) -> None:
        self.tell(*await self.store.runs.start(self.lease, self.run.id))
        self.turn = await self.store.runs.begin_turn(self.lease, self.run.id)

    async def say(self, text: str) -> None:
        assert self.turn is not None
        if not self.message_id:
            events = await self.store.runs.begin_message(self.lease, self.turn)
            self.tell(*events)
            self.message_id = next(e.message.id for e in events if hasattr(e, "message"))
        self.said += text
        self.tell(MessageDelta(self.message_id, text))
        await asyncio.sleep(0)

    async def call(self, name: str, effect: Effect = Effect.READ, arguments: str = "{}") -> ToolCall:
        """Finish the turn with one tool call and begin that call."""
        (call,) = await self.calls(name, effect=effect, arguments=arguments)
        return call

    async def calls(self, *names: str, effect: Effect = Effect.READ, arguments: str = "{}") -> list[ToolCall]:
        """Finish the turn with tool calls and begin them."""
        calls = [
            PlannedCall(call_id=f"c{number}", name=name, arguments=arguments, effect=effect, extra={})
            for number, name in enumerate(names, 1)
        ]
        await self._finish_turn(FinishReason.TOOL_CALLS, calls)
        begun = [call for call in await self.store.runs.calls(self.run.id) if call.state is CallState.PLANNED]
        for planned in begun:
            self.tell(*await self.store.runs.begin_call(self.lease, planned))
        ids = {call.id for call in begun}
        return [call for call in await self.store.runs.calls(self.run.id) if call.id in ids]

    async def returned(self, call: ToolCall, output: str, state: CallState = CallState.DONE) -> None:
        self.tell(*await self.store.runs.end_call(self.lease, call, state, output))
        self.turn, self.message_id, self.said = await self.store.runs.begin_turn(self.lease, self.run.id), "", ""

    async def broke(self) -> None:
        """The turn broke and is asked again."""
        assert self.turn is not None
        self.tell(*await self.store.runs.break_turn(self.lease, self.turn, "broke"))
        self.turn, self.message_id, self.said = await self.store.runs.begin_turn(self.lease, self.run.id), "", ""

    async def complete(self) -> Run:
        await self._finish_turn(FinishReason.STOP, [])
        return await self.end(Ending(status=RunStatus.COMPLETED))

    async def fail(self, message: str) -> Run:
        error = LastError(code="server_error", message=message)
        return await self.end(Ending(status=RunStatus.FAILED, last_error=error, open_text=self.said or None))

    async def stop(self) -> Run:
        await self.store.runs.request_cancel(self.run.id)
        return await self.end(Ending(status=RunStatus.CANCELLED, open_text=self.said or None))

    async def end(self, ending: Ending) -> Run:
        self.tell(*await self.store.runs.end(self.lease, self.run.id, ending))
        run = await self.store.runs.get(self.run.id)
        assert run is not None
        return run

    async def _finish_turn(self, finish: FinishReason, calls: list[PlannedCall]) -> None:
        assert self.turn is not None
        requested = tuple(RequestedCall(call_id=c.call_id, name=c.name, arguments=c.arguments) for c in calls)
        result = TurnResult(text=self.said, calls=requested, finish=finish, usage=Usage())
        self.tell(*await self.store.runs.finish_turn(self.lease, self.turn, result, calls))
