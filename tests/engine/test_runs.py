"""How runs go and end, on both databases."""

import pytest

from bot.domain.messages import MessageStatus, RefusalPart, TextPart
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState, Effect
from bot.domain.turns import AssistantText, Finished, FinishReason, RefusalDelta, TextDelta
from bot.engine.failures import UNREACHABLE
from bot.errors import BrokenStream, ContentFiltered, ContextTooLong, ModelRefusedAccess, ModelUnavailable
from bot.ports import Store
from tests.support.engine_doubles import (
    ASSISTANT,
    QUICK,
    Bench,
    Gate,
    ScriptedClient,
    ShiftedClock,
    SmallToolbox,
    Step,
    WrongClock,
    calls,
    gives,
    said,
    say,
    text,
    until,
    waits_at,
)


async def has_failed_turn(store: Store, run_id: str) -> bool:
    """Whether a turn of the run has failed."""
    return any(turn.error for turn in await store.runs.turns(run_id))


TEXT_STORY = [
    "run.in_progress",
    "step.created",
    "message.created",
    "message.delta",
    "message.completed",
    "step.completed",
    "run.completed",
]


class TestAnswers:
    async def test_events_of_a_text_run_come_in_the_order_of_the_assistants_api(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient(text("Hel", "lo")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert bench.outlet.story(run.id) == TEXT_STORY
        (message,) = await store.runs.messages(run.id)
        assert (message.text, message.status) == ("Hello", MessageStatus.COMPLETED)
        assert run.usage is not None
        assert (run.usage.total_tokens, run.usage.estimated) == (14, False)

    async def test_a_chat_is_answered_by_the_model_of_the_worker_and_not_by_that_of_the_gateway(
        self, sqlite_store: Store
    ) -> None:
        """Which may have no key, and so no model."""
        bench = Bench(sqlite_store, ScriptedClient(text("Hello")))
        accepted = await say(sqlite_store, "Hi", assistant=ASSISTANT.model_copy(update={"model": "the gateway's"}))
        async with bench.working():
            await bench.outlet.end_of(accepted.run_id)
        assert [request.model for request in bench.model.requests] == ["scripted"]

    async def test_usage_is_estimated_and_marked_when_the_provider_does_not_count(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("Hello"), Finished(FinishReason.STOP)]))
        run = await bench.answer("Hi")
        assert run.usage is not None
        assert run.usage.estimated
        assert run.usage.completion_tokens == 2

    async def test_a_refusal_is_the_answer(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([RefusalDelta("I will"), RefusalDelta(" not."), *text()]))
        run = await bench.answer("Do it")
        assert run.status is RunStatus.COMPLETED
        assert bench.outlet.shown(run.id) == "I will not."
        (message,) = await sqlite_store.runs.messages(run.id)
        assert message.content == (RefusalPart(refusal="I will not."),)

    async def test_a_refusal_after_text_stands_apart_from_it_as_it_was_shown(self, sqlite_store: Store) -> None:
        bench = Bench(
            sqlite_store, ScriptedClient([TextDelta("Well."), RefusalDelta("No"), RefusalDelta("."), *text()])
        )
        run = await bench.answer("Do it")
        (message,) = await sqlite_store.runs.messages(run.id)
        assert message.content == (TextPart(value="Well."), RefusalPart(refusal="No."))
        assert bench.outlet.shown(run.id) == message.words == "Well.\n\nNo."

    async def test_a_refusal_that_is_cut_stays_a_refusal(self, store: Store) -> None:
        script = [RefusalDelta("I will n"), *text(finish=FinishReason.LENGTH)]
        run = await Bench(store, ScriptedClient(script)).answer("Do it")
        assert run.status is RunStatus.INCOMPLETE
        (message,) = await store.runs.messages(run.id)
        assert message.content == (RefusalPart(refusal="I will n"),)

    async def test_the_model_reads_its_earlier_refusals(self, sqlite_store: Store) -> None:
        toolbox = SmallToolbox(look=(Effect.READ, gives("seen")))
        first: list[Step] = [RefusalDelta("Not that."), *calls(("look", {}))]
        model = ScriptedClient(first, text("Done."), text("Bye."))
        bench = Bench(sqlite_store, model, toolbox)
        await bench.answer("Do it")
        await bench.answer("And?")
        read = [[item.text for item in asked.input if isinstance(item, AssistantText)] for asked in model.requests]
        assert read == [[], ["Not that."], ["Not that.", "Done."]]

    async def test_white_space_before_the_text_makes_no_message_of_its_own(self, sqlite_store: Store) -> None:
        gate = Gate()
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("\n\n"), gate, *text("Hi")]))
        accepted = await say(sqlite_store, "Hi")
        async with bench.working():
            await gate.reached.wait()
            assert bench.outlet.story(accepted.run_id) == ["run.in_progress"]
            gate.open.set()
            await bench.outlet.end_of(accepted.run_id)
        assert bench.outlet.shown(accepted.run_id) == "\n\nHi"

    async def test_a_cut_answer_ends_incomplete(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient(text("Half", finish=FinishReason.LENGTH)))
        run = await bench.answer("Hi")
        assert (run.status, run.incomplete_reason) == (RunStatus.INCOMPLETE, "max_completion_tokens")
        (message,) = await store.runs.messages(run.id)
        assert (message.text, message.incomplete_reason) == ("Half", "max_tokens")

    async def test_an_endless_answer_is_cut_like_one_at_the_token_limit(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"turn_text": 10})
        bench = Bench(sqlite_store, ScriptedClient(text("12345678", "9012345")), limits=limits)
        run = await bench.answer("Hi")
        assert run.status is RunStatus.INCOMPLETE
        assert (await sqlite_store.runs.messages(run.id))[0].text == "1234567890"

    async def test_a_filtered_answer_fails_and_its_message_says_why(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(text("Some", finish=FinishReason.CONTENT_FILTER)))
        run = await bench.answer("Hi")
        assert run.status is RunStatus.FAILED
        assert run.last_error is not None
        assert run.last_error.code == "invalid_prompt"
        (message,) = await sqlite_store.runs.messages(run.id)
        assert (message.text, message.incomplete_reason) == ("Some", "content_filter")


