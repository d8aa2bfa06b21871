"""Markdown in Discord's dialect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.markup import DiscordDialect
from tests.adapters.growth import assert_linear

convert = DiscordDialect().convert

LINES = st.sampled_from(
    [
        "text",
        "",
        "| a | b |",
        "|---|:-:|",
        "| 1 | long cell |",
        "a | b",
        "```py",
        "```",
        "~~~",
        "#### deep",
        "# top",
        "@everyone",
    ]
)


def test_a_table_becomes_an_aligned_code_block() -> None:
    assert convert("| a | bb |\n|---|---|\n| ccc | d |\n\nafter") == "```\na    bb\n───  ──\nccc  d\n```\n\nafter"


def test_bars_without_a_rule_are_no_table() -> None:
    assert convert("a | b\nc | d") == "a | b\nc | d"


def test_a_table_in_a_fence_stays() -> None:
    text = "```\n| a |\n|---|\n```"
    assert convert(text) == text


def test_deep_headings_become_bold() -> None:
    assert convert("#### Four #\n### Three") == "**Four**\n### Three"


def test_mass_mentions_are_broken() -> None:
    assert "@everyone" not in convert("@everyone and @here")
    assert "@here" not in convert("@everyone and @here")


@given(st.lists(LINES), st.lists(LINES))
def test_more_text_never_changes_finished_blocks(before: list[str], after: list[str]) -> None:
    """A block is finished by a line that is neither part of a table nor inside a fence."""
    source = "\n".join([*before, "", "end"])
    converted = convert(source)
    if converted.endswith("\n\nend"):
        assert convert("\n".join([source, *after])).startswith(converted.removesuffix("end"))


@pytest.mark.parametrize(
    "piece", ["#### a" + " " * 9, " ", "#", "-", "|", "|-", "| ", "`", "a|\n-|\n", "|\n", "#### #"]
)
@pytest.mark.parametrize("before", ["", "#### ", "a|b\n|-", "#### a"])
def test_no_text_freezes_the_bot(piece: str, before: str) -> None:
    assert_linear(lambda size: convert(before + piece * (size // len(piece)) + "x"))
