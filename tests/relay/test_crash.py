"""A writer that is abandoned between any two calls, and the one that goes on after it: one reply, whole, once."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.domain.deliveries import Address, DeliveryState
from bot.domain.lanes import Lease, Work
from bot.domain.runs import RunStatus
from bot.domain.steps import Decision
from bot.errors import Fenced
from bot.ports import Ending, Store
from bot.relay import Relay
from bot.relay.contract import Terms
from tests.support.figures import tell
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StoreControl, assistant_of, claim, enrolled, event

FIRST = "".join(f"This is sentence number {number} of the first part. " for number in range(9))
SECOND = "".join(f"And this is sentence number {number} of the second part. " for number in range(9))
EXPECTED = f"{FIRST}{SECOND}".strip()


@dataclass
class Gate:
    """Lets so many calls begin or end, then holds the next one for ever, like a process that was killed there."""

    crash_at: int
    passed: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: str = "") -> None:
        self.passed += 1
        if self.passed > self.crash_at:
            self.reached.set()
            await asyncio.Event().wait()


class Gated:
    """Any part of the store, with a gate before and after each call."""

    def __init__(self, inner: Any, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._gate()
            result = await method(*args, **kwargs)
            await self._gate()
            return result

        return call


class GatedStore:
    """A store whose deliveries and conversations are behind a gate; the rest only reads."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store = store
        self.deliveries = Gated(store.deliveries, gate)
        self.intake = Gated(store.intake, gate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def attempt(store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, gate: Gate) -> None:
    """Execute the run as far as it is not executed yet, with a writer, as one process would."""
    adapter.gate = gate
    relay = Relay(
        GatedStore(store, gate),
        [adapter],
        SameEverywhere(await assistant_of(store)),
        FastClock(200),
        StoreControl(store),
    )
    async with relay.open(work, lease) as sink:
        run = await store.runs.get(work.run.id)
        assert run is not None
        if not run.ended:
            script = RunScript(store, lease, run, sink)
            if any(turn.state == "done" for turn in await store.runs.turns(run.id)):
                await sink.finish(await script.end(Ending(status=RunStatus.COMPLETED)))
                return
            await script.start()
            for text in (FIRST[:60], FIRST[60:], SECOND):
                await script.say(text)
                wanted = len(" ".join(adapter.texts)) + 20
                await shown(adapter, min(wanted, len(script.said) - 60))
            run = await script.complete()
        await sink.finish(run)


async def shown(adapter: MemoryAdapter, characters: int) -> None:
    await adapter.until(lambda: len(" ".join(adapter.texts)) >= characters)


async def crashed(store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, crash_at: int) -> bool:
    """Run until the gate holds. Returns False when there was nothing left to hold."""
    gate = Gate(crash_at)
    process = asyncio.create_task(attempt(store, adapter, work, lease, gate))
    crash = asyncio.create_task(gate.reached.wait())
    await asyncio.wait({process, crash}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    finished = process.done()
    if finished:
        await process
    process.cancel()
    crash.cancel()
    await asyncio.gather(process, crash, return_exceptions=True)
    adapter.gate = Gate(10**9)
    return not finished


async def resumed(store: Store, work: Work, lease: Lease) -> tuple[Work, Lease] | None:
    """The same work as the next process finds it; an interrupted turn is broken and asked again."""
    run = await store.runs.get(work.run.id)
    assert run is not None
    if not run.ended:
        for turn in await store.runs.turns(run.id):
            if turn.state == "started":
                await store.runs.break_turn(lease, turn, "crash")
    found = await store.lanes.next_work(lease)
    return None if found is None else (found, lease)


async def check(store: Store, worker: str, adapter: MemoryAdapter, crashes: list[int]) -> bool:
    """Crash at each of these points in turn, then go on to the end. Returns whether the first crash happened."""
    adapter.messages.clear()
    await store.workers.beat(worker)
    await store.intake.accept(event(room=f"room{random.random()}"), await assistant_of(store))
    work, lease = await claim(store, worker)
    happened = [await crashed(store, adapter, work, lease, point) for point in crashes[:1]]
    for point in [*crashes[1:], 10**9]:
        again = await resumed(store, work, lease)
        if again is None:
            break
        happened.append(await crashed(store, adapter, *again, point))
    assert " ".join(adapter.texts) == EXPECTED, crashes
    assert len({message.key for message in adapter.visible}) == len(adapter.visible)
    assert [[button.op for button in message.now.buttons] for message in adapter.visible[:-1]] == [[]] * (
        len(adapter.visible) - 1
    )
    assert "stop" not in [button.op for button in adapter.visible[-1].now.buttons]
    delivery = await store.deliveries.get(work.run.id)
    assert delivery is not None
    assert delivery.state is DeliveryState.DELIVERED
    with suppress(Fenced):  # given back already
        assert await store.lanes.next_work(lease) is None
    return happened[0]


class GrowingAdapter(MemoryAdapter):
    """Messages can only grow here, and are left for new ones all the time."""

    def terms(self, address: Address) -> Terms:
        return Terms(bucket=address.place["room"], life=0.0)


ROOMY = CAPABILITIES.model_copy(update={"max_segments": 40})


@pytest.mark.parametrize("growing", [False, True])
async def test_a_crash_between_any_two_calls_leaves_one_whole_reply(sqlite_store: Store, *, growing: bool) -> None:
    further = "memory:opened"
    adapter = (
        GrowingAdapter(ROOMY, further_conversation=further) if growing else MemoryAdapter(further_conversation=further)
    )
    worker = await enrolled(sqlite_store)
    point = 0
    while await check(sqlite_store, worker, adapter, [point]):
        point += 1
    tell(f"relay: crashed at {point} different points")
    assert point >= 30


@pytest.mark.parametrize("seed", range(4))
async def test_several_crashes_in_a_row_leave_one_whole_reply(sqlite_store: Store, seed: int) -> None:
    adapter = GrowingAdapter(ROOMY) if seed % 2 else MemoryAdapter(further_conversation="memory:opened")
    worker = await enrolled(sqlite_store)
    dice = random.Random(seed)
    for _ in range(8):
        await check(sqlite_store, worker, adapter, [dice.randrange(40), dice.randrange(25), dice.randrange(12)])


@dataclass
class Freezing:
    """Implements `bot.ports.RunControl` for a process that loses its lanes after so many looks."""

    store: Store
    looks: int
    workers: int = 1

    @property
    def alive(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    async def cancel(self, run_id: str) -> RunStatus | None:
        return await self.store.runs.request_cancel(run_id)

    async def decide(self, run_id: str, call: str, decision: Decision, by: str = "") -> bool:
        return await self.store.runs.decide(run_id, call, decision, by)


async def spoken(store: Store, adapter: MemoryAdapter, work: Work, lease: Lease, control: Freezing) -> None:
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), FastClock(200), control)
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        for text in (FIRST, SECOND):
            await script.say(text)
        await sink.finish(await script.complete())


async def test_a_process_that_was_frozen_before_any_request_makes_no_further_one(sqlite_store: Store) -> None:
    adapter = MemoryAdapter()
    worker = await enrolled(sqlite_store)
    fenced, looks = True, 0
    while fenced:
        adapter.messages.clear()
        adapter.calls.clear()
        await sqlite_store.workers.beat(worker)
        await sqlite_store.intake.accept(event(room=f"frozen{looks}"), await assistant_of(sqlite_store))
        work, lease = await claim(sqlite_store, worker)
        try:
            await spoken(sqlite_store, adapter, work, lease, Freezing(sqlite_store, looks))
            fenced = False
        except Fenced:
            assert len(adapter.calls) == looks
            again = await resumed(sqlite_store, work, lease)
            assert again is not None
            await attempt(sqlite_store, adapter, *again, Gate(10**9))
        assert " ".join(adapter.texts) == EXPECTED, looks
        with suppress(Fenced):
            await sqlite_store.lanes.next_work(lease)
        looks += 1
    assert looks > 4
