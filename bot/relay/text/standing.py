"""Which part of a text that is still being written will stand, and where it may be left for another message.

For platforms that can only append: what was shown can neither be taken back nor move on.
"""

import re

from bot.relay.text.blocks import Block, is_row, lines, may_become_fence
from bot.relay.text.marks import spans
from bot.relay.text.measure import is_grapheme_boundary
from bot.relay.text.unfinished import settled

_LOOK_BACK = 2_500
"""Characters in which an inline mark that is still open may have begun."""
_DEFINITION = re.compile(r"[ >]{0,8}\[")
"""Could become `[name]: address`, which is written differently as a whole."""
_TICKS = re.compile(r"`+")
_WIDE = "\u2e80"
"""From here on scripts are written without spaces between words."""


def standing(text: str, start: int, block: Block, end: int) -> int:
    """The greatest position up to `end` before which nothing will change, whatever comes behind `end`.

    There a word begins, outside of all inline marks: white space at a seam could get lost.

    Args:
        text: in the platform's dialect.
        start: where the message begins, …
        block: … and what is open there.
        end: as far as the text is looked at.
    """
    held = _held_from(text, start, block, end)
    whole = _whole_marks(text, start, held, block)
    for position in range(held, start, -1):
        if _word_begins(text, position) and not any(begin < position < stop for begin, stop in whole):
            return position
    return start


def leaving(text: str, start: int, block: Block, least: int, end: int, *, now: bool) -> int | None:
    """Where the message that begins at `start` may end, not before `least`, so that the rest goes into another one.

    Between two blocks; when it has to be `now`, after a line, or where a word begins. None when there is no such place.
    """
    between: int | None = None
    after_line: int | None = None
    position, inside = start, block
    for line in lines(text, start, end):
        position += len(line)
        inside = inside.after(line)
        if position < max(least, start + 1) or not line.endswith("\n"):
            continue
        if not line.strip() and not inside.fence:
            between = start + len(text[start:position].rstrip())  # how many blank lines there are may change
        if not inside.candidate and not (inside.header and inside.rows == 0):
            after_line = position
    if between is not None or not now:
        return between
    if after_line is not None:
        return after_line
    found = max(least, standing(text, start, block, end))
    return found if found > start else None


def tears(text: str, start: int, position: int) -> bool:
    """Whether a message that begins at `start` and ends at `position` would tear an inline mark."""
    begin = _paragraph(text, start, position)
    stop = text.find("\n\n", position)
    whole = spans(text, begin, min(len(text) if stop < 0 else stop, position + _LOOK_BACK), growing=False)
    return any(first < position < last for first, last in whole)


def _held_from(text: str, start: int, block: Block, end: int) -> int:
    """Where that begins which more text could still change."""
    begin, before, inside = _last_line(text, start, block, end)
    last = text[begin:end]
    if inside.fence:
        return begin if may_become_fence(last) else end
    if inside.candidate:
        return before
    if is_row(last) or may_become_fence(last) or _DEFINITION.match(last):
        return begin
    held = begin + _open_tick(last)
    paragraph = _paragraph(text, start, held)
    held = paragraph + len(settled(text[paragraph:held]))
    reaching = [first for first, stop in spans(text, paragraph, held, growing=True) if stop > held]
    return min([held, *reaching])


def _last_line(text: str, start: int, block: Block, end: int) -> tuple[int, int, Block]:
    """Where the unfinished line begins, where the line before it began, and what is open between them."""
    begin = before = start
    for line in lines(text, start, end):
        if not line.endswith("\n"):
            break
        before, begin, block = begin, begin + len(line), block.after(line)
    return begin, before, block


def _open_tick(line: str) -> int:
    """Where code begins that is not closed on this line; the end of the line when there is none."""
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(line)]
    number = 0
    while number < len(runs):
        begin, stop = runs[number]
        closing = (n for n in range(number + 1, len(runs)) if runs[n][1] - runs[n][0] == stop - begin)
        partner = None if line[begin - 1 : begin] == "\\" else next(closing, None)
        if partner is None:
            return begin - 1 if line[begin - 1 : begin] == "\\" else begin
        number = partner + 1
    return len(line)


def _whole_marks(text: str, start: int, held: int, block: Block) -> list[tuple[int, int]]:
    """Marks that are closed, in the paragraph that ends at `held`; code has none."""
    _, _, inside = _last_line(text, start, block, held)
    return [] if inside.fence else spans(text, _paragraph(text, start, held), held, growing=False)


def _paragraph(text: str, start: int, end: int) -> int:
    return max(start, text.rfind("\n\n", start, end) + 2, end - _LOOK_BACK)


def _word_begins(text: str, position: int) -> bool:
    if position >= len(text) or text[position].isspace():
        return False
    before = text[position - 1]
    return before.isspace() or (before >= _WIDE and is_grapheme_boundary(text, position))
