"""Periodic jobs: done in one process at a time, again and again, whoever dies."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import RunStatus
from bot.engine import EngineLimits, Jobs
from bot.engine.heartbeat import Heartbeat
from bot.engine.jobs import jobs_of
from bot.ports import Store
from tests.store.tampering import expire
from tests.support.engine_doubles import QUICK, Bench, Gate, RealClock, ScriptedClient, ShiftedClock, say, until

OFTEN = QUICK.model_copy(update={"expire_every": 0.01, "clean_every": 1000.0, "job_look": 0.01})
Piece = Callable[[], Awaitable[int]]


async def _nothing_to_do(*_: object) -> int:
    return 0


class Chores:
    """An `Upkeep` whose pieces of work the test gives; the others have nothing to do."""

    def __init__(self, **pieces: Piece) -> None:
        self.done: list[str] = []
        self._pieces = pieces

    def __getattr__(self, name: str) -> Callable[..., Awaitable[int]]:
        async def piece(*_arguments: object) -> int:
            self.done.append(name)
            return await self._pieces.get(name, _nothing_to_do)()

        return piece


def with_chores(store: Store, chores: Chores) -> Store:
    class Other:
        def __getattr__(self, name: str) -> object:
            return chores if name == "upkeep" else getattr(store, name)

    return Other()  # type: ignore[return-value]


def process(store: Store, chores: Chores, limits: EngineLimits = OFTEN, retention_days: int | None = None) -> Bench:
    """A process that does nothing but jobs."""
    bench = Bench(store, ScriptedClient(), limits=limits)
    jobs = Jobs(with_chores(store, chores), bench.clock, limits, retention_days)
    bench.process = bench.doing(jobs)
    return bench


class TestOneProcess:
    async def test_two_processes_never_do_the_same_job_at_the_same_time(self, store: Store) -> None:
        going_on, most = 0, 0
        enough = asyncio.Event()

        async def piece() -> int:
            nonlocal going_on, most
            going_on += 1
            most = max(most, going_on)
            await store.runs.get("run_none")  # long enough for others to try
            going_on -= 1
            if all(chores.done.count("wake_expired") >= 10 for chores in both):
                enough.set()
            return 0

        both = [Chores(wake_expired=piece), Chores(wake_expired=piece)]
        async with process(store, both[0]).working(), process(store, both[1]).working():
            await enough.wait()
        assert most == 1

    async def test_the_job_of_a_dead_process_is_taken_over(self, store: Store, database_url: str) -> None:
        await store.workers.enrol("dead", "worker")
        (duty,) = await store.duties.take("dead", ["job:expire"], 1)
        done = asyncio.Event()

        async def piece() -> int:
            done.set()
            return 0

        chores = Chores(wake_expired=piece)
        async with process(store, chores).working():
            await until(lambda: _has(chores, "forget_keys", "forget_files"))
            assert not done.is_set()
            await expire(database_url, duty.worker_id)
            await done.wait()

    async def test_a_process_that_ends_lets_another_one_go_on_at_once(self, store: Store) -> None:
        gate, done = Gate(), asyncio.Event()

        async def much() -> int:
            gate.reached.set()
            await store.runs.get("run_none")
            return 1

        async def piece() -> int:
            done.set()
            return 0

        limits = OFTEN.model_copy(update={"expire_every": 1000.0})
        work = asyncio.create_task(process(store, Chores(forget_keys=much), limits).run())
        await gate.reached.wait()
        work.cancel()
        await asyncio.wait([work])
        async with process(store, Chores(forget_keys=piece), limits).working():
            await done.wait()

    async def test_a_job_is_broken_off_when_the_lease_is_lost(self, store: Store) -> None:
        gate, broken = Gate(), asyncio.Event()

        async def hangs() -> int:
            try:
                await gate.pass_through()
            finally:
                broken.set()
            return 0

        bench = process(store, Chores(wake_expired=hangs))
        async with bench.working():
            await gate.reached.wait()
            enrolment = bench.control._enrolment
            assert enrolment is not None
            await store.workers.leave(enrolment.worker_id)
            await broken.wait()
            gate.open.set()

    async def test_nothing_is_gone_on_with_or_taken_after_the_lease_is_over(self, store: Store) -> None:
        """Another process may do it already."""
        rests = asyncio.Event()

        class Clock(ShiftedClock):
            async def sleep(self, seconds: float) -> None:
                rests.set()
                await super().sleep(seconds)

        async def freezes() -> int:
            clock.shift += OFTEN.lease
            return 1

        clock, chores = Clock(), Chores(wake_expired=freezes)
        enrolment = Heartbeat(store.workers, clock, OFTEN, "frozen", "worker")
        await enrolment.enrol()
        work = asyncio.create_task(Jobs(with_chores(store, chores), clock, OFTEN).work(enrolment))
        await asyncio.wait_for(rests.wait(), 10)
        work.cancel()
        await asyncio.wait([work])
        assert chores.done == ["wake_expired"]
        await store.workers.enrol("peer", "worker")
        taken = await store.duties.take("peer", ["job:keys", "job:files"], 2)
        assert {duty.name for duty in taken} == {"job:keys", "job:files"}


class TestRhythm:
    async def test_a_job_goes_on_until_nothing_is_left_and_then_rests(self, store: Store) -> None:
        left = 5

        async def piece() -> int:
            nonlocal left
            left = max(left - 1, 0)
            return left

        chores = Chores(forget_keys=piece)
        async with process(store, chores).working():
            await until(lambda: _has(chores, "forget_keys"))
            await until(lambda: _rests(chores))
        assert chores.done.count("forget_keys") == 5

    async def test_a_job_that_fails_is_logged_and_keeps_the_others_from_nothing(self, store: Store) -> None:
        async def fails() -> int:
            raise RuntimeError

        chores = Chores(forget_keys=fails)
        with structlog.testing.capture_logs() as logs:
            async with process(store, chores).working():
                await until(lambda: _has(chores, "forget_keys", "forget_files"))
                seen = len(chores.done)
                await until(lambda: _longer_than(chores, seen + 3))
        assert [entry["job"] for entry in logs if entry["event"] == "job failed"] == ["job:keys"]
        assert chores.done.count("forget_keys") == 1

    async def test_an_idle_process_sleeps_until_the_next_job_is_due(self, store: Store) -> None:
        slept: list[float] = []

        class Sleeper(RealClock):
            async def sleep(self, seconds: float) -> None:
                slept.append(seconds)
                await asyncio.Event().wait()

        takes = 0
        take = store.duties.take

        async def counted(worker_id: str, names: list[str], limit: int) -> object:
            nonlocal takes
            takes += 1
            return await take(worker_id, names, limit)

        store.duties.take = counted  # type: ignore[method-assign,assignment]
        jobs = Jobs(store, Sleeper(), EngineLimits(), retention_days=30)
        bench = Bench(store, ScriptedClient())
        bench.process = bench.doing(jobs)
        async with bench.working():
            await until(lambda: _any(slept))
        assert takes == 4
        assert 10.0 < slept[0] <= 15.0

    async def test_a_job_that_is_never_at_its_end_lets_others_have_their_turn(self, sqlite_store: Store) -> None:
        async def endless() -> int:
            return 1

        chores = Chores(wake_expired=endless)
        async with process(sqlite_store, chores, QUICK).working():
            await until(lambda: _has(chores, "forget_files"))

    def test_threads_are_kept_for_ever_unless_a_retention_is_set(self, sqlite_store: Store) -> None:
        names = [job.name for job in jobs_of(sqlite_store.upkeep, EngineLimits(), None)]
        assert names == ["job:expire", "job:keys", "job:files"]
        assert jobs_of(sqlite_store.upkeep, EngineLimits(), 30)[-1].name == "job:threads"

    @pytest.mark.parametrize(("call", "age"), [("forget_keys", 604_800.0), ("forget_files", 86_400.0)])
    async def test_what_is_forgotten_has_its_age(self, sqlite_store: Store, call: str, age: float) -> None:
        ages: dict[str, float] = {}

        class Ages:
            def __getattr__(self, name: str) -> Callable[[float], Awaitable[int]]:
                async def forget(seconds: float) -> int:
                    ages[name] = seconds
                    return 0

                return forget

        for job in jobs_of(Ages(), EngineLimits(), 30)[1:]:  # type: ignore[arg-type]
            await job.once()
        assert ages[call] == age
        assert ages["forget_threads"] == 30 * 86_400.0


class TestExpiry:
    async def test_a_run_that_rests_beyond_its_time_ends_as_expired_and_is_delivered(self, store: Store) -> None:
        accepted = await say(store, "Hi", lifetime=2)
        await store.workers.enrol("earlier", "worker")
        (lease,) = await store.lanes.claim("earlier", 1)
        await store.runs.start(lease, accepted.run_id)
        await store.runs.postpone(lease, accepted.run_id, 1000.0)
        assert await store.lanes.next_work(lease) is None
        await store.workers.leave("earlier")
        limits = QUICK.model_copy(update={"expire_every": 0.05})
        bench = Bench(store, ScriptedClient(), limits=limits)
        bench.process = bench.doing(bench.lanes(), Jobs(store, bench.clock, limits))
        async with bench.working():
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.EXPIRED
        delivery = await store.deliveries.get(accepted.run_id)
        assert delivery is not None
        assert delivery.state is DeliveryState.DELIVERED


async def _has(chores: Chores, *names: str) -> bool:
    return {*names} <= {*chores.done}


async def _longer_than(chores: Chores, count: int) -> bool:
    return len(chores.done) > count


async def _rests(chores: Chores) -> bool:
    """Something else was done since the keys."""
    return chores.done[-1] != "forget_keys"


async def _any(values: list[float]) -> bool:
    return bool(values)
