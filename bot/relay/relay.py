"""The relay: between the chat platforms and the engine. Messages become runs, runs become answers in the chat."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.events import RunEvent
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run
from bot.domain.steps import ToolCall
from bot.errors import Unreachable
from bot.ports import ChannelRules, Clock, RunControl, RunSink, Store
from bot.relay.answering import Answering
from bot.relay.chat import Chat
from bot.relay.commands import Commands
from bot.relay.contract import Adapter, Reception, SharedCeiling
from bot.relay.errand import Errand
from bot.relay.governor import Governor
from bot.relay.policy import RelayPolicy
from bot.relay.presses import Presses
from bot.relay.reception import PlatformReception
from bot.relay.writer import RunWriter

log = structlog.get_logger()


class Relay:
    """Implements `bot.ports.Outlet` for the engine, and gives every adapter its `Reception`."""

    def __init__(
        self,
        store: Store,
        adapters: Sequence[Adapter],
        rules: ChannelRules,
        clock: Clock,
        control: RunControl,
        policy: RelayPolicy | None = None,
    ) -> None:
        """Serve `adapters` with answers of the assistants that `rules` name.

        `control` stops runs, takes decisions, and knows whether we may still speak and how many others do.
        """
        self._store = store
        self._adapters = {adapter.capabilities.platform: adapter for adapter in adapters}
        self._rules = rules
        self._clock = clock
        self._control = control
        self._policy = policy or RelayPolicy()
        self._governors = {name: self._governor(adapter) for name, adapter in self._adapters.items()}
        self._commands = Commands(store, control, clock)
        self._answering = Answering(store, rules)
        self._presses = Presses(store, control, self._answering, self._policy.run_lifetime)

    def reception(self, platform: str) -> Reception:
        """Where the adapter of `platform` takes its events."""
        return PlatformReception(
            store=self._store,
            rules=self._rules,
            answering=self._answering,
            platform=platform,
            chooses=self._adapters[platform].capabilities.chooses,
            commands=self._commands,
            presses=self._presses,
            control=self._control,
            limits=self._policy,
        )

    def _governor(self, adapter: Adapter) -> Governor:
        capabilities, control = adapter.capabilities, self._control
        governor = Governor(capabilities.pacing, self._clock, capabilities.posts, share=lambda: control.workers)
        adapter.on_limits(governor.signal)
        if isinstance(adapter, SharedCeiling):
            adapter.divide_among(lambda: control.workers)
        return governor

    @asynccontextmanager
    async def open(self, work: Work, lease: Lease) -> AsyncGenerator[RunSink]:
        """Open the sink of a run: a writer, or nothing when nobody in a chat waits for it."""
        run, delivery = work.run, work.delivery
        if delivery is None or delivery.state is not DeliveryState.OPEN:
            yield _Nobody()
            return
        address = delivery.address
        adapter = self._adapters.get(address.platform)
        if adapter is None:
            log.error("no adapter for an answer", run_id=run.id, platform=address.platform)
            yield _Elsewhere(address.platform)
            return
        with self._governors[address.platform].stream(adapter.terms(address)) as stream:
            chat = Chat(adapter, address, stream, self._clock, self._control)
            writer = RunWriter(self._store, Errand(run, delivery, lease), chat, self._policy)
            async with writer.at_work():
                yield writer


class _Nobody:
    """The sink of a run that no chat waits for."""

    async def prepare(self) -> None:
        """Nothing came with it."""

    def publish(self, event: RunEvent) -> None:
        """Nobody listens."""

    async def ask(self, call: ToolCall) -> bool:
        """Nobody can be asked."""
        return False

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
