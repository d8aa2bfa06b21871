"""The life of a worker process: lanes claimed, kept, lost, drained and handed back."""

import asyncio

import pytest

from bot.domain.deliveries import DeliveryState
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import Effect
from bot.domain.turns import TextDelta
from bot.errors import StoreUnavailable, Unreachable
from bot.ports import Store
from tests.support.engine_doubles import (
    QUICK,
    Bench,
    Gate,
    RealClock,
    ScriptedClient,
    ShiftedClock,
    SmallToolbox,
    calls,
    say,
    text,
    until,
    waits_at,
)


class TestFence:
    async def test_a_worker_that_lost_its_lane_writes_nothing_and_another_one_answers(self, store: Store) -> None:
        gate = Gate()
        old = Bench(store, ScriptedClient([TextDelta("old "), gate, *text("text")]))
        new = Bench(store, ScriptedClient(text("new text")))
        accepted = await say(store, "Hi")
        async with old.working():
            await gate.reached.wait()
            await store.workers.leave(old.outlet.leases[0].worker_id)
            async with new.working():
                await new.outlet.end_of(accepted.run_id)
                gate.open.set()
                await until(lambda: _idle(old))
        assert old.outlet.ended == []
        texts = [(message.text, message.superseded) for message in await store.runs.messages(accepted.run_id)]
        assert texts == [("", True), ("new text", False)]

    async def test_a_worker_whose_row_is_gone_enrols_anew_and_goes_on(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient([TextDelta("a"), gate], text("again")))
        accepted = await say(store, "Hi")
        async with bench.working():
            await gate.reached.wait()
            await store.workers.leave(bench.outlet.leases[0].worker_id)
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED
        workers = [lease.worker_id for lease in bench.outlet.leases]
        assert len(set(workers)) == len(workers) == 2

    async def test_a_process_that_slept_longer_than_the_lease_gives_its_work_up(self, sqlite_store: Store) -> None:
        gate, clock = Gate(), ShiftedClock()
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate], text("again")), clock=clock)
        accepted = await say(sqlite_store, "Hi")
        async with bench.working() as control:
            await gate.reached.wait()
            assert control.alive
            clock.shift = 10.0
            assert not control.alive
            await bench.outlet.end_of(accepted.run_id)
            assert control.alive
        assert not control.alive
        assert len({lease.worker_id for lease in bench.outlet.leases}) == 2

    async def test_nothing_can_be_lost_before_an_engine_has_enrolled(self, sqlite_store: Store) -> None:
        assert Bench(sqlite_store, ScriptedClient()).control.alive

    async def test_a_worker_whose_row_is_gone_is_not_alive_until_it_has_enrolled_anew(
        self, sqlite_store: Store
    ) -> None:
        gate = Gate()
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate], text("again")))
        seen: list[bool] = []
        lanes = sqlite_store.lanes

        class Watched:
            async def enrol(self, worker_id: str, role: str) -> None:
                seen.append(bench.control.alive)
                await workers.enrol(worker_id, role)
                seen.append(bench.control.alive)

            def __getattr__(self, name: str) -> object:
                return getattr(lanes, name)

        bench.engine = type(bench.engine)(
            _with_lanes(sqlite_store, Watched()),
            bench.model,
            bench.toolbox,
            bench.outlet,
            RealClock(),
            bench.control,
            QUICK,
        )
        accepted = await say(sqlite_store, "Hi")
        async with bench.working() as control:
            await gate.reached.wait()
            await workers.leave(bench.outlet.leases[0].worker_id)
            await bench.outlet.end_of(accepted.run_id)
            assert control.alive
        assert seen == [True, True, False, False]


