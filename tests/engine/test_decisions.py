"""A call whose outcome nobody knows: a person says what became of it, and what they say is done, once."""

import pytest

from bot.domain.deliveries import DeliveryState
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Decision, Effect, ToolCall
from bot.domain.turns import CallOutput
from bot.engine import Jobs
from bot.engine.tool_calls import NOT_AGAIN, SKIPPED, UNKNOWN, WORKED
from bot.errors import Forbidden, Gone, RateLimited, Unreachable
from bot.ports import Store
from tests.support.engine_doubles import (
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    SmallToolbox,
    calls,
    gives,
    say,
    somebody,
    text,
    until,
    waits_at,
)

NO_DRAIN = QUICK.model_copy(update={"drain": 0.0})


async def interrupted(store: Store, *names: str, lifetime: int = 600) -> str:
    """A process dies while it runs `once` tools of these names and the `read` tool look. Returns the run."""
    accepted = await say(store, "Order it", lifetime=lifetime)
    gates = {name: Gate() for name in ("look", *names)}
    tools = {name: (Effect.READ if name == "look" else Effect.ONCE, waits_at(gate)) for name, gate in gates.items()}
    script = calls(*((name, {}) for name in gates))
    async with Bench(store, ScriptedClient(script), SmallToolbox(**tools), limits=NO_DRAIN).working():
        for gate in gates.values():
            await gate.reached.wait()
    return accepted.run_id


def successor(store: Store, *names: str) -> Bench:
    """The next process. It can ask a person."""
    tools = {name: (Effect.ONCE, gives(f"{name} done")) for name in names}
    bench = Bench(store, ScriptedClient(text("Fine.")), SmallToolbox(look=(Effect.READ, gives("seen")), **tools))
    bench.outlet.at_question = somebody
    return bench


async def status(store: Store, run_id: str) -> RunStatus:
    run = await store.runs.get(run_id)
    assert run is not None
    return run.status


async def waits(store: Store, run_id: str) -> bool:
    return await status(store, run_id) is RunStatus.REQUIRES_ACTION


async def ledger(store: Store, run_id: str) -> dict[str, ToolCall]:
    return {call.name: call for call in await store.runs.calls(run_id)}


def read_by_the_model(bench: Bench) -> dict[str, str]:
    """Outputs by the ids that `calls` gave: p0 is look, p1 the first `once` tool."""
    return {item.call_id: item.output for item in bench.model.requests[0].input if isinstance(item, CallOutput)}


def begun(bench: Bench) -> list[str]:
    return [name for name, _ in bench.toolbox.begun]


