"""A write and the publication of its events are one."""

import asyncio

import pytest

from bot.domain.events import MessageCreated, MessageDelta, RunEvent
from bot.domain.lanes import Lease
from bot.domain.messages import Message
from bot.domain.runs import Run, RunStatus
from bot.engine.broadcast import Broadcast
from bot.errors import Fenced
from tests.support.engine_doubles import Gate

LEASE = Lease(thread_id="thread_1", worker_id="worker_1", fence=1)
RUN = Run(
    seq=1, id="run_1", created_at=1, thread_id="thread_1", assistant_id="a", status=RunStatus.IN_PROGRESS, model="m"
)
CREATED = MessageCreated(Message(id="msg_1", created_at=1, thread_id="thread_1", role="assistant"))


class Listener:
    """A sink that keeps what is published."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    async def prepare(self) -> None:
        """Nothing."""

    def publish(self, event: RunEvent) -> None:
        """Keep it."""
        self.events.append(event)

    async def finish(self, run: Run) -> None:
        """Nothing."""


async def test_a_cancellation_during_a_write_is_passed_on_after_its_events() -> None:
    gate, sink = Gate(), Listener()
    broadcast = Broadcast(RUN, LEASE, sink)

    async def write() -> tuple[RunEvent, ...]:
        await gate.pass_through()
        return (CREATED,)

    task = asyncio.create_task(broadcast.record(write()))
    await gate.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.events == [CREATED]
    assert broadcast.message_id == "msg_1"


async def test_a_write_that_fails_publishes_nothing() -> None:
    sink = Listener()

    async def write() -> tuple[RunEvent, ...]:
        raise Fenced

    with pytest.raises(Fenced):
        await Broadcast(RUN, LEASE, sink).record(write())
    assert sink.events == []


async def test_text_goes_out_in_the_order_in_which_it_came() -> None:
    sink = Listener()
    broadcast = Broadcast(RUN, LEASE, sink)
    for text in ("a", "b"):
        broadcast.delta("msg_1", text)
    assert sink.events == [MessageDelta("msg_1", "a"), MessageDelta("msg_1", "b")]
