"""An answer of any length with prose, code and tables, and a reader that puts its chat messages together again."""

import random
from collections.abc import Iterator, Sequence

_WORDS = (
    "the", "invoice", "of", "March", "was", "paid", "on", "Tuesday", "so", "nothing", "is", "open", "and", "the",
    "team", "may", "close", "its", "books",
)  # fmt: skip
_FENCE = "```"
_RULES = str.maketrans("|│", "  ")


def long_answer(characters: int, seed: int = 1) -> str:
    """Markdown of at least so many characters: every line is numbered, so that none can be mistaken for another."""
    chance = random.Random(seed)
    numbers = iter(range(1, characters))
    text = ""
    while len(text) < characters:
        text += chance.choice((_prose, _prose, _code, _table))(chance, numbers) + "\n\n"
    return text.rstrip()


def _prose(chance: random.Random, numbers: Iterator[int]) -> str:
    words = " ".join(chance.choice(_WORDS) for _ in range(chance.randint(8, 30)))
    return f"{next(numbers)}. {words}."


def _code(chance: random.Random, numbers: Iterator[int]) -> str:
    body = "\n".join(f"step_{next(numbers)} = compute({chance.randint(1, 99)})" for _ in range(chance.randint(5, 60)))
    return f"{_FENCE}python\n{body}\n{_FENCE}"


def _table(chance: random.Random, numbers: Iterator[int]) -> str:
    rows = "\n".join(f"| row {next(numbers)} | {chance.randint(1, 999)} |" for _ in range(chance.randint(3, 30)))
    return f"| item | amount |\n|---|---|\n{rows}"


def difference(source: str, shown: Sequence[str]) -> str:
    """Where the messages stop saying what `source` says; empty when together they say all of it, in order, once.

    At the edges of a message a closed fence, a reopened one and a repeated table header may stand besides.
    """
    expected = [line.rstrip() for line in source.split("\n") if line.strip()]
    place = 0
    for number, message in enumerate(shown):
        lines = [line.rstrip() for line in message.split("\n") if line.strip()]
        for at, line in enumerate(lines):
            if place < len(expected) and line == expected[place] and not _reopens(expected, place, line, at):
                place += 1
            elif not _may_be_added(lines, at, number):
                wanted = expected[place] if place < len(expected) else "the end"
                return f"message {number}, line {at}: {line!r} instead of {wanted!r}"
    return "" if place == len(expected) else f"the end is missing, from {expected[place]!r} on"


def words(text: str) -> list[str]:
    """What is said, without fences, table headers and the lines that draw a table."""
    said: list[str] = []
    for line in text.split("\n"):
        bare = line.translate(_RULES).split()
        if not line.startswith(_FENCE) and set(line) - set("|-+ │─┼") and bare != ["item", "amount"]:
            said += bare
    return said


def _reopens(expected: list[str], place: int, line: str, at: int) -> bool:
    """Whether an opening fence at the beginning of a message only goes on with one that was closed before it."""
    inside = sum(1 for earlier in expected[:place] if earlier.startswith(_FENCE)) % 2 == 1
    return at == 0 and inside and line.startswith(f"{_FENCE}python")


def _may_be_added(lines: list[str], at: int, number: int) -> bool:
    if at == len(lines) - 1 and lines[at] == _FENCE:
        return True
    if number == 0:
        return False
    header = at in (0, 1) and lines[at] in ("| item | amount |", "|---|---|")
    return header or (at == 0 and lines[at].startswith(_FENCE))
