"""The estimate that stands in for a tokenizer."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.tokens import estimate_tokens


def test_english_counts_by_characters() -> None:
    assert estimate_tokens("a" * 400) == 100


def test_wide_scripts_count_by_bytes() -> None:
    assert estimate_tokens("東" * 100) == 60


def test_nothing_is_nothing_and_anything_is_something() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(first: str, second: str) -> None:
    assert estimate_tokens(first + second) >= max(estimate_tokens(first), estimate_tokens(second))
