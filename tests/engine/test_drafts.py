"""The pure parts: a turn's draft, cut texts, data blocks, names."""

import hashlib
import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import LONGEST_FILE, LONGEST_PERSON
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
from bot.engine.draft import Draft
from bot.engine.failures import EmptyAnswer, name_of, wait_before_next
from bot.engine.prompt import plain_file, plain_person
from bot.engine.sizes import clip
from bot.errors import BrokenStream, ContentFiltered, ContextTooLong, ModelError, ModelUnavailable

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
def test_whatever_arrives_the_words_are_what_was_shown_and_caps_hold(events: list[ModelEvent]) -> None:
    draft = Draft(LIMITS)
    in_order = sorted(events, key=lambda event: isinstance(event, RefusalDelta))  # text comes before a refusal
    shown = "".join(draft.take(event) for event in in_order)
    written = "".join(event.text for event in in_order if isinstance(event, TextDelta | RefusalDelta))
    assert draft.words == shown
    draft.take(Finished(FinishReason.STOP))
    result = draft.result(REQUEST)
    assert result.text + result.refusal == (written[:50] if written.strip() else "")
    assert shown == "\n\n".join(filter(None, (result.text, result.refusal)))
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


def test_nobody_who_writes_a_file_can_work_out_its_mark() -> None:
    """It is the same for the same file in this process, but not made from the content alone."""
    block = fenced("file", "n", "text", "Here:")
    assert block == fenced("file", "n", "text", "Here:")
    assert hashlib.sha256(b"text").hexdigest()[:16] not in block
    code = "from bot.engine.attachments import fenced; print(fenced('file', 'n', 'text', 'Here:'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.startswith('Here:\n<file mark="')
    assert other.strip() != block


@given(st.text(max_size=200))
def test_a_name_stays_one_harmless_line(name: str) -> None:
    for clean, longest in ((plain_person(name), LONGEST_PERSON), (plain_file(name), LONGEST_FILE)):
        assert clean
        assert len(clean) <= longest
        assert not set(clean) & set('[]<>"\n')
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


def waits_of(error: ModelError, limits: EngineLimits) -> list[float]:
    """The waits between the attempts of a turn that always fails like this."""
    earlier: list[str] = []
    waits: list[float] = []
    while (wait := wait_before_next(error, earlier, limits)) is not None:
        waits.append(wait)
        earlier.append(name_of(error))
    return waits


def test_a_run_outlives_a_provider_that_is_away_for_a_minute_with_few_requests() -> None:
    waits = waits_of(ModelUnavailable(), EngineLimits())
    assert sum(waits) >= 60
    assert len(waits) == 3
    assert all(wait > EngineLimits().patience for wait in waits), "each wait gives the lane back"


def test_the_provider_s_word_counts_when_it_asks_for_more_time() -> None:
    assert waits_of(ModelUnavailable(retry_after=200.0), EngineLimits()) == [200.0] * 3
    assert min(waits_of(ModelUnavailable(retry_after=0.1), EngineLimits())) >= 10


@pytest.mark.parametrize("error", [BrokenStream(), EmptyAnswer()])
def test_broken_answers_are_asked_again_soon_and_a_limited_number_of_times(error: ModelError) -> None:
    waits = waits_of(error, EngineLimits())
    assert len(waits) == 2
    assert sum(waits) < 5


def test_outages_and_broken_answers_do_not_use_up_each_other_s_attempts() -> None:
    earlier = ["BrokenStream", "ModelUnavailable", "ModelUnavailable", "ContextTooLong"]
    assert wait_before_next(BrokenStream(), earlier, EngineLimits()) is not None
    assert wait_before_next(ModelUnavailable(), earlier, EngineLimits()) is not None
    assert wait_before_next(ContextTooLong(), earlier, EngineLimits()) is None


def test_what_the_provider_refuses_is_not_asked_again() -> None:
    assert waits_of(ModelError(), EngineLimits()) == []
    assert waits_of(ContentFiltered(), EngineLimits()) == []
