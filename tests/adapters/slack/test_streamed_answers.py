"""Whole answers from the relay into direct messages: whatever is true of Slack's streams, the text arrives complete."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.domain.deliveries import Event
from bot.domain.messages import Author
from bot.domain.runs import RunStatus
from bot.domain.steps import CallState
from bot.playground.slack import SlackStandIn
from bot.ports import Clock, Ending, RunSink, Store
from bot.relay import Relay
from tests.adapters.slack.test_streams import Talk
from tests.support.figures import tell
from tests.support.long_answer import difference, long_answer
from tests.support.rules import SameEverywhere
from tests.support.run_script import FastClock, RunScript, StoreControl, assistant_of, claim

SPEED = 200.0
VARIANTS: dict[str, dict[str, Any]] = {
    "as reported": {},
    "white space at seams is lost": {"eats_leading_space": True},
    "small messages": {"most_bytes": 10_600},
    "any size": {"most_bytes": None},
    "short life": {"seconds": 1.0},
    "short life without news": {"seconds": 1.0, "life": "idle"},
    "no streams": {"refusal": "unknown_method"},
}


@asynccontextmanager
async def answering(
    talk: Talk, store: Store, clock: Clock, control: StoreControl | None = None
) -> AsyncGenerator[tuple[RunScript, RunSink]]:
    """The question is accepted, and its run is ours."""
    event = Event(
        keys=(f"slack:{time.monotonic_ns()}",),
        conversation="slack:thread",
        address=talk.address,
        author=Author(platform="slack", id="T:U", name="Ada"),
        text="how?",
    )
    assistant = await assistant_of(store)
    await store.intake.accept(event, assistant)
    work, lease = await claim(store)
    relay = Relay(store, [talk.adapter], SameEverywhere(assistant), clock, control or StoreControl(store))
    async with relay.open(work, lease) as sink:
        script = RunScript(store, lease, work.run, sink)
        await script.start()
        yield script, sink
    await talk.adapter.close()


def texts(talk: Talk) -> list[str]:
    """The Markdown of every message of the answer."""
    place = talk.address.place
    found = [one for one in talk.slack.messages(place["channel"], thread=place["thread"]) if one.from_bot]
    return ["".join(str(b["text"]) for b in one.blocks if b["type"] == "markdown").rstrip() for one in found]


def streaming(talk: Talk) -> list[str]:
    place = talk.address.place
    found = talk.slack.messages(place["channel"], thread=place["thread"])
    return [one.ts for one in found if one.streaming is not None and not one.streaming.end]


@pytest.mark.parametrize("variant", VARIANTS)
async def test_the_whole_text_arrives(slack: SlackStandIn, sqlite_store: Store, variant: str) -> None:
    """Six virtual minutes of an answer of 14,000 characters: rotated, complete, in order, once, and all ended."""
    source, clock = long_answer(14_000), FastClock(SPEED)
    talk = Talk(slack, sqlite_store.notes, "dm", native_starts=1_000)
    await talk.ask()
    talk.rule(**VARIANTS[variant])
    async with answering(talk, sqlite_store, clock) as (script, sink):
        began, said = clock.monotonic(), 0
        while said < len(source):
            due = min(len(source), int((clock.monotonic() - began) / 360 * len(source)) + 1)
            if due > said:
                await script.say(source[said:due])
                said = due
            await clock.sleep(0.5)
        await sink.finish(await script.complete())
    assert difference(source, texts(talk)) == ""
    assert streaming(talk) == []
    assert not slack.faults_seen
    chunks = [
        str(c.parameters.get("markdown_text", "")) for c in slack.calls if c.method == "chat.appendStream" and c.ok
    ]
    assert not any(chunk[:1].isspace() for chunk in chunks)
    native, edits = talk.methods.count("startStream"), talk.methods.count("update")
    assert (native > 1) is (variant != "no streams")
    tell(f"14,000 characters, {variant}: {native} streams, {len(chunks)} appends, {edits} edits")


async def test_a_press_of_slacks_own_stop_ends_the_run(slack: SlackStandIn, sqlite_store: Store) -> None:
    """Even when the event of it is lost: the next append is refused, and that stops the run."""
    clock, control = FastClock(SPEED), StoreControl(sqlite_store)
    talk = Talk(slack, sqlite_store.notes, "dm")
    await talk.ask()
    async with answering(talk, sqlite_store, clock, control) as (script, sink):
        await script.say("The beginning of an answer that is long enough to be shown. ")
        await slack.wait_for(lambda: streaming(talk))
        slack.lose_next_events(1)
        slack.stop_session("ada", "dm", talk.address.place["thread"])
        await script.say("And here it goes on and on and on.")
        await control.stopped.wait()
        await sink.finish(await script.end(Ending(status=RunStatus.CANCELLED, open_text=script.said)))
    assert control.cancelled == [script.run.id]
    assert texts(talk) == [f"{script.said}\n\n_Stopped._"]
    assert talk.session == "active"


async def test_steps_are_cards_and_the_text_is_free_of_them(slack: SlackStandIn, sqlite_store: Store) -> None:
    clock, talk = FastClock(SPEED), Talk(slack, sqlite_store.notes, "dm")
    await talk.ask()
    async with answering(talk, sqlite_store, clock) as (script, sink):
        await script.say("Let me look that up for you.\n")
        call = await script.call("search")
        await slack.wait_for(lambda: any(one.steps for one in slack.view().messages))
        [step] = next(one.steps for one in slack.view().messages if one.steps)
        assert (step.title, step.state) == ("search", "running")
        assert texts(talk) == ["Let me look that up for you."]
        await script.returned(call, "nothing", CallState.FAILED)
        await script.say("I could not find it, I am sorry.")
        await sink.finish(await script.complete())
    [step] = next(one.steps for one in slack.view().messages if one.steps)
    assert (step.title, step.state) == ("Failed: search", "done")
    assert texts(talk) == ["Let me look that up for you.\n\nI could not find it, I am sorry."]


async def test_after_a_crash_another_process_ends_the_answer(slack: SlackStandIn, sqlite_store: Store) -> None:
    """The stream that was left open is stopped and its message edited; nothing is shown twice."""
    clock, talk = FastClock(SPEED), Talk(slack, sqlite_store.notes, "dm")
    await talk.ask()
    async with answering(talk, sqlite_store, clock) as (script, _):
        await script.say("A beginning of an answer that is shown to the person. ")
        await slack.wait_for(lambda: streaming(talk))
    await sqlite_store.lanes.release(script.lease)
    work, lease = await claim(sqlite_store)
    successor = talk.another()
    rules = SameEverywhere(await assistant_of(sqlite_store))
    async with Relay(sqlite_store, [successor], rules, clock, StoreControl(sqlite_store)).open(work, lease) as sink:
        again = RunScript(sqlite_store, lease, work.run, sink)
        await sink.finish(await again.end(Ending(status=RunStatus.FAILED)))
    assert (len(texts(talk)), streaming(talk), talk.session) == (1, [], "active")
    assert talk.methods.count("startStream") == 1
    await successor.close()
