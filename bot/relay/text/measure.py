"""How long a text is in a platform's own counting, and where it may be cut between two visible characters."""

import unicodedata
from typing import Literal

Measure = Literal["code_points", "utf16", "utf8"]

_JOINER = "\u200d"
_VIRAMA = 9
_LONGEST_RUN = 200
"""Flags in a row that are looked at; an even number, so that longer rows are taken for pairs."""
_CODECS = {"utf16": ("utf-16-le", 2), "utf8": ("utf-8", 1)}


def size(text: str, measure: Measure) -> int:
    """The length of `text` in units of `measure`. Lone surrogates count as what replaces them."""
    if measure == "code_points":
        return len(text)
    codec, width = _CODECS[measure]
    return len(text.encode(codec, "replace")) // width


def reach(text: str, start: int, budget: int, measure: Measure) -> int:
    """The greatest end for which `text[start:end]` is at most `budget` units long."""
    window = text[start : start + budget]
    if measure == "code_points":
        return start + len(window)
    codec, width = _CODECS[measure]
    encoded = window.encode(codec, "replace")
    return start + len(encoded[: budget * width].decode(codec, "ignore"))


def is_grapheme_boundary(text: str, position: int) -> bool:
    """Whether a cut at `position` leaves every visible character whole (a close approximation of Unicode's rules)."""
    if position <= 0 or position >= len(text):
        return True
    before, after = text[position - 1], text[position]
    if before == "\r" and after == "\n":
        return False
    if after < "\u0300":  # the quick way out for nearly all text
        return before != _JOINER
    if before == _JOINER or _extends(after) or _joins_syllable(before, after):
        return False
    return not (_is_regional(before) and _is_regional(after) and _regional_run(text, position) % 2 == 1)


def _extends(char: str) -> bool:
    return (
        char == _JOINER
        or unicodedata.category(char) in ("Mn", "Me", "Mc")
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tag sequences: flags of regions
    )


def _joins_syllable(before: str, after: str) -> bool:
    if unicodedata.combining(before) == _VIRAMA:
        return unicodedata.category(after) == "Lo"
    leading = "\u1100" <= before <= "\u115f"
    vowel = "\u1160" <= after <= "\u11a7"
    trailing = "\u11a8" <= after <= "\u11ff"
    return (leading and (vowel or "\u1100" <= after <= "\u115f")) or (trailing and "\u1160" <= before <= "\ud7a3")


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _regional_run(text: str, position: int) -> int:
    count, most = 0, min(position, _LONGEST_RUN)
    while count < most and _is_regional(text[position - 1 - count]):
        count += 1
    return count
