"""Cutting an answer into chat messages at boundaries that stay where they are while the answer grows.

Every decision looks at one window of text and the single character behind it, so it is the same for a text that grows
and for the whole text, and the same again after a restart. Only the tail after the last boundary is ever worked on.

Where messages can only grow, two more things decide: what was promised to stay in its message (`promise`), and where
a message was left because of its age (`leave`). Boundaries that come of these are kept (`breaks`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.relay.text.blocks import FENCE_ROOM, NOTHING, Block, lines
from bot.relay.text.cuts import Window, best_cut
from bot.relay.text.measure import Measure, reach, size
from bot.relay.text.standing import leaving, standing, tears

SMALLEST = 120
"""Least hard limit that leaves room for fences and some text."""
_ANCHOR = 40
"""Characters before a kept boundary by which it is found again in a text that has changed."""
_MOVED = 4_000
"""Most characters by which it is looked for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One chat message's worth of text. The bodies of all pieces together are the source."""

    opener: str
    """What was added in front: a reopened fence or a repeated table header."""
    body: str
    closer: str
    """What was added behind: a closed fence."""
    text: str
    """What is shown: all three, without blank lines at the ends."""


def split(text: str, soft: int, hard: int, measure: Measure) -> tuple[str, ...]:
    """The texts of the messages that `text` needs: aimed at `soft` units each, never more than `hard`."""
    return tuple(piece.text for piece in Splitter(soft, hard, measure).update(text))


