"""Cutting an answer into chat messages at boundaries that stay where they are while the answer grows.

Every decision looks at one window of text and the single character behind it, so it is the same for a text that grows
and for the whole text, and the same again after a restart. Only the tail after the last boundary is ever worked on.
"""

import re
from dataclasses import dataclass

from bot.relay.text.blocks import FENCE_ROOM, NOTHING, Block, lines
from bot.relay.text.cuts import Window, best_cut
from bot.relay.text.measure import Measure, reach, size

SMALLEST = 120
"""Least hard limit that leaves room for fences and some text."""


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

    def __init__(self, soft: int, hard: int, measure: Measure) -> None:
        """Aim at `soft` units of `measure`, never exceed `hard`.

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

    def update(self, text: str) -> tuple[Piece, ...]:
        """The pieces of `text`, which usually is the last one grown; closed pieces are then the same as before."""
        self._forget_changed(text)
        self._source = text
        start, block = self._starts[-1]
        while (step := self._step(text, start, block)) is not None:
            cut, after = step
            self._closed.append(self._piece(text[start:cut], block, last=False))
            start, block = cut, after
            self._starts.append((start, block))
        tail = self._piece(text[start:], block, last=True)
        pieces = [*self._closed, tail]
        return tuple(piece for piece in pieces if piece.text)

    def _forget_changed(self, text: str) -> None:
        while not text.startswith(self._source[: self._starts[-1][0]]):
            self._starts.pop()
            self._closed.pop()

    def _step(self, text: str, start: int, block: Block) -> tuple[int, Block] | None:
        """The end of the piece that begins at `start` and what is open there; None while all the rest fits."""
        begin = start if block.fence else start + _blank(text, start)
        room = self._hard - size(self._opener(block), self._measure) - FENCE_ROOM
        end = reach(text, begin, min(self._soft, room), self._measure)
        if end >= len(text):
            return None
        cut = best_cut(text, Window(begin=begin, end=end, block=block, longest_fence_line=min(100, self._soft // 4)))
        for line in lines(text, start, cut):
            block = block.after(line)
        continues = block.fence or (block.header and text[cut - 1] == "\n" and text[cut] == "|")
        return cut, block if continues else NOTHING

    def _opener(self, block: Block) -> str:
        if block.fence:
            return block.fence.opener
        return block.header if size(block.header, self._measure) <= self._hard // 4 else ""

    def _piece(self, body: str, block: Block, *, last: bool) -> Piece:
        opener = self._opener(block)
        shown = body
        if block.fence:
            closing = _leading_close(body, block)
            if closing or (last and _only_closing(body, block)):
                opener, shown = "", body[closing:] if closing else ""
        for line in lines(body, 0, len(body)):
            block = block.after(line)
        closer = ""
        if block.fence and shown:
            closer = ("" if shown.endswith("\n") else "\n") + block.fence.closer
        return Piece(opener, body, closer, _shown(opener, shown, closer))


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


def _shown(opener: str, body: str, closer: str) -> str:
    if not opener or not opener.lstrip(" >").startswith(("`", "~")):
        body = re.sub(r"\A(?:[ \t]*+\r?\n)++", "", body)
        body = re.sub(r"\A {4,}", "   ", body)  # four spaces at the start of a message would be code
    text = f"{opener}{body}{closer}" if body.strip() or closer else ""
    return text if closer else text.rstrip()
