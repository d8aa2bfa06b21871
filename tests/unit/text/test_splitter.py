"""The splitter: stable boundaries, whole marks, balanced fences, nothing lost."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.relay.text.measure import Measure, is_grapheme_boundary, size
from bot.relay.text.splitter import Splitter, split

MEASURES: tuple[Measure, ...] = ("code_points", "utf16", "utf8")

words = st.text(st.sampled_from("abcdeöß漢字。.!? "), min_size=1, max_size=40)
BLOCKS = st.one_of(
    words,
    st.sampled_from(["\n", "\n\n", "\r\n", "\r\n\r\n", " ", "  \n", "\n\n\n\n"]),
    st.builds(lambda w: f"\n\n{w}\n", words),
    st.builds(
        "\n{0}{1}\n{2}\n{3}\n".format,
        st.sampled_from(["```", "~~~~", "   ```", "> ```", "````"]),
        st.sampled_from(["", "python", "a" * 25]),
        st.text("abc=()\n `~|", max_size=200),
        st.sampled_from(["```", "~~~~", "````", ""]),
    ),
    st.builds(
        "\n| a | b |\n|---|---|\n{0}\n".format,
        st.lists(st.sampled_from(["| 1 | 2 |", "| long cell | x |"]), max_size=12).map("\n".join),
    ),
    st.sampled_from(
        [
            "[text with words](https://example.com/a_(b)?q=1)",
            "<@U123456>",
            "||a spoiler here||",
            "**bold words here**",
            "<:party:123456789>",
            "【4:0†handbook.md】",
            "`inline code`",
            "https://example.com/very/long/path",
        ]
    ),
    st.sampled_from(["👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "é́", "👍🏽", "각", "क्षि"]),
    st.integers(50, 400).map(lambda n: "x" * n),
    st.sampled_from(
        ["- item one\n- item two\n", "1. first\n2. second\n", "# Heading\n\n", "`", "**", "[", "<", "||", "```", "|"]
    ),
)
sources = st.lists(BLOCKS, max_size=40).map("".join)
limits = st.sampled_from([(100, 160), (200, 300), (300, 300), (1900, 2000)])


def unbalanced(text: str) -> bool:
    """A second, simpler reader of fences than the splitter's own."""
    open_run = ""
    for line in text.split("\n"):
        bare = re.sub(r"^[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?", "", line).rstrip()
        run = re.match(r"`{3,24}(?!`)|~{3,24}(?!~)", bare)
        if open_run:
            body = line.strip(" \t>").rstrip() if open_run[0] == ">" else line.strip()
            if open_run[0] == ">" and not line.lstrip().startswith(">"):
                open_run = ""
            elif len(body) >= len(open_run.lstrip(">")) and not body.strip(open_run[-1]):
                open_run = ""
                continue
            else:
                continue
        quoted = ">" if ">" in line[: len(line) - len(bare)] else ""
        prefix = len(line.rstrip()) - len(bare)
        if run and prefix + len(run[0]) <= 24 and not ("`" in run[0] and "`" in bare[len(run[0]) :]):
            open_run = quoted + run[0]
    return bool(open_run) and open_run[0] != ">"  # a quote ends with its message, and its fence with it


@given(sources, limits, st.sampled_from(MEASURES))
@settings(max_examples=300, deadline=None)
def test_nothing_is_lost_and_everything_fits(source: str, limit: tuple[int, int], measure: Measure) -> None:
    """Bodies concatenate to the source, each text is within the hard limit, not blank, and its fences are balanced."""
    soft, hard = limit
    splitter = Splitter(soft, hard, measure)
    pieces = splitter.update(source)
    shown = re.sub(r"\s", "", "".join(piece.body for piece in pieces))
    assert re.fullmatch(re.escape(shown) + "[`~]*", re.sub(r"\s", "", source))
    for piece in pieces:
        assert piece.text.strip()
        assert size(piece.text, measure) <= hard
        assert not unbalanced(piece.text)
        assert re.sub(r"[\s`~]", "", piece.text) == re.sub(r"[\s`~]", "", piece.opener + piece.body + piece.closer)