class Splitter:
    """Remembers closed boundaries, so that an answer that grows by small pieces costs little."""

    def __init__(self, soft: int, hard: int, measure: Measure, breaks: Iterable[int] = ()) -> None:
        """Aim at `soft` units of `measure`, never exceed `hard`; `breaks` are those of an earlier splitter.

        Raises:
            ValueError: when `hard` leaves no room for text.
        """
        if hard < SMALLEST or soft > hard:
            raise ValueError(f"cannot split with soft limit {soft} and hard limit {hard}")
        self._soft, self._hard = soft, hard
        self._measure: Measure = measure
        self._source = ""
        self._closed: list[Piece] = []
        self._starts: list[tuple[int, Block]] = [(0, NOTHING)]
        self._breaks = set(breaks)
        self._sure: set[int] = set()
        """Breaks that were found in this very text: certainly not inside a mark."""
        self._promised = 0

    @property
    def breaks(self) -> tuple[int, ...]:
        """Boundaries that the text alone does not explain, as positions in it."""
        return tuple(sorted(self._breaks))

    def update(self, text: str) -> tuple[Piece, ...]:
        """The pieces of `text`, which usually is the last one grown; closed pieces are then the same as before."""
        self._forget_changed(text)
        self._source = text
        start, block = self._starts[-1]
        while (step := self._step(text, start, block)) is not None:
            cut, after = step
            self._close(cut, after)
            start, block = cut, after
        tail = self._piece(text[start:], block, last=True)
        pieces = [*self._closed, tail]
        return tuple(piece for piece in pieces if piece.text)

    # --- messages that only grow

    def standing(self) -> int:
        """The position in the text before which nothing changes when more comes, as far as one can tell."""
        start, block = self._starts[-1]
        return standing(self._source, start, block, len(self._source))

    def promise(self, position: int) -> None:
        """What stands before this position stays in the message in which it is."""
        self._promised = max(self._promised, position)

    def leave(self, *, now: bool, paused: bool = False) -> bool:
        """Let the last piece end where it may, or where it can when it has to be `now`; `update` then shows it so.

        `paused` means that its end is such a place. Returns whether there is one.
        """
        start, block = self._starts[-1]
        if paused and self.end > start:
            cut = self.end
        else:
            cut = leaving(self._source, start, block, self._promised, len(self._source), now=now)
        if cut is None:
            return False
        self._keep(cut)
        self._promised = max(self._promised, cut)
        return True

    @property
    def end(self) -> int:
        """Where the text ends, without the white space behind it."""
        return len(self._source.rstrip())

    @property
    def left(self) -> bool:
        """Whether the last piece is left: whatever comes next begins another one."""
        return any(position >= self.end for position in self._breaks)

    def shown_until(self, position: int) -> int:
        """How many characters of the last piece's text show what stands before this position."""
        start, block = self._starts[-1]
        piece = self._piece(self._source[start:], block, last=True)
        opener, body = self._visible(self._source[start:position], block, last=True)
        before = _trimmed(opener, body) if body.strip() else ""
        return _common(piece.text, before)

    # --- cutting

    def _forget_changed(self, text: str) -> None:
        if text.startswith(self._source[: max(self._promised, self._starts[-1][0])]):
            return
        self._breaks = {found for old in self._breaks if (found := self._found_again(text, old)) is not None}
        self._sure.clear()
        self._promised = 0
        while not text.startswith(self._source[: self._starts[-1][0]]):
            self._starts.pop()
            self._closed.pop()

    def _found_again(self, text: str, position: int) -> int | None:
        """Where a kept boundary is in a text that has changed before it."""
        before = self._source[max(0, position - _ANCHOR) : position]
        after = self._source[position : position + _ANCHOR]
        for anchor, reach_over in ((before, len(before)), (after, 0)):
            found = text.find(anchor, max(0, position - _MOVED), position + _MOVED) if anchor.strip() else -1
            if found >= 0:
                return found + reach_over
        return None

    def _keep(self, cut: int) -> None:
        self._breaks.add(cut)
        self._sure.add(cut)

    def _step(self, text: str, start: int, block: Block) -> tuple[int, Block] | None:
        """The end of the piece that begins at `start` and what is open there; None while all the rest fits."""
        begin = start if block.fence else start + _blank(text, start)
        room = self._hard - size(self._opener(block), self._measure) - FENCE_ROOM
        cut = self._kept_cut(text, begin, block, room)
        if cut is None:
            find = self._growing_cut if self._promised > begin else self._cut
            cut = find(text, begin, block, room)
        return None if cut is None else (cut, self._block_at(text, start, block, cut))

    def _cut(self, text: str, begin: int, block: Block, room: int) -> int | None:
        end = reach(text, begin, min(self._soft, room), self._measure)
        return None if end >= len(text) else best_cut(text, self._window(begin, end, block))

    def _kept_cut(self, text: str, begin: int, block: Block, room: int) -> int | None:
        """A boundary that was kept, if the piece comes as far as that; never inside a mark."""
        kept = min((position for position in self._breaks if position > begin), default=len(text))
        if kept >= min(len(text), reach(text, begin, room, self._measure) + 1):
            return None
        if kept in self._sure or text[kept - 1] == "\n" or not tears(text, begin, kept):
            return kept
        safe = standing(text, begin, block, kept)
        return safe if safe > begin else None

    def _growing_cut(self, text: str, begin: int, block: Block, room: int) -> int | None:
        """Behind what was promised: between two blocks from the soft limit on, anywhere good at the hard one."""
        if reach(text, begin, min(self._soft, room), self._measure) >= len(text):
            return None
        end = reach(text, begin, room, self._measure)
        cut = leaving(text, begin, block, self._promised, end, now=False)
        if cut is None and end < len(text):
            cut = best_cut(text, replace(self._window(begin, end, block), least=self._promised))
        if cut is not None and cut < len(text):
            self._keep(cut)
            return cut
        return None

    def _window(self, begin: int, end: int, block: Block) -> Window:
        return Window(begin=begin, end=end, block=block, longest_fence_line=min(100, self._soft // 4))

    def _close(self, cut: int, after: Block) -> None:
        start, block = self._starts[-1]
        self._closed.append(self._piece(self._source[start:cut], block, last=False))
        self._starts.append((cut, after))

    def _block_at(self, text: str, start: int, block: Block, cut: int) -> Block:
        """What is open at a boundary and goes on behind it."""
        for line in lines(text, start, cut):
            block = block.after(line)
        continues = block.fence or (block.header and text[cut - 1] == "\n" and text[cut : cut + 1] == "|")
        return block if continues else NOTHING

    def _opener(self, block: Block) -> str:
        if block.fence:
            return block.fence.opener
        return block.header if size(block.header, self._measure) <= self._hard // 4 else ""

    def _piece(self, body: str, block: Block, *, last: bool) -> Piece:
        opener, shown = self._visible(body, block, last=last)
        for line in lines(body, 0, len(body)):
            block = block.after(line)
        closer = ""
        if block.fence and shown:
            closer = ("" if shown.endswith("\n") else "\n") + block.fence.closer
        return Piece(opener, body, closer, _shown(opener, shown, closer))

    def _visible(self, body: str, block: Block, *, last: bool) -> tuple[str, str]:
        """What is put in front of a body, and the body without what only closes the fence of the piece before."""
        opener = self._opener(block)
        if block.fence:
            closing = _leading_close(body, block)
            if closing or (last and _only_closing(body, block)):
                return "", body[closing:] if closing else ""
        return opener, body


def _common(one: str, other: str) -> int:
    """Length of the beginning that both have."""
    if one.startswith(other):
        return len(other)
    letters = zip(one, other, strict=False)
    return next((place for place, (mine, its) in enumerate(letters) if mine != its), min(len(one), len(other)))


def _blank(text: str, start: int) -> int:
    """How many blank characters `text` has from `start` on."""
    found = re.compile(r"\s*").match(text, start)
    return found.end() - start if found else 0


def _leading_close(body: str, block: Block) -> int:
    """Length of the beginning of `body` that only closes the fence, which the piece before has closed already."""
    position = 0
    for line in lines(body, 0, len(body)):
        position += len(line)
        if block.fence and block.fence.closed_by(line):
            return position if line.endswith("\n") or position == len(body) else 0
        if line.strip():
            return 0
    return 0


def _only_closing(body: str, block: Block) -> bool:
    """Whether so far nothing but the beginning of the closing fence has come."""
    run, bare = block.fence.run if block.fence else "", body.strip()
    return len(bare) < len(run) and not bare.strip(run[0])


def _trimmed(opener: str, body: str) -> str:
    """A message's beginning, without blank lines and without an indentation that would make code of it."""
    if not opener or not opener.lstrip(" >").startswith(("`", "~")):
        body = re.sub(r"\A(?:[ \t]*+\r?\n)++", "", body)
        body = re.sub(r"\A {4,}", "   ", body)  # four spaces at the start of a message would be code
    return f"{opener}{body}"


def _shown(opener: str, body: str, closer: str) -> str:
    text = f"{_trimmed(opener, body)}{closer}" if body.strip() or closer else ""
    return text if closer else text.rstrip()
