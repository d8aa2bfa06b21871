"""Frames come out of bytes the same, however the network cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BrokenStream
from bot.models.frames import FrameSplitter

DATA = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1), max_size=6)


def split(*chunks: bytes) -> list[bytes]:
    splitter = FrameSplitter()
    return [data for chunk in chunks for data in splitter.feed(chunk)]


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({place % (len(body) + 1) for place in cuts})
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


@given(DATA, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.lists(st.integers(0, 5000)))
def test_any_chunking_gives_the_frames_that_were_sent(
    texts: list[str], line_end: str, comments: bool, cuts: list[int]
) -> None:
    comment = f": busy{line_end}{line_end}" if comments else ""
    body = "".join(f"{comment}event: x{line_end}data: {text}{line_end}{line_end}" for text in texts).encode()
    assert split(*cut(body, cuts)) == [text.encode() for text in texts]


def test_data_needs_no_space_after_its_colon() -> None:
    assert split(b"data:{}\n\ndata: {}\n\n") == [b"{}", b"{}"]


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert split(b"data:  x\n\n") == [b" x"]


def test_several_data_lines_are_one_text() -> None:
    assert split(b"data: a\ndata: b\n\n") == [b"a\nb"]


def test_a_frame_of_comments_only_is_nothing() -> None:
    assert split(b": OPENROUTER PROCESSING\n\n: again\n\ndata: x\n\n") == [b"x"]


def test_a_last_frame_without_its_blank_line_is_never_handed_out() -> None:
    assert split(b"data: a\n\ndata: b\n") == [b"a"]


def test_a_carriage_return_and_its_line_feed_may_come_in_two_reads() -> None:
    assert split(b"data: a\r\n\r", b"\ndata: b\r", b"\n\r\n") == [b"a", b"b"]


def test_a_frame_beyond_the_limit_breaks_the_stream() -> None:
    splitter = FrameSplitter(limit=100)
    assert list(splitter.feed(b"data: " + b"x" * 80 + b"\n\n")) == [b"x" * 80]
    with pytest.raises(BrokenStream):
        list(splitter.feed(b"data: " + b"x" * 100))


def test_a_line_end_cut_in_two_does_not_end_the_frame() -> None:
    assert split(b"data: a\r", b"\ndata: b\r\n\r\n") == [b"a\nb"]
