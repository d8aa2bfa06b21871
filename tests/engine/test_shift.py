"""The life of a worker process: lanes claimed, kept, lost, drained and handed back."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import cast

import pytest
import structlog

from bot.domain.deliveries import DeliveryState
from bot.domain.events import RunEvent
from bot.domain.lanes import Lease, Work
from bot.domain.runs import Run, RunStatus
from bot.domain.steps import Effect, ToolCall
from bot.domain.turns import TextDelta
from bot.domain.workers import Present, Role
from bot.errors import Fenced, SettingsError, StoreUnavailable, Unreachable
from bot.ports import Enrolment, Store
from tests.support.engine_doubles import (
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    ShiftedClock,
    SmallToolbox,
    calls,
    gives,
    say,
    text,
    until,
    waits_at,
)


class Recorded:
    """An activity that keeps what happens to it; its drain stops at a gate if there is one."""

    def __init__(self, name: str = "", order: list[str] | None = None, gate: Gate | None = None) -> None:
        self.enrolments: list[Enrolment] = []
        self.story: list[str] = []
        self._name, self._order, self._gate = name, order, gate
        self._changed = asyncio.Event()

    async def work(self, enrolment: Enrolment) -> None:
        self.enrolments.append(enrolment)
        self._tell("work")
        self._changed.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._tell("cancelled")

    async def drain(self) -> None:
        self._tell("drain")
        if self._gate is not None:
            await self._gate.pass_through()

    async def begun(self, times: int) -> None:
        while len(self.enrolments) < times:
            self._changed.clear()
            await self._changed.wait()

    def _tell(self, what: str) -> None:
        self.story.append(what)
        if self._order is not None:
            self._order.append(f"{self._name} {what}")


class Stubborn(Recorded):
    """One that waits for a database which does not answer: it does not end when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def work(self, enrolment: Enrolment) -> None:
        self.enrolments.append(enrolment)
        self._changed.set()
        await _whatever_happens(self.release)

    async def drain(self) -> None:
        await _whatever_happens(self.release)


class Hanging:
    """A door of the store of which some methods do not answer, and like the real ones do not end when cancelled."""

    def __init__(self, real: object, *names: str) -> None:
        self._real, self._names = real, names
        self._go = asyncio.Event()
        self.reached = asyncio.Event()

    def release(self) -> None:
        """Give up at last."""
        self._go.set()

    def __getattr__(self, name: str) -> object:
        method = getattr(self._real, name)

        async def hang(*_arguments: object) -> object:
            self.reached.set()
            await _whatever_happens(self._go)
            raise StoreUnavailable

        return hang if name in self._names else method


