"""What the engine needs around it in tests: a scripted model, a small toolbox, a recording outlet, clocks."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from bot.domain.assistants import Assistant, FunctionDefinition, FunctionTool
from bot.domain.deliveries import Acceptance, Address, DeliveryState, Event
from bot.domain.events import (
    CallChanged,
    MessageChanged,
    MessageCreated,
    MessageDelta,
    RunChanged,
    RunEvent,
    StepChanged,
    StepCreated,
)
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Author
from bot.domain.runs import RUN_LIFETIME, Run
from bot.domain.steps import CallState, Effect, ToolCall
from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallStarted,
    Finished,
    FinishReason,
    InputText,
    ModelEvent,
    ModelRequest,
    TextDelta,
    Usage,
    UsageReport,
    UserInput,
)
from bot.engine import EngineLimits, LaneWork, RunningRuns, Shifts
from bot.ports import Activity, Asking, ModelTraits, RunSink, Store, ToolOutcome

ANN = Author(platform="test", id="U1", name="Ann")
BEN = Author(platform="test", id="U2", name="Ben")
TOOLS = tuple(
    FunctionTool(function=FunctionDefinition(name=name))
    for name in ("a", "b", "bad", "look", "order", "pay", "put", "send", "sleeper", "slow")
)
"""What the assistant of most tests may use; a test's own toolbox has some of them."""
ASSISTANT = Assistant(
    id="asst_test", created_at=1, name="Parley", model="scripted", instructions="Be brief.", tools=TOOLS
)

QUICK = EngineLimits(
    poll=0.05,
    heartbeat=0.05,
    lease=5.0,
    backoff=0.0,
    outage_backoff=0.0,
    drain=5.0,
    stop_poll=0.05,
    delivery_delay=0.01,
    job_look=0.05,
)
"""Limits for tests: short rhythms, nothing else changed."""


class Gate:
    """A place where something under test stops until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        """Say that it is reached and wait for it to open."""
        self.reached.set()
        await self.open.wait()


# --- the model --------------------------------------------------------------------------------------------------

Step = ModelEvent | BaseException | Gate
Script = Sequence[Step] | Callable[[ModelRequest], Sequence[Step]]


def text(*deltas: str, finish: FinishReason = FinishReason.STOP, usage: int = 7) -> list[Step]:
    """A turn that writes text."""
    counted = Usage(prompt_tokens=usage, completion_tokens=usage, total_tokens=2 * usage)
    return [*(TextDelta(delta) for delta in deltas), UsageReport(counted), Finished(finish)]


def calls(*wanted: tuple[str, dict[str, object] | str], say: str = "") -> list[Step]:
    """A turn that calls tools: names with arguments, as an object or as the text that the model wrote."""
    steps: list[Step] = [TextDelta(say)] if say else []
    for number, (name, arguments) in enumerate(wanted):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        key = f"item{number}"
        steps += [CallStarted(key, f"p{number}", name), CallArguments(key, written), CallDone(key, written)]
    return [*steps, Finished(FinishReason.TOOL_CALLS)]


class ScriptedClient:
    """A `ModelClient` that plays one script per turn and keeps the requests; `used_up` checks that none is left."""

    def __init__(
        self,
        *scripts: Script,
        context_tokens: int = 100_000,
        images: bool = False,
        reads_authors: bool = True,
        summarises: bool = True,
    ):
        self.traits = ModelTraits("scripted", context_tokens, images, reads_authors, summarises)
        self.others: dict[str, ScriptedClient] = {}
        self.scripts = list(scripts)
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Play the next script."""
        self.requests.append(request)
        assert self.scripts, f"The model was asked once more than expected: {request.input[-1]}"
        script = self.scripts.pop(0)
        for step in script(request) if callable(script) else script:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, Gate):
                await step.pass_through()
            else:
                yield step

    def named(self, name: str) -> "ScriptedClient":
        """The model of that name in `others`, or else this one."""
        return self.others.get(name, self)

    async def close(self) -> None:
        """Nothing is open."""

    @contextmanager
    def used_up(self) -> Iterator["ScriptedClient"]:
        """Fail when scripts are left at the end."""
        yield self
        assert not self.scripts, f"{len(self.scripts)} scripted turns were never asked for."