class TestStopping:
    async def test_running_work_is_finished_before_the_process_ends(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient([TextDelta("a"), gate, *text("b")]))
        accepted = await say(store, "Hi")
        waiting = await say(store, "Next in the same thread")
        work = asyncio.create_task(bench.engine.run())
        await gate.reached.wait()
        work.cancel()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert [run.id for run in bench.outlet.ended] == [accepted.run_id]
        run = await store.runs.get(waiting.run_id)
        assert run is not None
        assert run.status is RunStatus.QUEUED

    async def test_what_takes_too_long_is_handed_to_the_next_process_at_once(self, store: Store) -> None:
        limits = QUICK.model_copy(update={"drain": 0.0})
        gate = Gate()
        old = Bench(store, ScriptedClient([TextDelta("a"), gate]), limits=limits)
        accepted = await say(store, "Hi")
        async with old.working():
            await gate.reached.wait()
        new = Bench(store, ScriptedClient(text("b")))
        async with new.working():
            run = await new.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED

    async def test_a_second_signal_cuts_the_wait_short(self, sqlite_store: Store) -> None:
        gate = Gate()
        limits = QUICK.model_copy(update={"drain": 1000.0})
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate]), limits=limits)
        await say(sqlite_store, "Hi")
        work = asyncio.create_task(bench.engine.run())
        await gate.reached.wait()
        work.cancel()
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    async def test_a_tool_may_finish_during_the_drain(self, sqlite_store: Store) -> None:
        gate = Gate()
        toolbox = SmallToolbox(order=(Effect.ONCE, waits_at(gate, "ordered")))
        bench = Bench(sqlite_store, ScriptedClient(calls(("order", {})), text("Done")), toolbox)
        await say(sqlite_store, "Hi")
        work = asyncio.create_task(bench.engine.run())
        await gate.reached.wait()
        work.cancel()
        gate.open.set()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert [run.status for run in bench.outlet.ended] == [RunStatus.COMPLETED]


class TestBoundaries:
    async def test_an_unforeseen_error_ends_the_run_and_is_still_delivered(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient(text("never"), text("Fine")))

        async def broken(_work: Work, _lease: Lease) -> None:
            if not bench.outlet.ended:
                raise RuntimeError("a secret detail")

        bench.outlet.before = broken
        first = await bench.answer("Hi")
        assert first.status is RunStatus.FAILED
        assert first.last_error is not None
        assert first.last_error.code == "server_error"
        assert "secret" not in first.last_error.message
        assert (await bench.answer("Again")).status is RunStatus.COMPLETED

    async def test_a_delivery_that_fails_is_tried_again(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient(text("Hello")))
        tries = 0

        async def unreachable(_run: Run) -> None:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise Unreachable

        bench.outlet.at_end = unreachable
        with bench.model.used_up():
            run = await bench.answer("Hi")
        delivery = await store.deliveries.get(run.id)
        assert delivery is not None
        assert (tries, delivery.state) == (3, DeliveryState.DELIVERED)

    async def test_a_delivery_that_never_works_is_abandoned_and_frees_the_thread(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"deliveries": 2, "delivery_delay": 0.0})
        bench = Bench(sqlite_store, ScriptedClient(text("One"), text("Two")), limits=limits)
        first = await say(sqlite_store, "One")
        second = await say(sqlite_store, "Two")

        async def broken(run: Run) -> None:
            if run.id == first.run_id:
                raise RuntimeError

        bench.outlet.at_end = broken
        async with bench.working():
            await bench.outlet.end_of(second.run_id)
        delivery = await sqlite_store.deliveries.get(first.run_id)
        assert delivery is not None
        assert delivery.state is DeliveryState.ABANDONED

    async def test_a_database_outage_during_a_run_only_delays_it(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(text("Hello")))
        out = True

        async def outage(_work: Work, _lease: Lease) -> None:
            nonlocal out
            if out:
                out = False
                raise StoreUnavailable

        bench.outlet.before = outage
        run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED

    async def test_a_run_that_ended_before_a_crash_is_only_delivered(self, store: Store) -> None:
        first = Bench(store, ScriptedClient(text("Hello")), limits=QUICK.model_copy(update={"drain": 0.0}))
        gate = Gate()

        async def hang(_run: Run) -> None:
            await gate.pass_through()

        first.outlet.at_end = hang
        accepted = await say(store, "Hi")
        async with first.working():
            await gate.reached.wait()
        second = Bench(store, ScriptedClient())
        async with second.working():
            run = await second.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED
        assert second.outlet.story(run.id) == []

    async def test_the_first_enrolment_must_work(self, sqlite_store: Store) -> None:
        class NoDatabase:
            async def enrol(self, worker_id: str, role: str) -> None:
                raise StoreUnavailable

        bench = Bench(sqlite_store, ScriptedClient())
        bench.engine = type(bench.engine)(
            _with_lanes(sqlite_store, NoDatabase()),
            bench.model,
            bench.toolbox,
            bench.outlet,
            RealClock(),
            bench.control,
            QUICK,
        )
        with pytest.raises(StoreUnavailable):
            await bench.engine.run()


async def _idle(bench: Bench) -> bool:
    return not bench.control.running


def _with_lanes(store: Store, lanes: object) -> Store:
    class Other:
        def __getattr__(self, name: str) -> object:
            return lanes if name == "lanes" else getattr(store, name)

    return Other()  # type: ignore[return-value]
