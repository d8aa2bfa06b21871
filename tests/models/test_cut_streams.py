"""A stream that ends before its terminal event is a failure, wherever and however it was cut."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.turns import Finished
from bot.errors import BrokenStream
from tests.models.asking import WIRES, connected, events_of, text_of, until_failure
from tests.support.model_frames import frames_of
from tests.support.model_server import Call, Reply, ScriptedModel, encoded

SCRIPT: dict[str, Any] = {
    "text": "Grüße aus 東京 😀",
    "calls": [Call("a", {"x": 1}), Call("b", {"y": [1, 2]}, "call_2")],
}


async def whole(server: ScriptedModel, wire: str) -> list[Any]:
    async with connected(server, wire=wire) as client:
        server.enqueue(Reply(**SCRIPT))
        return await events_of(client)


@pytest.mark.parametrize("cut", ["reset", "clean"])
@pytest.mark.parametrize("wire", WIRES)
async def test_a_cut_after_any_frame_breaks_the_turn_after_the_same_prefix(wire: str, cut: Any) -> None:
    """Only a chat stream that ends cleanly behind its finish reason is whole: that is its terminal event."""
    frames = frames_of(Reply(**SCRIPT), wire, {"stream_options": {"include_usage": True}})
    last = len(frames) - 1 if wire == "responses" else len(frames) - 3
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        complete = await whole(server, wire)
        for place in range(len(frames)):
            server.enqueue(Reply(**SCRIPT, cut_after_frames=place, cut=cut))
            if wire == "chat" and cut == "clean" and place > last:
                assert (await events_of(client))[-1] == complete[-1]
                continue
            events, failure = await until_failure(client)
            assert isinstance(failure, BrokenStream), place
            assert events == complete[: len(events)]
            assert not any(isinstance(event, Finished) for event in events)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(WIRES), st.integers(0, 3000), st.sampled_from(["reset", "clean"]), st.sampled_from(["\n", "\r\n"])
)
async def test_a_cut_after_any_byte_never_finishes_a_turn_that_was_not_sent(
    wire: str, place: int, cut: Any, line_end: str
) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        complete = await whole(server, wire)
        frames = frames_of(Reply(**SCRIPT), wire, {"stream_options": {"include_usage": True}})
        terminal = frames[-1].data if wire == "responses" else frames[-3].data
        size = sum(len(encoded(frame.data, line_end)) for frame in frames[: [f.data for f in frames].index(terminal)])
        server.enqueue(Reply(**SCRIPT, cut_after_bytes=min(place, size), cut=cut, line_end=line_end))
        events, failure = await until_failure(client)
    assert isinstance(failure, BrokenStream)
    assert events == complete[: len(events)]
    assert not any(isinstance(event, Finished) for event in events)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(WIRES), st.integers(1, 700), st.sampled_from(["\n", "\r\n"]), st.booleans())
async def test_any_chunking_gives_the_same_events(wire: str, size: int, line_end: str, comments: bool) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire) as client:
        complete = await whole(server, wire)
        server.enqueue(Reply(**SCRIPT, write_size=size, line_end=line_end, comments=comments))
        assert await events_of(client) == complete
        assert text_of(complete) == SCRIPT["text"]


@pytest.mark.parametrize("wire", WIRES)
async def test_silence_longer_than_the_idle_limit_breaks_the_turn(wire: str) -> None:
    async with ScriptedModel() as server, connected(server, wire=wire, idle_timeout=0.1) as client:
        server.enqueue(Reply("one two", hold=asyncio.Event()))
        events, failure = await until_failure(client)
    assert isinstance(failure, BrokenStream)
    assert text_of(events) == "one "
