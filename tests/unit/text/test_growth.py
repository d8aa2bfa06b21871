"""Work on a text grows as its length does, whatever the text is made of."""

import time
from collections.abc import Callable

import pytest

from bot.relay.text.blocks import NOTHING, close_fence
from bot.relay.text.links import addresses, defang
from bot.relay.text.splitter import split
from bot.relay.text.unfinished import settled

LENGTH = 400_000
ALLOWED = 4.0
NOISE = 0.3
"""Seconds below which a measurement says nothing."""

WORK: dict[str, Callable[[str], object]] = {
    "defang": lambda text: defang(text, frozenset()),
    "addresses": lambda text: addresses([text]),
    "close_fence": close_fence,
    "table": lambda text: NOTHING.after("|a|\n").after(text),
    "settled": settled,
    "split": lambda text: split(text, 1_900, 2_000, "utf16"),
}
UNITS = [" ", "[", "]", "`", "|", "\\", "#", "<", "!", "(", ")", "[a](", "[a](  ", "[a]: b\n", "|-", "a.", "1.1.", "[`"]
UNITS += [
    '[a](x "',
    "![a](<",
    "a`b``c```d````",
    "\U0001f1e6",
    "a" + " " * 3_999,
    "www.",
    "://",
    "**a",
    "`" * 3_999 + "a",
]
FRAMES = [("", ""), ("[a](", "x y"), ("[a]:", "<>"), ("```\nhttps://x.example/y\n```\n", ""), ("```", "\ra")]


def seconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: ascii(unit[:8]))
def test_twice_the_text_is_about_twice_the_work(unit: str) -> None:
    for before, after in FRAMES:
        for name, work in WORK.items():
            half, whole = (before + unit * (length // len(unit)) + after for length in (LENGTH // 2, LENGTH))
            # first in small: work that grows with the square would take minutes at full length
            assert seconds(work, before + unit * (20_000 // len(unit)) + after) < 1.5, (name, before)
            if (longer := seconds(work, whole)) > NOISE:
                assert longer < ALLOWED * seconds(work, half), (name, before)


@pytest.mark.parametrize("text", ["[a](" + " " * 20_000 + "x y", "[a]:" + " " * 30_000 + "<>"])
def test_long_gaps_in_links_cost_next_to_nothing(text: str) -> None:
    assert seconds(WORK["defang"], text) < 0.5
