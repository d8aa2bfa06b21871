"""Which process keeps which connection, on both databases. Time passes only when a test turns the clock."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.domain.duties import Duty
from bot.domain.ids import new_id
from bot.domain.workers import Present
from bot.errors import OperatorError, StoreUnavailable
from bot.ports import Store
from bot.relay.connections import Connections
from bot.relay.share import BEYOND, CONNECT_WITHIN
from tests.store.tampering import expire
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter, Switchboard
from tests.support.reception import RecordingReception


class TurnedClock:
    """Implements `bot.ports.Clock`: whoever sleeps wakes when the test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleeping: list[asyncio.Event] = []
        self._changed = asyncio.Condition()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        alarm = asyncio.Event()
        self._sleeping.append(alarm)
        async with self._changed:
            self._changed.notify_all()
        try:
            await alarm.wait()
        finally:
            if alarm in self._sleeping:
                self._sleeping.remove(alarm)

    async def asleep(self, sleepers: int = 1) -> None:
        """Wait until so many sleep: everybody has looked."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self._sleeping) >= sleepers)

    async def turn(self, seconds: float = 1.0) -> None:
        """Let time pass, and wait until those who woke sleep again."""
        self.time += seconds
        alarms, self._sleeping = self._sleeping, []
        for alarm in alarms:
            alarm.set()
        await self.asleep(len(alarms))


@dataclass
class Enrolled:
    """Implements `bot.ports.Enrolment`."""

    worker_id: str
    present: Present
    fresh: bool = True


@dataclass
class Process:
    """One process that does nothing but keep connections."""

    store: Store
    adapters: Sequence[MemoryAdapter]
    pause: float = 5.0
    clock: TurnedClock = field(default_factory=TurnedClock)

    def __post_init__(self) -> None:
        self.connections = Connections(
            self.adapters, lambda _: RecordingReception(), self.store.duties, self.clock, self.pause
        )
        self.enrolment = Enrolled("", Present())
        self.task: asyncio.Task[None] | None = None

    @property
    def kept(self) -> list[str]:
        return [name for adapter in self.adapters for name in adapter.switchboard.kept_by(adapter)]

    @property
    def states(self) -> list[str]:
        return [*self.connections.states().values()]

    async def start(self) -> "Process":
        """Enrol and begin to work."""
        worker_id = new_id("worker_")
        self.enrolment = Enrolled(worker_id, await self.store.workers.enrol(worker_id, "gateway"))
        self.task = asyncio.create_task(self.connections.work(self.enrolment))
        return self

    async def look(self) -> None:
        """Beat, and look once at what is free."""
        self.enrolment.present = await self.store.workers.beat(self.enrolment.worker_id)
        await self.clock.asleep(len(self.adapters))
        await self.clock.turn()

    async def break_off(self) -> None:
        """Stop working, without a word to anybody."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def leave(self) -> None:
        """End as Heroku wants it."""
        await self.store.workers.retire(self.enrolment.worker_id)
        await self.connections.drain()
        await self.break_off()
        await self.store.workers.leave(self.enrolment.worker_id)