class TestDecisions:
    @pytest.mark.parametrize(
        ("decision", "state", "output", "again"),
        [
            (Decision.WORKED, CallState.DONE, WORKED, []),
            (Decision.SKIP, CallState.UNKNOWN, SKIPPED, []),
            (Decision.AGAIN, CallState.DONE, "order done", ["order"]),
        ],
    )
    async def test_what_the_person_says_is_done_and_told_to_the_model(
        self, store: Store, decision: Decision, state: CallState, output: str, again: list[str]
    ) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        async with bench.working() as control:
            asked = await bench.outlet.question()
            assert (asked.name, asked.interrupted, asked.decision) == ("order", True, None)
            await until(lambda: waits(store, run_id))
            assert await control.decide(run_id, asked.interruption, decision)
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.COMPLETED
        order = (await ledger(store, run_id))["order"]
        assert (order.state, order.output, order.begins) == (state, output, 1 + len(again))
        assert read_by_the_model(bench) == {"p0": "seen", "p1": output}
        assert begun(bench) == ["look", *again]
        assert {key for _, key in bench.toolbox.begun if key.endswith(":1")} <= {order.idempotency_key}

    async def test_the_story_says_that_the_run_waits_and_goes_on(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await until(lambda: waits(store, run_id))
            await control.decide(run_id, asked.interruption, Decision.AGAIN)
            await bench.outlet.end_of(run_id)
        story = bench.outlet.story(run_id)
        assert story[:7] == [
            "call.started",
            "call.done",
            "run.requires_action",
            "run.in_progress",
            "call.started",
            "call.done",
            "step.completed",
        ]

    async def test_the_first_decision_stands(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await until(lambda: waits(store, run_id))
            assert await control.decide(run_id, asked.interruption, Decision.SKIP)
            assert not await control.decide(run_id, asked.interruption, Decision.AGAIN)
            await bench.outlet.end_of(run_id)
            assert not await control.decide(run_id, asked.interruption, Decision.AGAIN)
        assert begun(bench) == ["look"]

    async def test_a_waiting_run_keeps_no_process_busy_and_later_messages_wait_behind_it(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        bench.model.scripts.append(text("Later."))
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await until(lambda: waits(store, run_id))
            later = await say(store, "And?")
            await until(lambda: _nothing_is_running(bench))
            assert await status(store, later.run_id) is RunStatus.QUEUED
            await control.decide(run_id, asked.interruption, Decision.WORKED)
            await bench.outlet.end_of(later.run_id)
        assert [run.id for run in bench.outlet.ended] == [run_id, later.run_id]

    async def test_another_process_goes_on_after_the_decision(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        first = successor(store, "order")
        async with first.working():
            asked = await first.outlet.question()
            await until(lambda: waits(store, run_id))
        assert await store.runs.decide(run_id, asked.interruption, Decision.WORKED)
        second = successor(store, "order")
        async with second.working():
            run = await second.outlet.end_of(run_id)
        assert run.status is RunStatus.COMPLETED
        assert second.outlet.questions == []

    async def test_all_other_calls_end_before_anybody_is_asked(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        seen: list[CallState] = []

        async def look_at_the_others(_call: ToolCall) -> bool:
            seen.extend(call.state for call in await store.runs.calls(run_id))
            return True

        bench.outlet.at_question = look_at_the_others
        async with bench.working():
            await until(lambda: waits(store, run_id))
        assert seen == [CallState.DONE, CallState.STARTED]

    async def test_several_interrupted_calls_are_asked_about_one_after_the_other(self, store: Store) -> None:
        run_id = await interrupted(store, "order", "pay", "send")
        bench = successor(store, "order", "pay", "send")
        said = {"order": Decision.AGAIN, "pay": Decision.SKIP, "send": Decision.WORKED}
        async with bench.working() as control:
            for count, decision in enumerate(said.values(), start=1):
                asked = await bench.outlet.question(count)
                await until(lambda: waits(store, run_id))
                assert await control.decide(run_id, asked.interruption, decision)
            await bench.outlet.end_of(run_id)
        assert [call.name for call in bench.outlet.questions] == [*said]
        assert read_by_the_model(bench) == {"p0": "seen", "p1": "order done", "p2": SKIPPED, "p3": WORKED}
        assert begun(bench) == ["look", "order"]

    async def test_a_decision_that_is_quicker_than_the_engine_is_followed_at_once(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")

        async def decided_at_once(call: ToolCall) -> bool:
            return await store.runs.decide(run_id, call.interruption, Decision.AGAIN)

        bench.outlet.at_question = decided_at_once
        async with bench.working():
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.COMPLETED
        assert len(bench.outlet.leases) == 1
        assert "run.requires_action" not in bench.outlet.story(run_id)
        assert begun(bench) == ["look", "order"]

    async def test_a_quick_decision_about_one_call_does_not_leave_the_next_one_unasked(self, store: Store) -> None:
        run_id = await interrupted(store, "order", "pay")
        bench = successor(store, "order", "pay")

        async def first_decided_at_once(call: ToolCall) -> bool:
            if call.name == "order":
                await store.runs.decide(run_id, call.interruption, Decision.WORKED)
            return True

        bench.outlet.at_question = first_decided_at_once
        async with bench.working() as control:
            asked = await bench.outlet.question(2)
            await until(lambda: waits(store, run_id))
            await control.decide(run_id, asked.interruption, Decision.WORKED)
            await bench.outlet.end_of(run_id)
        assert [call.name for call in bench.outlet.questions] == ["order", "pay"]


class TestAgain:
    async def test_it_is_not_refused_by_the_cap_of_begins(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        limits = QUICK.model_copy(update={"begins": 1})
        tools = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, gives("ordered")))
        bench = Bench(store, ScriptedClient(text("Fine.")), tools, limits=limits)
        bench.outlet.at_question = somebody
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await control.decide(run_id, asked.interruption, Decision.AGAIN)
            await bench.outlet.end_of(run_id)
        order = (await ledger(store, run_id))["order"]
        assert (order.state, order.output, order.begins) == (CallState.DONE, "ordered", 2)

    async def test_a_call_that_is_interrupted_again_is_asked_about_again(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        gate = Gate()
        tools = SmallToolbox(look=(Effect.READ, gives("seen")), order=(Effect.ONCE, waits_at(gate)))
        second = Bench(store, ScriptedClient(), tools, limits=NO_DRAIN)
        second.outlet.at_question = somebody
        async with second.working() as control:
            await control.decide(run_id, (await second.outlet.question()).interruption, Decision.AGAIN)
            await gate.reached.wait()
        third = successor(store, "order")
        async with third.working() as control:
            asked = await third.outlet.question()
            assert (asked.begins, asked.decision) == (2, None)
            await control.decide(run_id, asked.interruption, Decision.WORKED)
            await third.outlet.end_of(run_id)
        assert third.toolbox.begun == []

    async def test_a_tool_that_is_gone_meanwhile_leaves_the_outcome_unknown(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store)
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await control.decide(run_id, asked.interruption, Decision.AGAIN)
            await bench.outlet.end_of(run_id)
        order = (await ledger(store, run_id))["order"]
        assert (order.state, order.output) == (CallState.UNKNOWN, NOT_AGAIN.format(refusal="unknown tool order"))


class TestNobody:
    @pytest.mark.parametrize("error", [None, Gone(), Forbidden()], ids=["no", "gone", "forbidden"])
    async def test_without_anybody_to_ask_the_model_is_told_that_the_outcome_is_unknown(
        self, store: Store, error: Exception | None
    ) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")

        async def nobody(_call: ToolCall) -> bool:
            if error is not None:
                raise error
            return False

        bench.outlet.at_question = nobody
        async with bench.working():
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.COMPLETED
        assert read_by_the_model(bench)["p1"] == UNKNOWN
        assert begun(bench) == ["look"]

    @pytest.mark.parametrize("error", [Unreachable(), RateLimited(0.01)], ids=["away", "limited"])
    async def test_a_platform_that_is_away_is_asked_again_later(self, store: Store, error: Exception) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")

        async def away_at_first(_call: ToolCall) -> bool:
            if len(bench.outlet.questions) < 3:
                raise error
            return True

        bench.outlet.at_question = away_at_first
        async with bench.working() as control:
            asked = await bench.outlet.question(3)
            await until(lambda: waits(store, run_id))
            await control.decide(run_id, asked.interruption, Decision.WORKED)
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.COMPLETED


class TestEnds:
    async def test_stop_while_waiting_ends_the_run_with_the_call_unknown(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")
        async with bench.working() as control:
            await until(lambda: waits(store, run_id))
            assert await control.cancel(run_id) is RunStatus.CANCELLING
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.CANCELLED
        assert (await ledger(store, run_id))["order"].state is CallState.UNKNOWN
        assert begun(bench) == ["look"]

    async def test_stop_while_the_question_is_shown_is_seen(self, store: Store) -> None:
        run_id = await interrupted(store, "order")
        bench = successor(store, "order")

        async def stopped_elsewhere(_call: ToolCall) -> bool:
            await store.runs.request_cancel(run_id)
            return True

        bench.outlet.at_question = stopped_elsewhere
        async with bench.working():
            run = await bench.outlet.end_of(run_id)
        assert run.status is RunStatus.CANCELLED
        assert len(bench.outlet.questions) == 1

    async def test_a_run_whose_time_is_over_while_it_waits_expires_and_is_delivered(self, store: Store) -> None:
        run_id = await interrupted(store, "order", lifetime=3)
        bench = successor(store, "order")
        limits = QUICK.model_copy(update={"expire_every": 0.05})
        bench.process = bench.doing(bench.lanes(), Jobs(store, bench.clock, limits))
        async with bench.working() as control:
            asked = await bench.outlet.question()
            await until(lambda: waits(store, run_id))
            run = await bench.outlet.end_of(run_id)
            assert not await control.decide(run_id, asked.interruption, Decision.AGAIN)
        assert run.status is RunStatus.EXPIRED
        assert (await ledger(store, run_id))["order"].state is CallState.UNKNOWN
        delivery = await store.deliveries.get(run_id)
        assert delivery is not None
        assert delivery.state is DeliveryState.DELIVERED


async def _nothing_is_running(bench: Bench) -> bool:
    return not bench.control.running
