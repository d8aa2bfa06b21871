"""Which Markdown block a line belongs to: code fences and tables, followed line by line.

A small state machine instead of a parser, because it has to give the same answer for a text that is still growing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

FENCE_ROOM = 26
"""Most characters that closing a fence can add: line break, at most 24 characters of prefix and fence, one spare."""
_LONGEST_FENCE = 24
_LONGEST_LANGUAGE = 20

_FENCE = re.compile(
    r"(?P<prefix>[ \t>]*+(?:(?:[-*+]|\d{1,3}[.)])[ \t]++)?+)(?P<run>`{3,}+|~{3,}+)(?P<info>[^\r\n]*+)\r?+\n?+\Z"
)
_DELIMITER = re.compile(r"[ ]{0,3}+\|?+[ \t]*+:?+-++:?+[ \t]*+(?:\|[ \t]*+:?+-++:?+[ \t]*+)*+(?:\|[ \t]*+)?+\r?+\n?+\Z")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence."""

    prefix: str
    """Indentation and quote marks in front of it, list markers turned into spaces."""
    run: str
    language: str

    @property
    def opener(self) -> str:
        """The line that opens it again."""
        return f"{self.prefix}{self.run}{self.language}\n"

    @property
    def closer(self) -> str:
        """The line that closes it."""
        return f"{self.prefix}{self.run}"

    def closed_by(self, line: str) -> bool:
        """Whether `line` is its closing line."""
        if ">" in self.prefix and not line.lstrip().startswith(">"):
            return False  # the quote has ended, and the fence with it
        bare = line.lstrip(" \t>" if ">" in self.prefix else " \t").rstrip()
        return len(bare) >= len(self.run) and not bare.strip(self.run[0])


@dataclass(frozen=True, slots=True)
class Block:
    """What is open between two lines."""

    fence: Fence | None = None
    header: str = ""
    """Header and delimiter line of the table that is open, each with its line break."""
    rows: int = 0
    """Rows of that table so far."""
    candidate: str = ""
    """The line before, when it could be a table's header."""

    def after(self, line: str) -> "Block":
        """What is open after `line`, which ends with its line break unless it is the text's last."""
        if self.fence is not None:
            return self._after_code(self.fence, line)
        fence = opening_fence(line)
        if fence is not None:
            return Block(fence=fence)
        if not line.startswith("|"):
            return NOTHING
        if self.header:
            return replace(self, rows=self.rows + 1)
        if self.candidate and _DELIMITER.match(line):
            return Block(header=_with_break(self.candidate) + _with_break(line))
        return Block(candidate=line) if is_row(line) else NOTHING

    def _after_code(self, fence: Fence, line: str) -> "Block":
        if fence.closed_by(line):
            return NOTHING
        if ">" in fence.prefix and not line.lstrip().startswith(">"):
            return NOTHING.after(line)  # the quote ended, and the fence with it
        return self


NOTHING = Block()


def lines(text: str, start: int, end: int) -> Iterator[str]:
    """The lines of `text[start:end]` with their breaks; only line feeds count (`splitlines` knows ten more)."""
    while start < end:
        line_end = text.find("\n", start, end) + 1 or end
        yield text[start:line_end]
        start = line_end


def opening_fence(line: str) -> Fence | None:
    """The fence that `line` opens, if it does; monstrously long ones are taken for text."""
    found = _FENCE.match(line)
    if found is None:
        return None
    prefix, run, info = found["prefix"], found["run"], found["info"].strip()
    if len(prefix) + len(run) > _LONGEST_FENCE or ("`" in run and "`" in info):
        return None
    language = info.split()[0] if info else ""
    if len(language.encode()) > _LONGEST_LANGUAGE:
        language = ""
    return Fence(prefix=re.sub(r"[^ \t>]", " ", prefix), run=run, language=language)


def is_row(line: str) -> bool:
    """Whether `line` looks like a row of a table; two bars begin a spoiler."""
    return line[:1] == "|" and line[1:2] != "|"


def may_become_fence(line: str) -> bool:
    """Whether an unfinished line could still turn into a fence line."""
    bare = re.sub(r"\A[ \t>]*+(?:(?:[-*+]|\d{1,3}[.)])[ \t]++)?+", "", line)
    return not bare or bare[0] in "`~"


def _with_break(line: str) -> str:
    return line.rstrip("\r\n") + "\n"


def close_fence(markdown: str) -> str:
    """`markdown` with its last code fence closed, so that what follows is not code."""
    if "```" not in markdown and "~~~" not in markdown:
        return markdown
    block = NOTHING
    for line in lines(markdown, 0, len(markdown)):
        block = block.after(line)
    return f"{markdown.rstrip()}\n{block.fence.closer}" if block.fence else markdown