@dataclass
class Deployment:
    """Some processes on one database and one platform."""

    store: Store
    board: Switchboard
    processes: list[Process] = field(default_factory=list)

    async def join(self) -> Process:
        """One process more."""
        process = await Process(self.store, [MemoryAdapter(switchboard=self.board)]).start()
        self.processes.append(process)
        return process

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let all look, in turn, until it holds."""
        async with asyncio.timeout(10):
            while not condition():
                for process in self.processes:
                    await process.look()

    @property
    def all_kept(self) -> bool:
        return len(self.board.keepers) == len(self.board.names)

    @property
    def counts(self) -> list[int]:
        return [len(process.kept) for process in self.processes]


@asynccontextmanager
async def deployed(store: Store, connections: int = 1) -> AsyncIterator[Deployment]:
    board = Switchboard(tuple(f"memory:{number}" for number in range(connections)))
    deployment = Deployment(store, board)
    try:
        yield deployment
    finally:
        for process in deployment.processes:
            await process.break_off()
    assert board.overlaps == []


# --- shares


async def test_a_process_alone_keeps_everything_and_is_settled(store: Store) -> None:
    async with deployed(store, 3) as deployment:
        process = await deployment.join()
        await asyncio.wait_for(process.connections.settled.wait(), 10)
        assert (process.kept, process.states) == (["memory:0", "memory:1", "memory:2"], ["connected"])


@pytest.mark.parametrize(
    ("connections", "processes", "share"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (2, 3, 1), (3, 3, 1), (4, 3, 2), (5, 3, 2)]
)
async def test_everything_is_kept_and_nobody_keeps_more_than_a_fair_share(
    store: Store, connections: int, processes: int, share: int
) -> None:
    async with deployed(store, connections) as deployment:
        for _ in range(processes):
            await deployment.join()
            await deployment.until(lambda: deployment.all_kept and max(deployment.counts) <= share_of(deployment))
        assert max(deployment.counts) <= share
        assert sum(deployment.counts) == connections


def share_of(deployment: Deployment) -> int:
    return -(-len(deployment.board.names) // len(deployment.processes))


async def test_what_was_taken_first_is_kept_longest(store: Store) -> None:
    async with deployed(store, 2) as deployment:
        first = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        await deployment.join()
        await deployment.until(lambda: deployment.counts == [1, 1])
        assert first.kept == ["memory:0"]


async def test_whoever_finds_everything_kept_by_others_stands_by_and_is_settled(store: Store) -> None:
    async with deployed(store) as deployment:
        await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        second = await deployment.join()
        await asyncio.wait_for(second.connections.settled.wait(), 10)
        assert (second.kept, second.states) == ([], ["standing by"])


# --- taking over


@pytest.mark.parametrize("forget", [True, False])
async def test_what_a_dead_process_kept_is_taken_over(store: Store, database_url: str, *, forget: bool) -> None:
    async with deployed(store, 3) as deployment:
        dead = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        await deployment.join()
        await deployment.until(lambda: deployment.all_kept and max(deployment.counts) == 2)
        deployment.processes.remove(dead)
        await dead.break_off()
        await expire(database_url, dead.enrolment.worker_id, forget=forget)
        await deployment.until(lambda: deployment.counts == [3])


async def test_what_a_living_process_keeps_is_not_taken(store: Store) -> None:
    async with deployed(store, 2) as deployment:
        first = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        second = await deployment.join()
        for _ in range(3):
            await store.workers.beat(first.enrolment.worker_id)
            await second.look()
        assert (len(first.kept), second.kept) == (2, [])


async def test_a_process_that_drains_gives_up_at_once_while_it_lives(store: Store) -> None:
    async with deployed(store, 2) as deployment:
        first = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        second = await deployment.join()
        await store.workers.retire(first.enrolment.worker_id)
        await first.connections.drain()
        assert first.kept == []
        await second.look()
        await deployment.board.until(lambda: len(second.kept) == 2)
        await first.look()
        assert first.task is not None
        assert (first.task.done(), first.kept) == (False, [])


async def test_draining_does_not_wait_for_a_platform_that_does_not_answer(store: Store) -> None:
    async with deployed(store, 2) as deployment:
        deployment.board.troubles["memory:1"].append(asyncio.Event())
        first = await deployment.join()
        await deployment.board.until(lambda: "memory:1" in deployment.board.tries and len(first.kept) == 1)
        await store.workers.retire(first.enrolment.worker_id)
        async with asyncio.timeout(10):
            await first.connections.drain()
        second = await deployment.join()
        await deployment.board.until(lambda: len(second.kept) == 2)


async def test_whoever_has_drained_takes_nothing_any_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for a moment: a peer would come too late."""
    async with deployed(store, 2) as deployment:
        process = await deployment.join()
        await process.connections.drain()
        asked = taking(store, monkeypatch)
        await process.look()
        assert asked == []


