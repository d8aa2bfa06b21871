"""The pure parts: a turn's draft, cut texts, data blocks, names."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.turns import (
    CallArguments,
    CallDone,
    CallStarted,
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    Opaque,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from bot.engine import EngineLimits
from bot.engine.attachments import decode, fenced, is_text
from bot.engine.attempts import error_named, name_of
from bot.engine.authors import NAME_LENGTH, clean_name
from bot.engine.draft import Draft
from bot.engine.failure import EmptyAnswer
from bot.engine.sizes import clip
from bot.errors import BrokenStream, ContextTooLong, ModelError, ModelUnavailable

REQUEST = ModelRequest(model="m", instructions="", input=())
KEYS = st.sampled_from(["a", "b", "c"])
EVENTS = st.one_of(
    st.builds(TextDelta, st.text(max_size=20)),
    st.builds(RefusalDelta, st.text(max_size=20)),
    st.builds(ReasoningDelta, st.text(max_size=5)),
    st.builds(CallStarted, KEYS, st.text(max_size=3), st.sampled_from(["look", "order", ""])),
    st.builds(CallArguments, KEYS, st.text(max_size=30)),
    st.builds(CallDone, KEYS, st.text(max_size=30)),
    st.builds(Opaque, st.text(max_size=5)),
)
LIMITS = EngineLimits(turn_text=50, call_arguments=40, calls=1)


@given(st.lists(EVENTS, max_size=40))
def test_whatever_arrives_the_text_is_what_was_shown_and_caps_hold(events: list[ModelEvent]) -> None:
    draft = Draft(LIMITS)
    shown = "".join(draft.take(event) for event in events)
    written = "".join(event.text for event in events if isinstance(event, TextDelta | RefusalDelta))
    assert draft.text == shown
    assert shown == (written[:50] if written.strip() else "")
    draft.take(Finished(FinishReason.STOP))
    result = draft.result(REQUEST)
    assert result.text == shown
    assert all(len(call.arguments) <= 40 for call in result.calls)
    assert len(result.calls) <= 4


def test_a_draft_without_its_end_is_broken() -> None:
    with pytest.raises(BrokenStream):
        Draft(LIMITS).result(REQUEST)


def test_complete_arguments_replace_fragments() -> None:
    draft = Draft(LIMITS)
    for event in (CallStarted("k", "id", "look"), CallArguments("k", '{"a'), CallDone("k", '{"a":1}', (("x", "1"),))):
        draft.take(event)
    draft.take(Finished(FinishReason.STOP))
    (call,) = draft.result(REQUEST).calls
    assert (call.call_id, call.name, call.arguments, call.extra) == ("id", "look", '{"a":1}', {"x": "1"})


@given(st.text(max_size=300), st.integers(1, 200))
def test_a_cut_text_keeps_its_beginning_and_end_and_names_what_is_missing(text: str, most: int) -> None:
    cut = clip(text, most)
    if len(text) <= most:
        assert cut == text
        return
    found = re.fullmatch(r"(.*)\n\[… (\d+) characters left out …\]\n(.*)", cut, re.DOTALL)
    assert found is not None
    assert text.startswith(found[1])
    assert text.endswith(found[3])
    assert len(found[1]) + len(found[3]) + int(found[2]) == len(text)


@given(st.text(max_size=200))
def test_a_data_block_ends_where_its_mark_says(text: str) -> None:
    block = fenced("file", "n", text, "Here:")
    mark = re.search(r'mark="(\w+)"', block)
    assert mark is not None
    assert block.endswith(f"\n</file {mark[1]}>")
    assert mark[1] not in text


@given(st.text(max_size=200))
def test_a_name_stays_one_harmless_line(name: str) -> None:
    clean = clean_name(name)
    assert clean
    assert len(clean) <= NAME_LENGTH
    assert not set(clean) & set("[]<>\n")
    assert not any(unicodedata.category(char).startswith("C") for char in clean)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ä".encode(), "ä"),
        ("\ufeffa".encode(), "a"),
        ("ä".encode("utf-16"), "ä"),
        (b"\xff", "\ufffd"),
        (b"a\0b", "a\ufffdb"),
    ],
)
def test_text_files_are_decoded_whatever_they_are(content: bytes, text: str) -> None:
    assert decode(content) == text


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("text/csv", True),
        ("text/plain; charset=utf-8", True),
        ("application/json", True),
        ("image/svg+xml", True),
        ("application/pdf", False),
        ("image/png", False),
    ],
)
def test_which_files_are_text(media_type: str, *, expected: bool) -> None:
    assert is_text(media_type) is expected


@pytest.mark.parametrize(
    "error", [ModelUnavailable(), ModelUnavailable(limited=True), BrokenStream(), EmptyAnswer(), ContextTooLong()]
)
def test_a_failure_is_known_again_by_its_recorded_word(error: ModelError) -> None:
    again = error_named(name_of(error))
    assert type(again) is type(error)
    assert getattr(again, "limited", None) == getattr(error, "limited", None)
