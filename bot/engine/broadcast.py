"""One run under one lease: its writes, and the facts that they return, on their way to the sink."""

from collections.abc import Coroutine
from typing import Any

from bot.domain.events import MessageDelta, RunChanged, RunEvent
from bot.domain.lanes import Lease
from bot.domain.runs import Run
from bot.engine.interrupt import to_the_end
from bot.ports import RunSink

Write = Coroutine[Any, Any, tuple[RunEvent, ...]]


class Broadcast:
    """Carries writes out to their end and publishes their events in order.

    Args:
        run: the run as it was taken.
        lease: the right to write it.
        sink: who listens.
    """

    def __init__(self, run: Run, lease: Lease, sink: RunSink) -> None:
        self.run = run
        """The run as last seen."""
        self.lease = lease
        self._sink = sink

    async def record(self, write: Write) -> tuple[RunEvent, ...]:
        """Carry a write out, publish what it changed and return it; not cut by a cancellation."""
        return await to_the_end(self._record(write))

    def tell(self, event: RunEvent) -> None:
        """Publish something that is not a write."""
        self._sink.publish(event)

    def delta(self, message_id: str, text: str) -> None:
        """Publish more text."""
        self._sink.publish(MessageDelta(message_id, text))

    async def _record(self, write: Write) -> tuple[RunEvent, ...]:
        events = await write
        for event in events:
            if isinstance(event, RunChanged):
                self.run = event.run
            self._sink.publish(event)
        return events