@given(sources, limits, st.lists(st.integers(1, 300), min_size=1))
@settings(max_examples=300, deadline=None)
def test_growing_never_moves_a_boundary(source: str, limit: tuple[int, int], steps: list[int]) -> None:
    """However the text arrives, closed pieces stay as they are and the end is the same as for the text at once."""
    soft, hard = limit
    splitter = Splitter(soft, hard, "utf16")
    position, seen = 0, ()
    while position < len(source):
        position += steps[position % len(steps)]
        pieces = tuple(piece.body for piece in splitter.update(source[:position]))
        assert pieces[: max(0, len(seen) - 1)] == seen[:-1]
        if seen and len(pieces) >= len(seen):
            assert pieces[len(seen) - 1].startswith(seen[-1][:1])
        seen = pieces
    assert tuple(piece.text for piece in splitter.update(source)) == split(source, soft, hard, "utf16")


@given(
    st.lists(
        st.sampled_from(
            [
                "word ",
                "[some text](https://example.com/path) ",
                "<@U12345678> ",
                "||hidden words|| ",
                "**bold and long** ",
                "<:party:12345> ",
                "【4:0†source】 ",
                "👩‍👩‍👧‍👦",
                "🇩🇪",
                "sentence. ",
            ]
        ),
        min_size=30,
        max_size=90,
    )
)
@settings(max_examples=200, deadline=None)
def test_marks_and_graphemes_stay_whole(parts: list[str]) -> None:
    """No boundary lies within a link, mention, spoiler, bold text, emoji, citation mark or grapheme."""
    source = "".join(parts)
    inside = set()
    position = 0
    for part in parts:
        mark = part.rstrip()
        if mark not in ("word", "sentence."):
            inside.update(range(position + 1, position + len(mark)))
        position += len(part)
    at = 0
    for piece in Splitter(150, 200, "code_points").update(source)[:-1]:
        at += len(piece.body)
        assert at not in inside
        assert is_grapheme_boundary(source, at)


def test_a_fence_is_closed_and_reopened_with_its_language() -> None:
    source = "```python\n" + "\n".join(f"line_{n} = {n}" for n in range(60)) + "\n```\nafter"
    pieces = split(source, 300, 400, "utf16")
    assert len(pieces) > 2
    assert all(piece.startswith("```python\nline_") for piece in pieces[:-1])
    assert all(piece.endswith("\n```") for piece in pieces[:-1])
    assert pieces[-1].endswith("```\nafter")


def test_a_fence_that_begins_late_moves_to_the_next_message() -> None:
    source = "Intro text here.\n" * 10 + "```\n" + "code\n" * 60 + "```"
    pieces = split(source, 300, 400, "utf16")
    assert pieces[0].endswith("Intro text here.")
    assert pieces[1].startswith("```\ncode")


def test_a_message_is_never_an_empty_code_block() -> None:
    for length in range(230, 320):
        source = "```\n" + "c" * 9 + ("\n" + "c" * 9) * (length // 10) + "\n```\n"
        assert all(piece.strip("`\n") for piece in split(source, 250, 300, "utf16"))


def test_table_headers_are_repeated() -> None:
    header = "| name | value |\n|---|---|\n"
    pieces = split("Before\n\n" + header + "| row | 1 |\n" * 60, 300, 400, "utf16")
    assert len(pieces) > 2
    assert all(piece.startswith(header + "| row") for piece in pieces[1:])


def test_preference_is_blank_line_then_line_then_sentence_then_space() -> None:
    filler = "word " * 28
    assert split(filler + "\n\nNext part. And on\nline " + "word " * 30, 200, 300, "utf16")[0] == filler.rstrip()
    assert split(filler + "end. Next\nline " + "word " * 30, 200, 300, "utf16")[0].endswith("Next")
    assert split(filler + "end. Next line " + "word " * 30, 200, 300, "utf16")[0].endswith("end.")


@pytest.mark.parametrize("measure", MEASURES)
def test_an_answer_of_fifty_thousand_characters_in_small_steps_is_cheap(measure: Measure) -> None:
    """12,500 updates take less than three seconds even on a busy machine (quadratic work would take minutes)."""
    source = ("A sentence with some words in it, and **bold** ones. " * 9 + "\n\n") * 110
    splitter = Splitter(1900, 2000, measure)
    begin = time.process_time()
    for end in range(0, 50_000, 4):
        splitter.update(source[:end])
    assert time.process_time() - begin < 3