async def test_what_is_being_taken_when_a_process_drains_is_given_up_unused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deployed(store, 2) as deployment:
        began, slow = asyncio.Event(), asyncio.Event()
        taking(store, monkeypatch, began, slow)
        first = await deployment.join()
        await asyncio.wait_for(began.wait(), 10)
        draining = asyncio.create_task(first.connections.drain())
        await asyncio.sleep(0)
        slow.set()
        await asyncio.wait_for(draining, 10)
        assert deployment.board.tries == ["connections"]
        second = await deployment.join()
        await deployment.until(lambda: len(second.kept) == 1)


def taking(store: Store, monkeypatch: pytest.MonkeyPatch, *turnstile: asyncio.Event) -> list[str]:
    """The workers that take from now on. Of two events the first is set by taking, and then the second waited for."""
    take, asked = store.duties.take, list[str]()

    async def noted(worker_id: str, names: Sequence[str], limit: int) -> tuple[Duty, ...]:
        asked.append(worker_id)
        taken = await take(worker_id, names, limit)
        for began, go_on in zip(turnstile[::2], turnstile[1::2], strict=True):
            began.set()
            await go_on.wait()
        return taken

    monkeypatch.setattr(store.duties, "take", noted)
    return asked


async def test_a_lost_enrolment_leaves_everything_and_the_next_one_begins_anew(store: Store) -> None:
    async with deployed(store, 2) as deployment:
        process = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        await process.break_off()
        assert deployment.board.keepers == {}
        await store.workers.leave(process.enrolment.worker_id)
        await process.start()
        await deployment.until(lambda: deployment.all_kept)


@pytest.mark.parametrize("seed", range(3))
async def test_no_connection_ever_has_two_keepers_whoever_comes_and_goes(
    store: Store, database_url: str, seed: int
) -> None:
    dice = random.Random(seed)
    async with deployed(store, 5) as deployment:
        for _ in range(12):
            if len(deployment.processes) < 2 or (len(deployment.processes) < 4 and dice.random() < 0.5):
                await deployment.join()
            else:
                process = deployment.processes.pop(dice.randrange(len(deployment.processes)))
                if dice.random() < 0.5:
                    await process.leave()
                else:
                    await process.break_off()
                    await expire(database_url, process.enrolment.worker_id)
            for process in dice.sample(deployment.processes, dice.randint(1, len(deployment.processes))):
                await process.look()
        await deployment.until(lambda: deployment.all_kept and max(deployment.counts) <= share_of(deployment))


# --- trouble


@pytest.mark.parametrize("where", ["connections", "memory:0"])
async def test_a_refused_token_ends_the_work(store: Store, where: str) -> None:
    async with deployed(store) as deployment:
        deployment.board.troubles[where].append(OperatorError("MEMORY_TOKEN is refused."))
        process = await deployment.join()
        assert process.task is not None
        with pytest.raises(OperatorError, match="MEMORY_TOKEN"):
            await asyncio.wait_for(process.task, 10)


async def test_a_token_that_is_refused_later_ends_the_work(store: Store) -> None:
    async with deployed(store) as deployment:
        process = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        deployment.board.gone["memory:0"].set_exception(OperatorError("MEMORY_TOKEN is refused."))
        assert process.task is not None
        with pytest.raises(OperatorError, match="MEMORY_TOKEN"):
            await asyncio.wait_for(process.task, 10)


@pytest.mark.parametrize("where", ["connections", "far"])
async def test_a_platform_that_does_not_answer_keeps_no_other_waiting(store: Store, where: str) -> None:
    answers = asyncio.Event()
    near, far = Switchboard(("near",)), Switchboard(("far",))
    far.troubles[where].append(answers)
    process = await Process(store, [on("near", near), on("far", far)]).start()
    await near.until(lambda: "near" in near.keepers)
    await far.until(lambda: where in far.tries)
    assert process.connections.states() == {"near": "connected", "far": "connecting"}
    assert not process.connections.settled.is_set()
    answers.set()
    await asyncio.wait_for(process.connections.settled.wait(), 10)
    assert process.connections.states() == {"near": "connected", "far": "connected"}
    await process.break_off()


