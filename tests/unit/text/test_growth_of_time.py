"""Whatever a model writes, the work on it grows with its length and not with the square of it."""

import time
from collections.abc import Callable

import pytest

from adapters.discord.markup import DiscordDialect
from adapters.slack.markup import SlackDialect, without_links
from bot.relay.text.links import defang

HOSTILE = ("``\\", "``\\ ", "``\\` ", "``\\`` ", "`\\", "` ``", "[`", "![`", "`|", "``|`", "](`", " \\`\\", "**`")
LENGTH = 10_000
CONVERSIONS: dict[str, Callable[[str], str]] = {
    "links": lambda text: defang(text, frozenset()),
    "suspect": lambda text: defang(f"https://evil.example/x {text}", frozenset()),
    "slack": SlackDialect().convert,
    "streamed": lambda text: without_links(f"https://evil.example/x {text}"),
    "discord": DiscordDialect().convert,
}


def seconds(convert: Callable[[str], str], text: str) -> float:
    """The least of some tries: the machine may be busy."""
    tries: list[float] = []
    for _ in range(3):
        began = time.process_time()
        convert(text)
        tries.append(time.process_time() - began)
    return min(tries)


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS.keys())
def test_four_times_the_text_takes_about_four_times_as_long(convert: Callable[[str], str], pattern: str) -> None:
    text = pattern * (4 * LENGTH // len(pattern))
    once = max(seconds(convert, text[:LENGTH]), 0.001)
    assert seconds(convert, text) < 10 * once