def said(request: ModelRequest) -> list[str]:
    """The words of people in a request, in order."""
    return [
        part.text
        for item in request.input
        if isinstance(item, UserInput)
        for part in item.parts
        if isinstance(part, InputText)
    ]


# --- the tools --------------------------------------------------------------------------------------------------

Tool = Callable[[dict[str, object], Asking], Awaitable[ToolOutcome]]


class SmallToolbox:
    """A `Toolbox` of plain functions; keeps which calls were begun."""

    def __init__(self, **tools: tuple[Effect, Tool]) -> None:
        self.tools = tools
        self.begun: list[tuple[str, str]] = []
        """Name and idempotency key."""
        self.asked: list[Asking] = []

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        """All tools."""
        return tuple(FunctionDefinition(name=name) for name in self.tools)

    def only(self, names: Collection[str]) -> "SmallToolbox":
        """The same without the others; what is begun there is kept here too."""
        smaller = SmallToolbox(**{name: tool for name, tool in self.tools.items() if name in names})
        smaller.begun, smaller.asked = self.begun, self.asked
        return smaller

    def effect(self, name: str) -> Effect:
        """The effect as given."""
        return self.tools[name][0] if name in self.tools else Effect.READ

    def refuse(self, name: str, arguments: str) -> str | None:
        """Unknown names and arguments that are no JSON object."""
        if name not in self.tools:
            return f"unknown tool {name}"
        try:
            return None if isinstance(json.loads(arguments), dict) else "no object"
        except ValueError:
            return "broken arguments"

    async def run(self, name: str, arguments: str, asking: Asking) -> ToolOutcome:
        """Run one."""
        self.begun.append((name, asking.idempotency_key))
        self.asked.append(asking)
        return await self.tools[name][1](json.loads(arguments), asking)


def gives(output: str, state: CallState = CallState.DONE) -> Tool:
    """A tool that always comes to the same."""

    async def tool(_arguments: dict[str, object], _asking: Asking) -> ToolOutcome:
        return ToolOutcome(state, output)

    return tool


def waits_at(gate: Gate, output: str = "late") -> Tool:
    """A tool that stops at a gate."""

    async def tool(_arguments: dict[str, object], _asking: Asking) -> ToolOutcome:
        await gate.pass_through()
        return ToolOutcome(CallState.DONE, output)

    return tool


# --- the chat ---------------------------------------------------------------------------------------------------


class RecordingSink:
    """A `RunSink` that keeps everything and closes the delivery like the relay."""

    def __init__(self, outlet: "RecordingOutlet", work: Work, lease: Lease) -> None:
        self._outlet = outlet
        self._work = work
        self._lease = lease

    async def prepare(self) -> None:
        """What the test wants to happen first."""
        await self._outlet.before(self._work, self._lease)

    def publish(self, event: RunEvent) -> None:
        """Keep it."""
        self._outlet.events.setdefault(self._work.run.id, []).append(event)

    async def ask(self, call: ToolCall) -> bool:
        """Keep the question; the test says whether anybody can be asked."""
        self._outlet.questions.append(call)
        can = await self._outlet.at_question(call)
        self._outlet.changed.set()
        return can

    async def finish(self, run: Run) -> None:
        """Close the delivery, unless the test makes that fail."""
        await self._outlet.at_end(run)
        if self._work.delivery is not None:
            await self._outlet.store.deliveries.close(self._lease, run.id, DeliveryState.DELIVERED)
        self._outlet.ended.append(run)
        self._outlet.changed.set()


async def _nothing(*_: object) -> None:
    pass


async def _nobody(_call: ToolCall) -> bool:
    return False


async def somebody(_call: ToolCall) -> bool:
    """There is a person who can be asked."""
    return True


