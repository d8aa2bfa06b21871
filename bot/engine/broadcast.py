"""One run under one lease: its writes, and the facts that they return, on their way to the sink."""

from collections.abc import Coroutine
from typing import Any

from bot.domain.events import MessageChanged, MessageCreated, MessageDelta, RunChanged, RunEvent
from bot.domain.lanes import Lease
from bot.domain.runs import Run
from bot.ports import RunSink
from bot.unbroken import unbroken

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
        self.message_id: str | None = None
        """The message that is being written."""
        self.lease = lease
        self._sink = sink

    async def record(self, write: Write) -> tuple[RunEvent, ...]:
        """Carry a write out, publish what it changed and return it.

        A write and its publication are one: a cancellation that comes meanwhile is passed on after both.
        """
        return await unbroken(self._record(write))

    def tell(self, event: RunEvent) -> None:
        """Publish something that is not a write."""
        self._sink.publish(event)

    def delta(self, message_id: str, text: str) -> None:
        """Publish more text."""
        self._sink.publish(MessageDelta(message_id, text))

    async def _record(self, write: Write) -> tuple[RunEvent, ...]:
        events = await write
        for event in events:
            self._fold(event)
            self._sink.publish(event)
        return events

    def _fold(self, event: RunEvent) -> None:
        match event:
            case RunChanged(run):
                self.run = run
            case MessageCreated(message):
                self.message_id = message.id
            case MessageChanged():
                self.message_id = None
            case _:
                pass
