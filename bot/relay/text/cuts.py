"""Where to end a chat message within a window of text.

In the last half of the window: a blank line, else the end of a line or list item, else of a sentence, else a space,
else between two visible characters; never inside a mark. When the last half has no such place, the first half; when
there is none at all, inside the mark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.relay.text.blocks import Block, is_row, may_become_fence
from bot.relay.text.marks import spans
from bot.relay.text.measure import is_grapheme_boundary

_BLANK_LINE, _LINE, _SENTENCE, _SPACE = range(4)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]*_]*\s+|[。！？]+[」』）]*\s*")
_SPACES = re.compile(r"\s+")
_HEADING = re.compile(r" {0,3}#{1,6}\s")
_BAD_STARTS = "`~|#>-+*="
"""A line that begins with one of these would read differently as the beginning of a message."""
_FENCE_SHARE = 0.3
"""A fence that begins behind this share of the window moves to the next message as a whole."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one message can hold at most: `text[begin:end]`, with what is open at its beginning."""

    begin: int
    end: int
    block: Block
    longest_fence_line: int
    least: int = 0
    """Not before this position, which is a good place too."""


@dataclass(slots=True)
class _Layout:
    """What was found in a window."""

    line_ends: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Positions after line breaks with their rank."""
    whole: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Lines and marks that should not be cut, as pairs of positions."""
    prose: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Paragraphs outside of code."""
    fence_at: int | None = None
    """Where the fence that is open at the window's end began, if it began inside."""


def best_cut(text: str, window: Window) -> int:
    """The end of the message; greater than the window's beginning, at most its end. The text goes on behind the end."""
    layout = _survey(text, window)
    begin, end = window.begin, window.end
    least = min(window.least, end)
    late_fence = layout.fence_at is not None and layout.fence_at - begin >= _FENCE_SHARE * (end - begin)
    if layout.fence_at is not None and late_fence and layout.fence_at >= least:
        return layout.fence_at
    middle = max(begin + (end - begin) // 2, least - 1)
    places = [place for place in _ranked(text, window, layout) if place[1] >= least]
    ranked = sorted(places, key=lambda place: (place[1] <= middle, place[0], -place[1]))
    free = _Free(layout.whole)
    late = next((p for _, p in ranked if p > middle and free(p)), None)
    if late:
        return late
    letters = range(end, middle, -1)
    good = _good_starts(text, letters)
    whole = next(
        (p for p, well in zip(letters, good, strict=True) if well and free(p) and is_grapheme_boundary(text, p)), None
    )
    early = next((p for _, p in ranked if free(p)), None)
    torn = next((p for p in letters if is_grapheme_boundary(text, p)), end)
    return whole or early or torn


class _Free:
    """Whether a position lies strictly inside none of some ranges."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._taken = {p for start, end in ranges for p in range(start + 1, end)}

    def __call__(self, position: int) -> bool:
        return position not in self._taken


def _survey(text: str, window: Window) -> _Layout:
    layout, block, position = _Layout(), window.block, window.begin
    paragraph = position
    while position < window.end:
        stop = text.find("\n", position, window.end) + 1
        if not stop:
            break
        line = text[position:stop]
        after = block.after(line)
        layout.line_ends.append((stop, _rank(line, block, after)))
        if after.fence and not block.fence:
            layout.fence_at = position if position > window.begin else None
        if block.fence or after.fence or not line.strip():
            layout.prose.append((paragraph, position))
            paragraph = stop
        if not block.fence and (is_row(line) or after.fence):
            layout.whole.append((position, stop))
        position, block = stop, after
    if not block.fence:
        layout.fence_at = None
        layout.prose.append((paragraph, window.end))
    _survey_rest(text, window, layout, block, position)
    return layout


def _survey_rest(text: str, window: Window, layout: _Layout, block: Block, position: int) -> None:
    """The unfinished last line, and the marks of all paragraphs."""
    rest = text[position : window.end]
    fence_like = len(rest) <= window.longest_fence_line and may_become_fence(rest)
    if fence_like or (is_row(rest) and not block.fence):
        layout.whole.append((position, window.end + 1))
    for start, end in layout.prose:
        if start < end:
            layout.whole.extend(spans(text, start, end, growing=end == window.end))


def _rank(line: str, before: Block, after: Block) -> int:
    """How good a place the end of `line` is."""
    if before.fence or after.fence:
        return _LINE if before.fence else _SPACE
    if not line.strip():
        return _BLANK_LINE
    table_begins = bool(after.candidate) or (bool(after.header) and after.rows == 0)
    return _SPACE if table_begins or _HEADING.match(line) else _LINE


def _ranked(text: str, window: Window, layout: _Layout) -> Iterator[tuple[int, int]]:
    """Places with their rank, without those between two letters."""
    for position, rank in layout.line_ends:
        if window.begin < position:
            yield rank, position
    for pattern, rank in ((_SENTENCE_END, _SENTENCE), (_SPACES, _SPACE)):
        for found in pattern.finditer(text, window.begin + 1, window.end):
            if _starts_well(text, found.end(), window.end) and is_grapheme_boundary(text, found.end()):
                yield rank, found.end()


def _good_starts(text: str, downwards: range) -> Iterator[bool]:
    """`_starts_well` for every position from the window's end down, in one pass."""
    well = False
    for position in downwards:
        if position == downwards.start or text[position] not in " \t":
            well = _starts_well(text, position, position)
        yield well


def _starts_well(text: str, position: int, end: int) -> bool:
    """Whether what follows reads the same at the beginning of a message. Looks no further than `text[end]`."""
    while position < end and text[position] in " \t":
        position += 1
    return not text[position].isspace() and text[position] not in _BAD_STARTS
