"""The bot in this process: real store, engine and relay, with a chat platform in memory.

The only module of the benchmarks that knows how the parts are put together.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp

from bot.clock import SystemClock
from bot.domain.assistants import Assistant
from bot.domain.deliveries import Address, Event
from bot.domain.events import MessageDelta, RunChanged, RunEvent
from bot.domain.lanes import Lease, Work
from bot.domain.messages import Author
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import ToolCall
from bot.engine import EngineLimits, LaneWork, RunningRuns, Shifts
from bot.ports import ModelClient, Outlet, RunSink, Store
from bot.relay import Relay
from bot.relay.contract import Capabilities, Inbound, Pacing, Reception
from bot.store import open_store
from bot.toolbox.functions import FunctionToolbox
from tests.support.memory_adapter import MemoryAdapter
from tests.support.rules import SameEverywhere

ANN = Author(platform="memory", id="U1", name="Ann")
ASSISTANT = Assistant(id="asst_bench", created_at=1, name="Parley", model="paced", instructions="Be brief.")
LIKE_DISCORD = Capabilities(
    platform="memory",
    label="Memory",
    soft_limit=1_900,
    hard_limit=2_000,
    measure="utf16",
    max_segments=5,
    pacing=Pacing(limit=5, window=5.0, reserve=1, min_interval=0.7),
    max_file_bytes=1_000_000,
    status_refresh=8.0,
)
"""The pace of a Discord channel; every conversation has a bucket of its own."""
LATENCY = 0.08
"""Seconds that the platform takes for a request."""

_count = count()


class Answering:
    """One message on its way to its answer; both futures give moments of the monotonic clock."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[float] = loop.create_future()
        """The run is in progress."""
        self.ended: asyncio.Future[float] = loop.create_future()
        """The answer is delivered."""

    def began(self) -> None:
        """The run is in progress now."""
        if not self.started.done():
            self.started.set_result(time.monotonic())

    def finish(self, run: Run) -> None:
        """The answer is delivered now; anything but a complete one makes the benchmark fail."""
        if self.ended.done():  # nobody waits any more
            return
        if run.status is RunStatus.COMPLETED:
            self.ended.set_result(time.monotonic())
        else:
            self.ended.set_exception(RuntimeError(f"The run {run.status}: {run.last_error}"))


@dataclass
class Seen:
    """What passes between engine and relay."""

    answering: dict[str, Answering] = field(default_factory=dict[str, Answering])
    """By conversation: the newest message there."""
    on_text: Callable[[str], None] | None = None
    """Called with every delta as the relay gets it."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A bot at work."""

    store: Store
    reception: Reception
    assistant: Assistant
    seen: Seen

    async def say(self, words: str, conversation: str) -> Answering:
        """A person says something, and the adapter hands it over. The conversation's last answer must be complete."""
        answering = self.seen.answering[conversation] = Answering()
        await self.reception.receive(Inbound(event=heard(words, conversation), addressed=True))
        return answering

    async def turn(self, words: str, conversation: str) -> None:
        """Say something and wait until the answer is delivered."""
        await (await self.say(words, conversation)).ended


def heard(words: str, conversation: str) -> Event:
    """An event that was never seen before."""
    return Event(
        keys=(f"bench:{next(_count)}",),
        conversation=conversation,
        address=Address(platform="memory", place={"room": conversation}),
        author=ANN,
        text=words,
    )


@asynccontextmanager
async def at_work(
    url: str, folder: Path, model: ModelClient, *, lanes: int = 32, latency: float = LATENCY
) -> AsyncGenerator[Workplace]:
    """Open the store and work until the context is left."""
    async with open_store(url, folder) as store, aiohttp.ClientSession() as http:
        assistant = await store.assistants.upsert(ASSISTANT.model_copy(update={"model": model.traits.name}))
        clock, control, seen = SystemClock(), RunningRuns(store.runs), Seen()
        adapter = MemoryAdapter(capabilities=LIKE_DISCORD, latency=latency)
        relay = Relay(store, [adapter], SameEverywhere(assistant), clock, control)
        outlet = _Watched(relay, seen)
        toolbox = FunctionToolbox([], store.collections, http)
        limits = EngineLimits(lanes=lanes)
        lane_work = LaneWork(store, model, toolbox, outlet, clock, control, limits)
        shifts = Shifts(store, clock, control, limits, "worker", [lane_work])
        working = asyncio.create_task(shifts.run(), name="shifts")
        try:
            yield Workplace(store, relay.reception("memory"), assistant, seen)
        finally:
            working.cancel()
            await asyncio.wait([working])


class _Watched:
    """An `Outlet` that looks at what passes through."""

    def __init__(self, outlet: Outlet, seen: Seen) -> None:
        self._outlet = outlet
        self._seen = seen

    @asynccontextmanager
    async def open(self, work: Work, lease: Lease) -> AsyncGenerator[RunSink]:
        assert work.delivery is not None
        answering = self._seen.answering[work.delivery.conversation]
        async with self._outlet.open(work, lease) as sink:
            yield _WatchedSink(sink, answering, self._seen.on_text)


class _WatchedSink:
    def __init__(self, sink: RunSink, answering: Answering, on_text: Callable[[str], None] | None) -> None:
        self._sink = sink
        self._answering = answering
        self._on_text = on_text

    async def prepare(self) -> None:
        await self._sink.prepare()

    def publish(self, event: RunEvent) -> None:
        if isinstance(event, MessageDelta):
            if self._on_text is not None:
                self._on_text(event.text)
        elif isinstance(event, RunChanged) and event.run.status is RunStatus.IN_PROGRESS:
            self._answering.began()
        self._sink.publish(event)

    async def ask(self, call: ToolCall) -> bool:
        return await self._sink.ask(call)

    async def finish(self, run: Run) -> None:
        await self._sink.finish(run)
        self._answering.finish(run)