class TestFailures:
    async def test_a_refused_prompt_fails_without_another_try(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([ContentFiltered("details of the provider")]))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.last_error is not None
        assert run.last_error.code == "invalid_prompt"

    async def test_what_the_person_sees_of_a_failure_holds_nothing_of_the_error_itself(
        self, sqlite_store: Store
    ) -> None:
        for error in (ModelRefusedAccess("key sk-secret"), RuntimeError("sk-secret"), BrokenStream("sk-secret")):
            bench = Bench(sqlite_store, ScriptedClient(*[[TextDelta("x"), error]] * QUICK.attempts))
            run = await bench.answer("Hi", conversation=str(type(error)))
            assert run.status is RunStatus.FAILED
            assert run.last_error is not None
            assert run.last_error.code == "server_error"
            assert "sk-secret" not in run.model_dump_json()

    async def test_a_broken_turn_is_superseded_and_asked_again(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient([TextDelta("Wro"), BrokenStream()], text("Right")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        broken, whole = await store.runs.messages(run.id)
        assert (broken.text, broken.superseded, broken.incomplete_reason) == ("", True, "run_failed")
        assert (whole.text, whole.superseded) == ("Right", False)
        assert bench.outlet.story(run.id) == [
            *TEXT_STORY[:4],
            "message.incomplete",
            "step.failed",
            *TEXT_STORY[1:],
        ]

    async def test_a_stream_without_its_end_is_broken(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("Wro")], text("Right")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED

    async def test_after_the_last_attempt_the_partial_text_is_kept(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(*[[TextDelta(f"try {n}"), BrokenStream()] for n in range(3)]))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.FAILED
        shown = [message for message in await sqlite_store.runs.messages(run.id) if not message.superseded]
        assert [(message.text, message.incomplete_reason) for message in shown] == [("try 2", "run_failed")]

    async def test_an_empty_answer_is_asked_again(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(text(), text("  "), text("Here")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert [message.text for message in await sqlite_store.runs.messages(run.id)] == ["Here"]

    async def test_a_rate_limit_that_lasts_fails_as_one(self, sqlite_store: Store) -> None:
        limited = [ModelUnavailable(limited=True, retry_after=0)]
        bench = Bench(sqlite_store, ScriptedClient(*[limited] * QUICK.outages))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.last_error is not None
        assert run.last_error.code == "rate_limit_exceeded"

    async def test_a_stream_that_breaks_before_it_begins_is_a_provider_that_is_away(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(*[[BrokenStream()]] * QUICK.outages))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.last_error is not None
        assert run.last_error.message == UNREACHABLE

    async def test_an_outage_gives_the_lane_back(self, sqlite_store: Store) -> None:
        limits = QUICK.model_copy(update={"patience": 0.0, "outage_backoff": 0.3, "lanes": 1})
        bench = Bench(sqlite_store, ScriptedClient([ModelUnavailable()], text("Back")), limits=limits)
        run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert len(bench.outlet.leases) == 2

    async def test_a_long_wait_gives_the_lane_back_and_goes_on_when_it_is_due(self, store: Store) -> None:
        limits = QUICK.model_copy(update={"patience": 0.0, "lanes": 1})
        busy = [ModelUnavailable(retry_after=2.0)]
        bench = Bench(store, ScriptedClient(busy, text("Other"), text("Late")), limits=limits)
        first = await say(store, "First", conversation="a")
        async with bench.working():
            await until(lambda: has_failed_turn(store, first.run_id))
            second = await say(store, "Second", conversation="b")
            await bench.outlet.ends_of(first.run_id, second.run_id)
        assert [run.id for run in bench.outlet.ended] == [second.run_id, first.run_id]
        assert bench.outlet.shown(first.run_id) == "Late"

    async def test_a_wait_beyond_the_deadline_fails_at_once(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([ModelUnavailable(retry_after=10_000)]))
        run = await bench.answer("Hi")
        assert run.status is RunStatus.FAILED

    async def test_a_context_that_is_too_long_is_cut_harder_once(self, sqlite_store: Store) -> None:
        model = ScriptedClient(text("One"), text("Two"), [ContextTooLong()], text("Sum"), text("Three"))
        bench = Bench(sqlite_store, model)
        with model.used_up():
            await bench.answer("first " * 500)
            await bench.answer("second " * 500)
            run = await bench.answer("third")
        assert run.status is RunStatus.COMPLETED
        assert any("first first" in words for words in said(model.requests[2]))
        assert not any("first first" in words for words in said(model.requests[-1]))

    async def test_a_context_that_stays_too_long_fails_with_a_sentence(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([ContextTooLong()], [ContextTooLong()]))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.last_error is not None
        assert "too long" in run.last_error.message


class TestStop:
    async def test_stop_in_the_stream_keeps_the_partial_text(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient([TextDelta("Hal"), TextDelta("f"), gate]))
        accepted = await say(store, "Hi")
        async with bench.working() as control:
            await gate.reached.wait()
            assert await control.cancel(accepted.run_id) is RunStatus.CANCELLING
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.CANCELLED
        (message,) = await store.runs.messages(run.id)
        assert (message.text, message.incomplete_reason) == ("Half", "run_cancelled")
        assert bench.outlet.story(run.id) == [
            *TEXT_STORY[:4],
            "run.cancelling",
            "message.incomplete",
            "step.cancelled",
            "run.cancelled",
        ]

    async def test_stop_of_a_queued_run_ends_it_without_a_model_turn(self, store: Store) -> None:
        gate = Gate()
        bench = Bench(store, ScriptedClient([gate, *text("One")]))
        first = await say(store, "One")
        second = await say(store, "Two")
        async with bench.working() as control:
            await gate.reached.wait()
            await control.cancel(second.run_id)
            gate.open.set()
            runs = await bench.outlet.ends_of(first.run_id, second.run_id)
        assert [run.status for run in runs] == [RunStatus.COMPLETED, RunStatus.CANCELLED]

    async def test_stop_of_a_postponed_run_ends_it_at_once(self, store: Store) -> None:
        limits = QUICK.model_copy(update={"patience": 0.0})
        bench = Bench(store, ScriptedClient([ModelUnavailable(retry_after=300)]), limits=limits)
        accepted = await say(store, "Hi")
        async with bench.working() as control:
            await until(lambda: has_failed_turn(store, accepted.run_id))
            await control.cancel(accepted.run_id)
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.CANCELLED

    async def test_stop_at_another_process_is_seen_within_the_stop_poll(self, store: Store) -> None:
        gate = Gate()
        limits = QUICK.model_copy(update={"stop_poll": 0.02})
        bench = Bench(store, ScriptedClient([TextDelta("Hal"), gate]), limits=limits)
        accepted = await say(store, "Hi")
        async with bench.working():
            await gate.reached.wait()
            await store.runs.request_cancel(accepted.run_id)
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.CANCELLED

    async def test_a_stop_of_a_run_that_another_process_has_keeps_nobody_from_working(self, store: Store) -> None:
        limits = QUICK.model_copy(update={"stop_poll": 2.0})
        bench = Bench(store, ScriptedClient(text("Hello")), limits=limits)
        elsewhere = await say(store, "Hi", conversation="elsewhere")
        await store.workers.enrol("other", "worker")
        await store.lanes.claim("other", 1)
        async with bench.working():
            await store.runs.request_cancel(elsewhere.run_id)
            accepted = await say(store, "Hi")
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED

    async def test_a_run_that_does_not_exist_cannot_be_stopped(self, sqlite_store: Store) -> None:
        assert await Bench(sqlite_store, ScriptedClient()).control.cancel("run_none") is None

    async def test_stop_of_an_ended_run_changes_nothing(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(text("Done")))
        run = await bench.answer("Hi")
        assert await bench.control.cancel(run.id) is RunStatus.COMPLETED


class TestExpiry:
    async def test_a_run_that_waited_too_long_expires_without_a_model_turn(self, store: Store) -> None:
        run = await Bench(store, ScriptedClient()).answer("Hi", lifetime=0)
        assert (run.status, run.last_error) == (RunStatus.EXPIRED, None)

    async def test_a_run_expires_while_the_model_speaks(self, sqlite_store: Store) -> None:
        gate, clock = Gate(), ShiftedClock()
        model = ScriptedClient([TextDelta("Hal"), gate, TextDelta("f"), TextDelta("never")])
        bench = Bench(sqlite_store, model, clock=clock, limits=QUICK.model_copy(update={"lease": 10_000.0}))
        accepted = await say(sqlite_store, "Hi")
        async with bench.working():
            await gate.reached.wait()
            clock.shift = 601.0
            gate.open.set()
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.EXPIRED
        assert (await sqlite_store.runs.messages(run.id))[0].text == "Half"

    async def test_a_silent_model_cannot_keep_a_run_beyond_its_time(self, sqlite_store: Store) -> None:
        run = await Bench(sqlite_store, ScriptedClient([Gate()])).answer("Hi", lifetime=2)
        assert run.status is RunStatus.EXPIRED

    async def test_the_lifetime_that_the_run_was_accepted_with_counts(self, sqlite_store: Store) -> None:
        gate, clock = Gate(), ShiftedClock()
        limits = QUICK.model_copy(update={"lease": 10_000.0})
        bench = Bench(sqlite_store, ScriptedClient([TextDelta("a"), gate, *text("b")]), clock=clock, limits=limits)
        accepted = await say(sqlite_store, "Hi", lifetime=3600)
        async with bench.working():
            await gate.reached.wait()
            clock.shift = 601.0
            gate.open.set()
            run = await bench.outlet.end_of(accepted.run_id)
        assert run.status is RunStatus.COMPLETED

    @pytest.mark.parametrize("error", [-3600.0, 3600.0], ids=["an hour behind", "an hour ahead"])
    async def test_a_machine_whose_clock_is_wrong_does_not_end_a_run_early(self, store: Store, error: float) -> None:
        bench = Bench(store, ScriptedClient(text("Hello")), clock=WrongClock(error))
        assert (await bench.answer("Hi")).status is RunStatus.COMPLETED

    @pytest.mark.parametrize("error", [-3600.0, 3600.0], ids=["an hour behind", "an hour ahead"])
    async def test_a_machine_whose_clock_is_wrong_does_not_end_a_run_late(self, store: Store, error: float) -> None:
        over = await Bench(store, ScriptedClient(), clock=WrongClock(error)).answer("Hi", lifetime=0)
        assert over.status is RunStatus.EXPIRED
        silent = await Bench(store, ScriptedClient([Gate()]), clock=WrongClock(error)).answer("Hi", lifetime=2)
        assert silent.status is RunStatus.EXPIRED

    async def test_a_run_that_nobody_has_left_time_for_expires_in_the_middle_of_its_tools(self, store: Store) -> None:
        toolbox = SmallToolbox(order=(Effect.ONCE, waits_at(Gate())))
        bench = Bench(store, ScriptedClient(calls(("order", {}))), toolbox, clock=WrongClock(-3600.0))
        run = await bench.answer("Hi", lifetime=2)
        assert run.status is RunStatus.EXPIRED
        assert [call.state for call in await store.runs.calls(run.id)] == [CallState.UNKNOWN]


class TestOrder:
    async def test_runs_of_a_thread_come_one_after_the_other_in_order(self, store: Store) -> None:
        model = ScriptedClient(*[text(f"{number}") for number in range(5)])
        bench = Bench(store, model)
        accepted = [await say(store, f"message {number}") for number in range(5)]
        async with bench.working():
            await bench.outlet.ends_of(*[one.run_id for one in accepted])
        assert [run.id for run in bench.outlet.ended] == [one.run_id for one in accepted]
        assert [bench.outlet.shown(one.run_id) for one in accepted] == ["0", "1", "2", "3", "4"]
        assert [said(request)[-1] for request in model.requests] == [f"[Ann]: message {n}" for n in range(5)]

    async def test_threads_are_worked_on_at_the_same_time(self, store: Store) -> None:
        gates = [Gate(), Gate(), Gate()]
        bench = Bench(store, ScriptedClient(*[[gate, *text("ok")] for gate in gates]))
        accepted = [await say(store, "Hi", conversation=f"c{number}") for number in range(3)]
        async with bench.working():
            for gate in gates:
                await gate.reached.wait()
            for gate in gates:
                gate.open.set()
            await bench.outlet.ends_of(*[one.run_id for one in accepted])

    async def test_no_more_lanes_than_allowed(self, sqlite_store: Store) -> None:
        gate, second = Gate(), Gate()
        limits = QUICK.model_copy(update={"lanes": 1})
        bench = Bench(sqlite_store, ScriptedClient([gate, *text("a")], [second, *text("b")]), limits=limits)
        first = await say(sqlite_store, "Hi", conversation="a")
        other = await say(sqlite_store, "Hi", conversation="b")
        async with bench.working() as control:
            await gate.reached.wait()
            assert len(control.running) == 1
            gate.open.set()
            second.open.set()
            await bench.outlet.ends_of(first.run_id, other.run_id)


class TestStreamsWithoutAnEnd:
    """A stream that simply stops, as a connection does that is closed in an orderly way."""

    async def test_text_without_a_terminal_event_is_superseded_and_asked_again(self, store: Store) -> None:
        bench = Bench(store, ScriptedClient([TextDelta("Hal")], text("Hello")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert [turn.error for turn in await store.runs.turns(run.id)] == ["BrokenStream", None]
        messages = await store.runs.messages(run.id)
        assert [(message.text, message.superseded) for message in messages][1:] == [("Hello", False)]
        assert messages[0].superseded

    async def test_a_stream_without_any_event_counts_as_an_outage(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient([], text("Hello")))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.COMPLETED
        assert [turn.error for turn in await sqlite_store.runs.turns(run.id)] == ["ModelUnavailable", None]

    async def test_it_fails_the_run_after_so_many_attempts(self, sqlite_store: Store) -> None:
        bench = Bench(sqlite_store, ScriptedClient(*[[TextDelta("Hal")]] * QUICK.attempts))
        with bench.model.used_up():
            run = await bench.answer("Hi")
        assert run.status is RunStatus.FAILED
