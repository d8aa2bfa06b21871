"""Messages that can only grow: they are left for new ones in time, and what stands in one is never changed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.domain.runs import NOTE_OF_BREAKS, RunStatus
from bot.domain.steps import CallState
from bot.errors import StoppedByPerson
from bot.ports import Ending, RunSink, Store
from bot.relay import Relay
from bot.relay.contract import Capabilities, Outbound, Pacing, Terms
from tests.support.memory_adapter import CAPABILITIES, MemoryAdapter
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StoreControl, asked, assistant_of, claim

LIFE = 240.0
GRACE = 30.0
QUICK = Pacing(limit=500, window=5.0, reserve=0, min_interval=0.05)
GROWING = Terms(bucket="streams", pacing=QUICK, life=LIFE)
ROOMY = CAPABILITIES.model_copy(update={"soft_limit": 9_000, "hard_limit": 10_500, "tasks": True})
PARAGRAPH = "This is a paragraph that is long enough to be shown at once.\n\n"


class JumpingClock(FastClock):
    """Seconds can be skipped."""

    skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


def adapter_of(capabilities: Capabilities = ROOMY) -> MemoryAdapter:
    return MemoryAdapter(capabilities=capabilities, terms_of={"general": GROWING})


@asynccontextmanager
async def opened(
    store: Store, adapter: MemoryAdapter, clock: FastClock, control: StoreControl | None = None
) -> AsyncIterator[tuple[RunScript, RunSink]]:
    work, lease = await asked(store)
    relay = Relay(store, [adapter], SameEverywhere(await assistant_of(store)), clock, control or StoreControl(store))
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        yield script, sink


def check(adapter: MemoryAdapter) -> None:
    """What was said to stand stands in all that came later, but for white space at the end."""
    for message in adapter.messages:
        stands = ""
        for outbound in message.shown:
            assert outbound.text.startswith(stands.rstrip()), message.id
            stands = outbound.text[: outbound.settled]
    last = [message.now for message in adapter.visible]
    assert all(outbound.complete for outbound in last)
    assert [outbound.final for outbound in last] == [False] * (len(last) - 1) + [True]


def stands(adapter: MemoryAdapter, number: int = -1) -> str:
    now = adapter.visible[number].now if adapter.visible else Outbound(text="-")
    return now.text[: now.settled]


async def test_a_message_that_is_old_is_left_at_the_end_of_a_paragraph(sqlite_store: Store) -> None:
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say(PARAGRAPH + "And here comes more")
        await adapter.until(lambda: stands(adapter).endswith("comes "))
        clock.skipped += LIFE
        await script.say(" of it.\n\nA new paragraph begins")
        await adapter.until(lambda: len(adapter.visible) == 2)
        await script.say(" and ends.")
        await sink.finish(await script.complete())
    assert adapter.texts == [PARAGRAPH + "And here comes more of it.", "A new paragraph begins and ends."]
    assert [message.now.continuation for message in adapter.visible] == [False, True]
    check(adapter)


async def test_in_the_middle_of_a_paragraph_it_waits_for_a_while_only(sqlite_store: Store) -> None:
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("One long paragraph without an end that goes ")
        await adapter.until(lambda: len(adapter.visible) == 1)
        clock.skipped += LIFE
        await script.say("on and on and on and ")
        await adapter.until(lambda: stands(adapter).endswith("and on "))
        assert len(adapter.visible) == 1
        clock.skipped += GRACE
        await script.say("is not finished yet")
        await adapter.until(lambda: adapter.visible[0].now.complete)
        await script.say(" but ends here.")
        await sink.finish(await script.complete())
    first, second = adapter.texts
    assert (
        f"{first} {second}"
        == "One long paragraph without an end that goes on and on and on and is not finished yet but ends here."
    )
    check(adapter)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("```python\na = 1\nb = 2\nc", " = 3\n```\n", ["```python\na = 1\nb = 2\n```", "```python\nc = 3\n```"]),
        (
            "| name | size |\n|---|---|\n| one | 1 |\n| tw",
            "o | 2 |\n",
            ["| name | size |\n|---|---|\n| one | 1 |", "| name | size |\n|---|---|\n| two | 2 |"],
        ),
    ],
)
async def test_code_and_tables_are_closed_and_begun_again(
    sqlite_store: Store, before: str, after: str, shown: Sequence[str]
) -> None:
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say(before)
        await adapter.until(lambda: len(adapter.visible) == 1)
        clock.skipped += LIFE + GRACE
        await script.say("")
        await adapter.until(lambda: adapter.visible[0].now.complete)
        await script.say(after)
        await sink.finish(await script.complete())
    assert adapter.texts == shown
    check(adapter)


async def test_a_message_is_left_in_time_although_nothing_new_is_said(sqlite_store: Store) -> None:
    """Its life would end while a tool runs; what is said afterwards stands in a new message."""
    adapter, clock = adapter_of(), JumpingClock(speed=2_000)
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("Let me look that up for you, it takes a moment.")
        call = await script.call("search")
        await adapter.until(lambda: bool(adapter.visible) and adapter.visible[0].now.complete)
        assert adapter.texts == ["Let me look that up for you, it takes a moment."]
        await script.returned(call, "found")
        await script.say("I have found what you are looking for.")
        await adapter.until(lambda: len(adapter.visible) == 2)
        await sink.finish(await script.complete())
    assert adapter.texts[1] == "I have found what you are looking for."
    check(adapter)


async def test_all_that_was_said_is_shown_when_the_assistant_pauses(sqlite_store: Store) -> None:
    """While it is being said the last word waits: what follows could begin with white space."""
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("Let me look that up for you, it takes a moment.")
        await adapter.until(lambda: stands(adapter).endswith("takes a "))
        call = await script.call("search")
        await adapter.until(lambda: stands(adapter).endswith("a moment."))
        await script.returned(call, "found")
        await script.say("Found it, and it is good.")
        await sink.finish(await script.complete())
    assert adapter.texts == ["Let me look that up for you, it takes a moment.\n\nFound it, and it is good."]
    check(adapter)


async def test_a_long_message_is_left_behind_what_it_shows(sqlite_store: Store) -> None:
    """By size too: never by moving what stands; between two paragraphs from the soft limit on."""
    adapter, clock = adapter_of(CAPABILITIES.model_copy(update={"max_segments": 20})), JumpingClock()
    said = "".join(f"{number}: " + "word and word " * (number % 5 + 2) + "end.\n\n" for number in range(30))
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        for start in range(0, len(said), 17):
            await script.say(said[start : start + 17])
            if start % 170 == 0:
                shown = stands(adapter)
                await adapter.until(lambda before=shown: stands(adapter) != before)
        await sink.finish(await script.complete())
    assert "\n\n".join(adapter.texts) == said.strip()
    assert all(text.endswith("end.") for text in adapter.texts)
    check(adapter)


async def test_after_a_crash_the_messages_are_the_same(sqlite_store: Store) -> None:
    """Where a message was left because of its age is remembered: nothing moves, nothing is shown twice."""
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, _):
        await script.say(PARAGRAPH)
        await adapter.until(lambda: len(adapter.visible) == 1)
        clock.skipped += LIFE
        await script.say("The second message goes on here for a while")
        await adapter.until(lambda: len(adapter.visible) == 2)
        await script.call("search")  # the turn is on record now
    work, lease = script.run, script.lease
    assert await sqlite_store.notes.read(f"{NOTE_OF_BREAKS}{work.id}")
    relay = Relay(
        sqlite_store, [adapter], SameEverywhere(await assistant_of(sqlite_store)), clock, StoreControl(sqlite_store)
    )
    await sqlite_store.lanes.release(lease)
    again, lease = await claim(sqlite_store)
    async with relay.open(again, lease) as sink:
        script = RunScript(sqlite_store, lease, again.run, sink)
        await sink.finish(await script.stop())
    assert adapter.texts == [PARAGRAPH.strip(), "The second message goes on here for a while\n\n_Stopped._"]


async def test_a_message_that_the_platform_has_closed_is_left_at_once(sqlite_store: Store) -> None:
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("A beginning that is long enough to be shown, ")
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.terms_after.append(Terms(bucket="edits", life=0.0))
        await script.say("and its middle, which does not fit ")
        await adapter.until(lambda: adapter.visible[0].now.complete)
        await script.say("any more.")
        await sink.finish(await script.complete())
    first, second = adapter.texts
    assert f"{first} {second}" == (
        "A beginning that is long enough to be shown, and its middle, which does not fit any more."
    )


async def test_a_message_that_can_be_edited_again_is_written_as_everywhere(sqlite_store: Store) -> None:
    """The adapter says so when it had to give the stream up: then it holds no life, and all text is shown."""
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("A beginning that is long enough to be shown, ")
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.terms_after.append(Terms(bucket="edits", pacing=QUICK))
        await script.say("a middle ")
        await adapter.until(lambda: not adapter.terms_after)
        clock.skipped += LIFE + GRACE
        await script.say("and half a wor")
        await adapter.until(lambda: adapter.texts[-1].endswith("half a wor"))
        await sink.finish(await script.complete())
    assert len(adapter.texts) == 1


async def test_a_stop_at_the_platform_stops_the_run(sqlite_store: Store) -> None:
    adapter, clock, control = adapter_of(), JumpingClock(), StoreControl(sqlite_store)
    async with opened(sqlite_store, adapter, clock, control) as (script, sink):
        await script.say("A beginning that is long enough to be shown, ")
        await adapter.until(lambda: len(adapter.visible) == 1)
        adapter.faults["edit"].append(StoppedByPerson())
        await script.say("and more of it.")
        await control.stopped.wait()
        await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED, open_text=script.said)))
    assert control.cancelled == [script.run.id]
    assert adapter.texts[0].endswith("_Stopped._")


async def test_steps_stand_beside_the_text(sqlite_store: Store) -> None:
    """On platforms that show them: no line of progress in the text; a later message shows only what is newer."""
    adapter, clock = adapter_of(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("Let me look that up for you, it takes a moment.")
        first = await script.call("search")
        await adapter.until(lambda: any(message.now.tasks for message in adapter.visible))
        [task] = adapter.visible[0].now.tasks
        assert (task.title, task.state) == ("search", "running")
        await script.returned(first, "found")
        await adapter.until(lambda: adapter.visible[0].now.tasks[0].state == "done")
        clock.skipped += LIFE + GRACE
        await script.say("I have found something good, but there is more.")
        await adapter.until(lambda: len(adapter.visible) == 2)
        second = await script.call("weather")
        await adapter.until(lambda: bool(adapter.visible[1].now.tasks))
        await script.returned(second, "boom", CallState.FAILED)
        await sink.finish(await script.complete())
    assert all("Running" not in outbound.text for message in adapter.messages for outbound in message.shown)
    assert [(task.title, task.state) for task in adapter.visible[1].now.tasks] == [("weather", "failed")]


async def test_platforms_without_steps_keep_the_line(sqlite_store: Store) -> None:
    adapter, clock = MemoryAdapter(), JumpingClock()
    async with opened(sqlite_store, adapter, clock) as (script, sink):
        await script.say("Let me look that up for you, it takes a moment.")
        call = await script.call("search")
        await adapter.until(lambda: any("Running `search`" in text for text in adapter.texts))
        await script.returned(call, "found")
        await sink.finish(await script.complete())
    assert not any(outbound.tasks for message in adapter.messages for outbound in message.shown)