class Broken:
    """A door of the store of which one method finds no database."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        async def fail(*_: object) -> None:
            raise StoreUnavailable

        assert name == self._name
        return fail


async def _whatever_happens(event: asyncio.Event) -> None:
    while not event.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await event.wait()


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

    async def test_a_process_that_froze_after_it_had_written_a_call_down_does_not_carry_it_out(
        self, sqlite_store: Store
    ) -> None:
        """Somebody may have told another process meanwhile to run it again."""
        clock = ShiftedClock()

        class Freezing:
            async def begin_call(self, lease: Lease, call: ToolCall) -> tuple[RunEvent, ...]:
                events = await sqlite_store.runs.begin_call(lease, call)
                clock.shift += 10.0
                return events

            def __getattr__(self, name: str) -> object:
                return getattr(sqlite_store.runs, name)

        class Other:
            runs = Freezing()

            def __getattr__(self, name: str) -> object:
                return getattr(sqlite_store, name)

        model = ScriptedClient(calls(("order", {})), text("Nobody knows"))
        toolbox = SmallToolbox(order=(Effect.ONCE, gives("ordered")))
        bench = Bench(cast("Store", Other()), model, toolbox, clock=clock)
        accepted = await say(sqlite_store, "Hi")
        async with bench.working():
            await bench.outlet.end_of(accepted.run_id)
        assert toolbox.begun == []

    async def test_nothing_can_be_lost_before_an_engine_has_enrolled(self, sqlite_store: Store) -> None:
        assert Bench(sqlite_store, ScriptedClient()).control.alive

    async def test_a_worker_whose_row_is_gone_is_not_alive_until_it_has_enrolled_anew(
        self, sqlite_store: Store
    ) -> None:
        gate = Gate()
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate], text("again")))
        seen: list[bool] = []
        workers = sqlite_store.workers

        class Watched:
            async def enrol(self, worker_id: str, role: Role) -> Present:
                seen.append(bench.control.alive)
                present = await workers.enrol(worker_id, role)
                seen.append(bench.control.alive)
                return present

            def __getattr__(self, name: str) -> object:
                return getattr(workers, name)

        bench.process = bench.doing(bench.lanes(), store=_with_workers(sqlite_store, Watched()))
        accepted = await say(sqlite_store, "Hi")
        async with bench.working() as control:
            await gate.reached.wait()
            await workers.leave(bench.outlet.leases[0].worker_id)
            await bench.outlet.end_of(accepted.run_id)
            assert control.alive
        assert seen == [True, True, False, False]

    async def test_every_activity_ends_before_a_process_that_lost_its_lease_enrols_anew(
        self, sqlite_store: Store
    ) -> None:
        bench = Bench(sqlite_store, ScriptedClient())
        first, second = Recorded(), Recorded()
        bench.process = bench.doing(first, second)
        async with bench.working():
            await first.begun(1)
            await sqlite_store.workers.leave(first.enrolments[0].worker_id)
            await first.begun(2)
            await second.begun(2)
        assert first.story == second.story == ["work", "cancelled", "work", "drain", "cancelled"]
        assert len({one.worker_id for one in first.enrolments}) == 2
        assert not first.enrolments[0].fresh

    async def test_a_suspended_process_breaks_everything_off(self, sqlite_store: Store) -> None:
        clock = ShiftedClock()
        bench = Bench(sqlite_store, ScriptedClient(), clock=clock)
        activity = Recorded()
        bench.process = bench.doing(activity)
        async with bench.working():
            await activity.begun(1)
            clock.shift = 10.0
            assert not activity.enrolments[0].fresh
            await activity.begun(2)
        assert activity.story[:3] == ["work", "cancelled", "work"]

    async def test_a_database_that_does_not_answer_costs_the_lease_in_time(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"lease": 0.4, "drain": 0.0})
        hanging = Hanging(sqlite_store.workers, "beat")
        bench = Bench(sqlite_store, ScriptedClient(), limits=limits)
        activity = Recorded()
        bench.process = bench.doing(activity, store=_with_workers(sqlite_store, hanging))
        async with bench.working():
            with structlog.testing.capture_logs():
                async with asyncio.timeout(5.0):
                    await activity.begun(2)
            hanging.release()
        assert activity.story[:3] == ["work", "cancelled", "work"]


class TestStopping:
    async def test_running_work_is_finished_before_the_process_ends(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient([TextDelta("a"), gate, *text("b")]))
        accepted = await say(store, "Hi")
        waiting = await say(store, "Next in the same thread")
        work = asyncio.create_task(bench.run())
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
        work = asyncio.create_task(bench.run())
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
        work = asyncio.create_task(bench.run())
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
        bench = Bench(sqlite_store, ScriptedClient())
        bench.process = bench.doing(bench.lanes(), store=_with_workers(sqlite_store, Broken("enrol")))
        with pytest.raises(StoreUnavailable):
            await bench.run()

    async def test_a_database_that_is_away_later_never_ends_the_process(self, sqlite_store: Store) -> None:
        class Failing(Recorded):
            async def work(self, enrolment: Enrolment) -> None:
                await super().work(enrolment) if self.enrolments else self.fail(enrolment)

            def fail(self, enrolment: Enrolment) -> None:
                self.enrolments.append(enrolment)
                raise StoreUnavailable

        bench = Bench(sqlite_store, ScriptedClient())
        activity = Failing()
        bench.process = bench.doing(activity)
        async with bench.working():
            await activity.begun(2)

    async def test_a_refused_token_ends_the_process_with_its_sentence(self, store: Store) -> None:
        class Refused(Recorded):
            async def work(self, enrolment: Enrolment) -> None:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.fail())

            async def fail(self) -> None:
                raise SettingsError("SLACK_BOT_TOKEN is refused.")

        bench = Bench(store, ScriptedClient())
        other = Recorded()
        bench.process = bench.doing(other, Refused())
        with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN is refused"):
            await bench.run()
        assert other.story == ["work", "cancelled"]
        with pytest.raises(Fenced):
            await store.workers.beat(other.enrolments[0].worker_id)

    async def test_an_activity_that_has_nothing_to_do_keeps_nobody_from_working(self, sqlite_store: Store) -> None:
        class Nothing(Recorded):
            async def work(self, enrolment: Enrolment) -> None:
                pass

        bench = Bench(sqlite_store, ScriptedClient(text("Hello")))
        bench.process = bench.doing(Nothing(), bench.lanes())
        assert (await bench.answer("Hi")).status is RunStatus.COMPLETED

    async def test_lanes_that_cannot_be_claimed_now_do_not_break_those_that_are_worked_on(
        self, sqlite_store: Store
    ) -> None:
        gate = Gate()
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate, *text("b")], text("c")))
        claim, failed = sqlite_store.lanes.claim, asyncio.Event()

        async def broken(worker_id: str, limit: int, platforms: Sequence[str] | None = None) -> tuple[Lease, ...]:
            if gate.reached.is_set() and not failed.is_set():
                failed.set()
                raise StoreUnavailable
            return await claim(worker_id, limit, platforms)

        sqlite_store.lanes.claim = broken  # type: ignore[method-assign]
        accepted = await say(sqlite_store, "Hi")
        with structlog.testing.capture_logs():
            async with bench.working():
                await failed.wait()
                gate.open.set()
                await bench.outlet.end_of(accepted.run_id)
        assert bench.outlet.shown(accepted.run_id) == "ab"


class TestEnding:
    async def test_activities_are_drained_in_order_and_end_after_that(self, store: Store) -> None:
        order: list[str] = []
        bench = Bench(store, ScriptedClient())
        first, second = Recorded("first", order), Recorded("second", order)
        bench.process = bench.doing(first, second)
        async with bench.working():
            await second.begun(1)
        assert order == [
            "first work",
            "second work",
            "first drain",
            "second drain",
            "first cancelled",
            "second cancelled",
        ]

    async def test_a_process_that_ends_counts_no_longer_and_beats_on_while_it_drains(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient())
        activity = Recorded(gate=gate)
        bench.process = bench.doing(activity)
        work = asyncio.create_task(bench.run())
        await activity.begun(1)
        (enrolment,) = activity.enrolments
        work.cancel()
        await gate.reached.wait()
        assert await store.lanes.claim(enrolment.worker_id, 1) == ()
        assert (await store.workers.enrol("other", "all")).workers == 1
        await until(lambda: _sees(enrolment, 1))
        assert enrolment.fresh
        gate.open.set()
        await asyncio.wait([work])
        assert work.cancelled()
        with pytest.raises(Fenced):
            await store.workers.beat(enrolment.worker_id)

    async def test_all_drains_together_have_one_time(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"drain": 0.3})
        bench = Bench(sqlite_store, ScriptedClient(), limits=limits)
        activities = [Recorded(gate=Gate()) for _ in range(4)]
        bench.process = bench.doing(*activities)
        began = 0.0
        async with bench.working():
            await activities[-1].begun(1)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 0.3 + 0.5
        assert activities[0].story == ["work", "drain", "cancelled"]

    async def test_a_lease_that_is_lost_during_the_drain_ends_it(self, sqlite_store: Store) -> None:
        gate = Gate()
        bench = Bench(sqlite_store, ScriptedClient(), limits=QUICK.model_copy(update={"drain": 1000.0}))
        activity = Recorded(gate=gate)
        bench.process = bench.doing(activity)
        async with bench.working():
            await activity.begun(1)
            leaving = asyncio.create_task(_leave_at(gate, sqlite_store, activity))
        await leaving
        assert activity.story == ["work", "drain", "cancelled"]

    @pytest.mark.parametrize("hangs", ["beat", "retire", "leave", "everything"])
    async def test_a_database_that_hangs_holds_up_the_end_for_few_seconds_only(
        self, sqlite_store: Store, hangs: str
    ) -> None:
        hanging = Hanging(sqlite_store.workers, *(["beat", "retire", "leave"] if hangs == "everything" else [hangs]))
        bench = Bench(sqlite_store, ScriptedClient(), limits=QUICK.model_copy(update={"drain": 0.2}))
        stubborn = Stubborn()
        bench.process = bench.doing(stubborn, store=_with_workers(sqlite_store, hanging))
        work = asyncio.create_task(bench.run())
        await stubborn.begun(1)
        work.cancel()
        began = asyncio.get_running_loop().time()
        with structlog.testing.capture_logs():  # the tests' own renderer takes seconds for a traceback
            await asyncio.wait([work])
        assert work.cancelled()
        # with the real drain of 20 seconds: below 25
        assert asyncio.get_running_loop().time() - began < 0.2 + 5.0
        hanging.release()
        stubborn.release.set()

    async def test_an_enrolment_that_hangs_does_not_hold_up_the_end(self, sqlite_store: Store) -> None:
        hanging = Hanging(sqlite_store.workers, "enrol")
        bench = Bench(sqlite_store, ScriptedClient())
        bench.process = bench.doing(store=_with_workers(sqlite_store, hanging))
        work = asyncio.create_task(bench.run())
        await hanging.reached.wait()
        work.cancel()
        with structlog.testing.capture_logs():
            async with asyncio.timeout(5.0):
                await asyncio.wait([work])
        assert work.cancelled()
        hanging.release()


async def _idle(bench: Bench) -> bool:
    return not bench.control.running


async def _sees(enrolment: Enrolment, workers: int) -> bool:
    return enrolment.present.workers == workers


async def _leave_at(gate: Gate, store: Store, activity: Recorded) -> None:
    await gate.reached.wait()
    await store.workers.leave(activity.enrolments[0].worker_id)


def _with_workers(store: Store, workers: object) -> Store:
    class Other:
        def __getattr__(self, name: str) -> object:
            return workers if name == "workers" else getattr(store, name)

    return Other()  # type: ignore[return-value]
