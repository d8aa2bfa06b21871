"""Whatever order things happen in, and whoever dies: no run is lost, done twice or out of order."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from bot.domain.deliveries import DeliveryState
from bot.domain.ids import new_id
from bot.domain.lanes import Lease, Work
from bot.domain.runs import RunStatus
from bot.domain.steps import Decision, Effect
from bot.domain.turns import FinishReason
from bot.errors import Fenced
from bot.ports import Ending
from bot.store import open_store
from tests.store.scene import Scene, a_call, a_result
from tests.store.tampering import an_engine
from tests.support.databases import copied_sqlite, empty_postgres

T = TypeVar("T")
ENDED = Ending(RunStatus.FAILED)  # legal from every status in which a run is given out
THREADS = st.sampled_from(["A", "B", "C"])
SLOTS = st.integers(0, 2)
OUTCOMES = st.lists(st.sampled_from(["finish", "begin", "postpone", "ask"]), min_size=1, max_size=4)
ACTIONS = st.one_of(
    st.tuples(st.just("accept"), THREADS),
    st.tuples(st.just("work"), SLOTS, OUTCOMES),
    st.tuples(st.just("claim"), SLOTS, st.integers(1, 3)),
    st.tuples(st.just("end"), SLOTS, st.sampled_from(["crash", "crash", "leave", "retire"])),
    st.tuples(st.just("beat"), SLOTS),
    st.tuples(st.sampled_from(["stop", "decide"]), THREADS),
    st.tuples(st.just("haunt")),
)
QUIET = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # to shrink an example takes minutes here
    database=None,
)
_ALIVE = "UPDATE workers SET expires_at = expires_at + 3600 WHERE expires_at > 1"
_DEAD = "UPDATE workers SET expires_at = 1 WHERE id = :id"
_OWNERS = "SELECT thread_id, owner, fence FROM lanes"


@dataclass
class Process:
    """One worker as it sees itself."""

    worker: str = field(default_factory=lambda: new_id("worker_"))
    retired: bool = False
    leases: dict[str, Lease] = field(default_factory=dict[str, Lease])


@dataclass
class Ghost:
    """A lease that somebody still believes in. It is void as soon as a living process has freed the lane."""

    lease: Lease
    void: bool


class LaneMachine(RuleBasedStateMachine):
    """Three processes and three conversations."""

    def __init__(self, fresh: Callable[[], tuple[str, Path]]) -> None:
        super().__init__()
        self.url, self.folder = fresh()
        self.runner = asyncio.Runner()
        self.open = AsyncExitStack()
        self.accepted: defaultdict[str, list[str]] = defaultdict(list)
        self.finished: defaultdict[str, list[str]] = defaultdict(list)
        self.names: dict[str, str] = {}  # by thread
        self.fences: dict[str, int] = {}
        self.resting: dict[str, str] = {}
        self.undecided: dict[str, tuple[str, str]] = {}
        self.ghosts: list[Ghost] = []
        self.do(self.enter())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def enter(self) -> None:
        self.store = await self.open.enter_async_context(open_store(self.url, self.folder))
        self.engine = await self.open.enter_async_context(an_engine(self.url))
        self.processes = [await self.fresh_process() for _ in range(3)]

    async def fresh_process(self) -> Process:
        process = Process()
        await self.store.workers.enrol(process.worker, "all")
        return process

    @rule(action=ACTIONS)
    def act(self, action: tuple[Any, ...]) -> None:
        """One rule for all: of several, Hypothesis leaves some out in most examples, and here all belong together."""
        name, *arguments = action
        getattr(self, name)(*arguments)

    # --- people ---

    def accept(self, thread: str) -> None:
        said = self.do(Scene(self.store).say("Hi", thread))
        assert said.ahead == len(self.accepted[thread]) - len(self.finished[thread])
        self.accepted[thread].append(said.run_id)
        self.names[said.thread_id] = thread

    def stop(self, thread: str) -> None:
        if run_id := self.resting.pop(thread, None):
            assert self.do(self.store.runs.request_cancel(run_id)) is RunStatus.CANCELLING

    def decide(self, thread: str) -> None:
        if thread in self.undecided:
            run_id, interruption = self.undecided.pop(thread)
            assert self.do(self.store.runs.decide(run_id, interruption, Decision.WORKED))
            assert not self.do(self.store.runs.decide(run_id, interruption, Decision.AGAIN))

    # --- processes ---

    def claim(self, slot: int, limit: int) -> None:
        process = self.processes[slot]
        leases = self.do(self.store.lanes.claim(process.worker, limit))
        assert len(leases) <= (0 if process.retired else limit)
        for lease in leases:
            assert not any(lease.thread_id in living.leases for living in self.processes)
            assert lease.fence > self.fences.get(lease.thread_id, 0)
            process.leases[lease.thread_id] = lease

    def work(self, slot: int, outcomes: list[str]) -> None:
        """On one lane for a while: often nothing is due in the end, and the lane is free."""
        process = self.processes[slot]
        if not process.leases:
            self.claim(slot, 3)
        for outcome in outcomes:
            for lease in sorted(process.leases.values(), key=lambda one: self.names[one.thread_id])[:1]:
                self.do(self.work_on(process, lease, outcome))

    async def work_on(self, process: Process, lease: Lease, outcome: str) -> None:
        thread = self.names[lease.thread_id]
        work = await self.next_work(lease)
        if work is None:
            self.ghosts.append(Ghost(process.leases.pop(lease.thread_id), void=True))
            assert self.accepted[thread] == self.finished[thread] or thread in (self.resting | self.undecided)
            return
        run_id = work.run.id
        if outcome == "finish":
            await self.finish(lease, work)
        elif outcome == "begin":
            await self.store.runs.start(lease, run_id)
        elif outcome == "postpone" and work.run.status is not RunStatus.CANCELLING:
            await self.store.runs.postpone(lease, run_id, 1000)
            self.resting[thread] = run_id
        elif outcome == "ask" and work.run.status is RunStatus.QUEUED and not await self.store.runs.calls(run_id):
            self.undecided[thread] = run_id, await self.ask(lease, run_id)

    async def next_work(self, lease: Lease) -> Work | None:
        work = await self.store.lanes.next_work(lease)
        if work is not None:
            thread = self.names[lease.thread_id]
            assert work.run.id == self.accepted[thread][len(self.finished[thread])]
            assert thread not in self.resting | self.undecided
        return work

    async def finish(self, lease: Lease, work: Work) -> None:
        await self.store.runs.end(lease, work.run.id, ENDED)
        await self.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
        self.finished[self.names[lease.thread_id]].append(work.run.id)

    async def ask(self, lease: Lease, run_id: str) -> str:
        """Let the run wait for a person's word about a call."""
        runs = self.store.runs
        await runs.start(lease, run_id)
        turn = await runs.begin_turn(lease, run_id)
        await runs.finish_turn(lease, turn, a_result("", FinishReason.TOOL_CALLS), [a_call(effect=Effect.ONCE)])
        (call,) = await runs.calls(run_id)
        await runs.begin_call(lease, call)
        (begun,) = await runs.calls(run_id)
        assert await runs.wait_for_decision(lease, begun)
        return begun.interruption

    def beat(self, slot: int) -> None:
        present = self.do(self.store.workers.beat(self.processes[slot].worker))
        assert present.workers == sum(not process.retired for process in self.processes)
        for ghost in self.ghosts:
            ghost.void = True

    def end(self, slot: int, how: str) -> None:
        process = self.processes[slot]
        if how == "crash":
            self.do(self.sql(_DEAD, id=process.worker))
            self.replace(slot, void=False)
        elif how == "leave" or process.retired:
            assert self.do(self.store.workers.leave(process.worker)) == len(process.leases)
            self.replace(slot, void=True)
        else:
            self.do(self.store.workers.retire(process.worker))
            process.retired = True

    def replace(self, slot: int, *, void: bool) -> None:
        """Another process starts in its place."""
        self.ghosts += [Ghost(lease, void) for lease in self.processes[slot].leases.values()]
        self.processes[slot] = self.do(self.fresh_process())

    def haunt(self) -> None:
        """Processes that were only frozen go on, under the leases that they had."""
        for lease in [ghost.lease for ghost in self.ghosts if ghost.void][-2:]:
            self.haunt_with(lease, self.accepted[self.names[lease.thread_id]][-1])

    def haunt_with(self, lease: Lease, run_id: str) -> None:
        for write in (
            self.store.lanes.next_work(lease),
            self.store.runs.start(lease, run_id),
            self.store.runs.postpone(lease, run_id, 9),
            self.store.runs.end(lease, run_id, ENDED),
            self.store.deliveries.begin_segment(lease, run_id),
            self.store.deliveries.close(lease, run_id, DeliveryState.ABANDONED),
        ):
            with pytest.raises(Fenced):
                self.do(write)

    # --- what is always so ---

    async def sql(self, statement: str, **parameters: object) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    @invariant()
    def owners_are_who_believes_it_and_fences_only_grow(self) -> None:
        for thread_id, owner, fence in self.do(self.owners()):
            holders = [living for living in self.processes if thread_id in living.leases]
            assert [(living.worker, living.leases[thread_id].fence) for living in holders] in ([], [(owner, fence)])
            assert fence >= self.fences.get(thread_id, 0)
            self.fences[thread_id] = fence

    async def owners(self) -> list[tuple[str, str | None, int]]:
        """Who owns which lane. And nobody who lives is to die because a test is slow."""
        async with self.engine.begin() as connection:
            await connection.execute(text(_ALIVE))
            return [tuple(row) for row in await connection.execute(text(_OWNERS))]

    def teardown(self) -> None:
        try:
            self.do(self.drain())
            assert self.finished == self.accepted
        finally:
            self.do(self.open.aclose())
            self.runner.close()

    async def drain(self) -> None:
        """Everybody dies; what waits for people gets its word; a new process finishes what is left."""
        for process in self.processes:
            await self.sql(_DEAD, id=process.worker)
        for run_id, interruption in self.undecided.values():
            assert await self.store.runs.decide(run_id, interruption, Decision.SKIP)
        for run_id in self.resting.values():
            await self.store.runs.request_cancel(run_id)
        self.resting, self.undecided = {}, {}
        last = await self.fresh_process()
        await self.store.workers.beat(last.worker)
        while leases := await self.store.lanes.claim(last.worker, 5):
            for lease in leases:
                while work := await self.next_work(lease):
                    await self.finish(lease, work)


def test_lanes_lose_nothing_on_sqlite(migrated_sqlite: Path, tmp_path: Path) -> None:
    numbers = count()

    def fresh() -> tuple[str, Path]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return copied_sqlite(migrated_sqlite, folder), folder

    run_state_machine_as_test(lambda: LaneMachine(fresh), settings=settings(QUIET, max_examples=25))


@pytest.mark.postgres
def test_lanes_lose_nothing_on_postgres(emptied_postgres: str, tmp_path: Path) -> None:
    def fresh() -> tuple[str, Path]:
        empty_postgres(emptied_postgres)
        return emptied_postgres, tmp_path

    run_state_machine_as_test(lambda: LaneMachine(fresh), settings=settings(QUIET, max_examples=10))