@dataclass
class RecordingOutlet:
    """An `Outlet` of recording sinks."""

    store: Store
    events: dict[str, list[RunEvent]] = field(default_factory=dict)
    ended: list[Run] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    before: Callable[[Work, Lease], Awaitable[None]] = _nothing
    at_end: Callable[[Run], Awaitable[None]] = _nothing
    at_question: Callable[[ToolCall], Awaitable[bool]] = _nobody
    questions: list[ToolCall] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, work: Work, lease: Lease) -> AsyncIterator[RunSink]:
        """A sink."""
        self.leases.append(lease)
        yield RecordingSink(self, work, lease)

    async def question(self, count: int = 1) -> ToolCall:
        """Wait until so many questions were asked. Returns the newest."""
        while len(self.questions) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.questions[-1]

    async def end_of(self, run_id: str) -> Run:
        """Wait until this run's end was delivered."""
        return (await self.ends_of(run_id))[0]

    async def ends_of(self, *run_ids: str) -> list[Run]:
        """Wait until the ends of all these runs were delivered."""
        while True:
            self.changed.clear()
            found = {run.id: run for run in self.ended}
            if all(run_id in found for run_id in run_ids):
                return [found[run_id] for run_id in run_ids]
            await self.changed.wait()

    def story(self, run_id: str) -> list[str]:
        """The run's events by the names that the Assistants API gives them, deltas merged."""
        names: list[str] = []
        for event in self.events.get(run_id, []):
            name = _name(event)
            if not (name == "message.delta" and names and names[-1] == name):
                names.append(name)
        return names

    def shown(self, run_id: str) -> str:
        """All text deltas."""
        return "".join(event.text for event in self.events.get(run_id, []) if isinstance(event, MessageDelta))


def _name(event: RunEvent) -> str:
    match event:
        case RunChanged(run):
            return f"run.{run.status}"
        case StepCreated():
            return "step.created"
        case StepChanged(step):
            return f"step.{step.status}"
        case MessageCreated():
            return "message.created"
        case MessageDelta():
            return "message.delta"
        case MessageChanged(message):
            return f"message.{message.status}"
        case CallChanged(call):
            return f"call.{call.state}"


# --- time and life ----------------------------------------------------------------------------------------------


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ShiftedClock(RealClock):
    """The machine's clock, moved by the test: time has passed."""

    shift = 0.0

    def now(self) -> float:
        """Unix seconds, shifted."""
        return time.time() + self.shift

    def monotonic(self) -> float:
        """Seconds, shifted."""
        return time.monotonic() + self.shift


class WrongClock(RealClock):
    """A machine whose clock is set wrong; it measures durations like any other."""

    def __init__(self, error: float) -> None:
        """Be so many seconds ahead."""
        self._error = error

    def now(self) -> float:
        """Unix seconds, wrong."""
        return time.time() + self._error


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a state that can only be looked at."""
    while not await condition():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.005)


_count = iter(range(1_000_000_000))


async def say(
    store: Store,
    words: str,
    conversation: str = "c1",
    author: Author = ANN,
    lifetime: int = RUN_LIFETIME,
    assistant: Assistant = ASSISTANT,
) -> Acceptance:
    """Somebody says something."""
    event = Event(
        keys=(f"k{next(_count)}",),
        conversation=conversation,
        address=Address(platform="test", place={}),
        author=author,
        text=words,
    )
    await store.assistants.upsert(assistant)
    return await store.intake.accept(event, assistant, lifetime)


@dataclass
class Bench:
    """One worker process with everything around it."""

    store: Store
    model: ScriptedClient
    toolbox: SmallToolbox = field(default_factory=SmallToolbox)
    clock: RealClock = field(default_factory=RealClock)
    limits: EngineLimits = QUICK
    outlet: RecordingOutlet = field(init=False)
    control: RunningRuns = field(init=False)
    process: Shifts | None = None
    """Given by a test that wants another one than a worker."""

    def __post_init__(self) -> None:
        self.outlet = RecordingOutlet(self.store)
        self.control = RunningRuns(self.store.runs)

    def lanes(self) -> LaneWork:
        """What a worker does."""
        return LaneWork(self.store, self.model, self.toolbox, self.outlet, self.clock, self.control, self.limits)

    async def run(self) -> None:
        """A process, from its start to its end."""
        await (self.process or self.doing(self.lanes())).run()

    def doing(self, *activities: Activity, store: Store | None = None) -> Shifts:
        """A process with the same store, or another one, that does something else."""
        return Shifts(store or self.store, self.clock, self.control, self.limits, "all", activities)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[RunningRuns]:
        """The process works as long as the context is open; then it is told to stop."""
        task = asyncio.create_task(self.run())
        try:
            yield self.control
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def answer(
        self, words: str, conversation: str = "c1", author: Author = ANN, lifetime: int = RUN_LIFETIME
    ) -> Run:
        """Say something and wait for the end of the run that it sets off."""
        accepted = await say(self.store, words, conversation, author, lifetime)
        async with self.working():
            return await self.outlet.end_of(accepted.run_id)
