"""The relay: between the chat platforms and the engine. Messages become runs, runs become answers in the chat."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from bot.domain.assistants import Assistant
from bot.domain.deliveries import DeliveryState
from bot.domain.events import RunEvent
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run
from bot.errors import Unreachable
from bot.ports import Clock, RunControl, RunSink, Store
from bot.relay.commands import Commands
from bot.relay.contract import Adapter, Reception
from bot.relay.desk import Desk
from bot.relay.governor import Governor
from bot.relay.policy import RelayPolicy
from bot.relay.reception import PlatformReception
from bot.relay.writer import RunWriter

log = structlog.get_logger()


class Relay:
    """Implements `bot.ports.Outlet` for the engine, and gives every adapter its `Reception`.

    Engine and relay need each other: make the relay first, then the engine with it, then `connect` them.
    """

    def __init__(
        self,
        store: Store,
        adapters: Sequence[Adapter],
        assistant: Assistant,
        clock: Clock,
        policy: RelayPolicy | None = None,
    ) -> None:
        """Serve `adapters` with answers of `assistant`."""
        self._store = store
        self._adapters = {adapter.capabilities.platform: adapter for adapter in adapters}
        self._assistant = assistant
        self._clock = clock
        self._policy = policy or RelayPolicy()
        self._governors = {
            name: Governor(adapter.capabilities.pacing, clock) for name, adapter in self._adapters.items()
        }
        self._control: RunControl | None = None
        self._commands = Commands(store, self._connected)

    def connect(self, control: RunControl) -> None:
        """Say who executes the runs. To be called once, before any adapter is running."""
        self._control = control

    def reception(self, platform: str) -> Reception:
        """Where the adapter of `platform` takes its events."""
        return PlatformReception(
            store=self._store,
            assistant=self._assistant,
            governor=self._governors[platform],
            commands=self._commands,
            control=self._connected,
            policy=self._policy,
        )

    def share_with(self, workers: int) -> None:
        """Say how many live processes write to the platforms; the pace is divided among them."""
        for governor in self._governors.values():
            governor.workers = max(1, workers)

    def open(self, work: Work, lease: Lease) -> AbstractAsyncContextManager[RunSink]:
        """Open the sink of a run: a writer, or nothing when nobody in a chat waits for it."""
        return self._open(work, lease)

    @asynccontextmanager
    async def _open(self, work: Work, lease: Lease) -> AsyncGenerator[RunSink]:
        run, delivery = work.run, work.delivery
        if delivery is None or delivery.state is not DeliveryState.OPEN:
            yield _Nobody()
            return
        platform = delivery.address.platform
        adapter = self._adapters.get(platform)
        if adapter is None:
            log.error("no adapter for an answer", run_id=run.id, platform=platform)
            yield _Elsewhere(platform)
            return
        governor = self._governors[platform]
        desk = Desk(run, delivery, lease, self._store, adapter, governor, self._clock, self._policy)
        with governor.stream(adapter.bucket(delivery.address)) as stream:
            async with RunWriter(desk, stream).at_work() as writer:
                yield writer

    def _connected(self) -> RunControl:
        if self._control is None:
            raise RuntimeError("the relay was not connected to an engine")
        return self._control


class _Nobody:
    """The sink of a run that no chat waits for."""

    async def prepare(self) -> None:
        """Nothing came with it."""

    def publish(self, event: RunEvent) -> None:
        """Nobody listens."""

    async def finish(self, run: Run) -> None:
        """There is nothing to show."""


class _Elsewhere(_Nobody):
    """The sink of a run whose platform is not connected in this process."""

    def __init__(self, platform: str) -> None:
        self._platform = platform

    async def finish(self, run: Run) -> None:
        """Keep the delivery open for a process that is connected.

        Raises:
            Unreachable: always.
        """
        raise Unreachable(f"This process is not connected to {self._platform}.")