async def test_what_a_peer_never_comes_for_is_kept_by_whoever_does(store: Store) -> None:
    """A process can live, and count, without getting anywhere."""
    async with deployed(store, 2) as deployment:
        idle = new_id("worker_")
        await store.workers.enrol(idle, "gateway")
        process = await deployment.join()
        await process.look()
        assert len(process.kept) == 1
        for _ in range(int(BEYOND) + 1):
            await store.workers.beat(idle)
            await process.look()
        await deployment.board.until(lambda: len(process.kept) == 2)


async def test_what_does_not_become_ready_at_one_process_is_left_to_another(store: Store) -> None:
    async with deployed(store) as deployment:
        deployment.board.troubles["memory:0"].append(asyncio.Event())  # which nobody sets
        stuck = await deployment.join()
        await deployment.board.until(lambda: "memory:0" in deployment.board.tries)
        able = await deployment.join()
        for _ in range(int(CONNECT_WITHIN) + 2):
            await stuck.look()
            await able.look()
        await deployment.board.until(lambda: able.kept == ["memory:0"])
        assert stuck.states == ["standing by"]


async def test_a_process_alone_is_in_no_hurry_to_become_ready(store: Store) -> None:
    async with deployed(store) as deployment:
        answers = asyncio.Event()
        deployment.board.troubles["memory:0"].append(answers)
        process = await deployment.join()
        for _ in range(2 * int(CONNECT_WITHIN)):
            await process.look()
        answers.set()
        await deployment.board.until(lambda: process.kept == ["memory:0"])
        assert deployment.board.tries.count("memory:0") == 1


def on(platform: str, board: Switchboard) -> MemoryAdapter:
    return MemoryAdapter(capabilities=CAPABILITIES.model_copy(update={"platform": platform}), switchboard=board)


@pytest.mark.parametrize("error", [RuntimeError("broken"), StoreUnavailable()])
async def test_a_connection_that_breaks_is_tried_again(store: Store, error: Exception) -> None:
    board = Switchboard()
    board.troubles["memory"].append(error)
    process = await Process(store, [MemoryAdapter(switchboard=board)], pause=0).start()
    await board.until(lambda: board.tries.count("memory") == 1)
    await Deployment(store, board, [process]).until(lambda: process.states == ["connected"])
    board.gone["memory"].set_exception(error)
    await Deployment(store, board, [process]).until(lambda: board.tries.count("memory") == 3)
    await process.break_off()


async def test_names_that_cannot_be_had_are_asked_for_again(store: Store) -> None:
    board = Switchboard()
    board.troubles["connections"].append(RuntimeError("broken"))
    process = await Process(store, [MemoryAdapter(switchboard=board)]).start()
    await process.clock.asleep()
    await process.clock.turn()
    await board.until(lambda: "memory" in board.keepers)
    await process.break_off()


async def test_a_connection_that_rests_after_it_broke_is_not_taken_for_one_that_others_keep(store: Store) -> None:
    """Or a process would call itself ready that nobody can talk to."""
    board = Switchboard()
    board.troubles["memory"].append(RuntimeError("broken"))
    process = await Process(store, [MemoryAdapter(switchboard=board)], pause=3600).start()
    await board.until(lambda: "memory" in board.tries)
    for _ in range(3):
        await process.look()
    assert process.states == ["connecting"]
    assert not process.connections.settled.is_set()
    await process.break_off()


async def test_a_store_that_is_away_for_a_moment_is_asked_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take, failures = store.duties.take, iter([StoreUnavailable()])

    async def fails_once(worker_id: str, names: Sequence[str], limit: int) -> tuple[Duty, ...]:
        for failure in failures:
            raise failure
        return await take(worker_id, names, limit)

    monkeypatch.setattr(store.duties, "take", fails_once)
    async with deployed(store) as deployment:
        await deployment.join()
        await deployment.until(lambda: deployment.all_kept)


async def test_a_conversation_that_is_over_is_no_error_and_not_begun_again(store: Store) -> None:
    async with deployed(store) as deployment:
        process = await deployment.join()
        await deployment.until(lambda: deployment.all_kept)
        deployment.board.gone["memory:0"].set_result(None)
        await deployment.until(lambda: process.states == ["over"])
        await process.look()
        assert process.kept == []
        assert process.task is not None
        assert not process.task.done()
