"""Addresses that stand in code stay no links, however Discord reads the marks around it.

In Discord a mark is paired with the next one like it, even with one inside of code: `**a `b** https://…`` makes the
first half bold, and the address is outside of any code. Three backticks end a block wherever they come. So what is
code for everybody else is read once more as Discord does, and an address that would come out as a link is written with
another slash: it looks the same and has the same length, but nobody makes a link of it.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt

_ADDRESS = re.compile(r"(?i)https?://\S")
_SLASH = "\u2215"
_BLOCKS = MarkdownIt("commonmark").disable(["inline", "reference"])
_INLINE_CODE = re.compile(r"\\[^\w\s]|(?P<ticks>`+)(?!`)(?P<inside>[^\n]*?)(?<!`)(?P=ticks)(?!`)")

_BLOCK = re.compile(r"```(?:[\w+\-.#]+?\n)?\n*[^\n][\s\S]*?\n*```")
_SPAN = re.compile(r"(`+)[\s\S]*?[^`]\1(?!`)")
_TARGET = re.compile(r"\]\(\s*<?(?P<address>[^)]*)\)?")
_ESCAPE = re.compile(r"\\[^\w\s]")
_BARE = re.compile(r"(?i)https?://[^\s<]+[^\s<.,:;\"'\]]")
_PAIRS = {
    "*": (
        re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)"),
        re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)"),
    ),
    "_": (
        re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)"),
        re.compile(r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b"),
    ),
    "~": (re.compile(r"~~([\s\S]+?)~~"),),
    "|": (re.compile(r"\|\|([\s\S]+?)\|\|"),),
}
"""Rules as Discord's clients have them, each with what stands between the marks."""


def covered(text: str) -> str:
    """A message's text with no link that is not one for a common reader of Markdown."""
    regions = list(_code(text))
    hidden = {found.start() for region in regions for found in _ADDRESS.finditer(text, *region)}
    if not hidden:
        return text
    sure = [region for region in regions if not _ends_early(text, region)]
    doubtful = [region for region in regions if _ends_early(text, region)]
    uncovered = {found.start() for region in doubtful for found in _ADDRESS.finditer(text, *region)}
    while uncovered := uncovered or hidden & _seen(text, sure):
        text, hidden, uncovered = _broken(text, uncovered), hidden - uncovered, set[int]()
    return text


def _broken(text: str, addresses: set[int]) -> str:
    """The text with another slash in these addresses."""
    letters = list(text)
    for address in addresses:
        letters[text.index("://", address) + 1] = _SLASH
    return "".join(letters)


def _ends_early(text: str, region: tuple[int, int]) -> bool:
    """Whether a block has three backticks between those that begin and end it: what follows is anything in Discord."""
    inside = text[slice(*region)].strip().strip("`")
    return "```" in inside


def _seen(text: str, code: list[tuple[int, int]]) -> set[int]:
    """Where Discord sees links. A heading, a quote or a list begins anew, and any line outside of code may be one."""
    begins = (0, *(found.end() for found in re.finditer("\n", text)))
    seen: set[int] = set()
    _read(text, [at for at in begins if not any(begin < at < end for begin, end in code)], len(text), seen)
    return seen


def _code(text: str) -> Iterator[tuple[int, int]]:
    """The pieces of code, blocks first."""
    if "`" not in text:
        return
    starts = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    prose = 0
    for token in _BLOCKS.parse(text):
        if token.type == "fence" and token.map and starts[token.map[0]] >= prose:
            block = (starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)])
            yield from _spans(text, prose, block[0])
            yield block
            prose = block[1]
    yield from _spans(text, prose, len(text))


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in _INLINE_CODE.finditer(text, start, end):
        if found["ticks"]:
            yield found.span("inside")


def _read(text: str, starts: list[int], end: int, seen: set[int]) -> None:
    """Read as Discord does from each of these places on, and note where it sees links."""
    read: set[int] = set()
    while starts:
        at = starts.pop()
        while at < end and at not in read:  # from there on it reads the same as before
            read.add(at)
            at, *others = _step(text, at, end, seen)
            starts += others


def _step(text: str, at: int, end: int, seen: set[int]) -> tuple[int, ...]:
    """Read what begins at a place. Returns where it may go on: several places when that is not certain."""
    letter = text[at]
    if letter == "\\" and _ESCAPE.match(text, at, end):
        return (at + 2,)
    if letter == "`":
        code = _BLOCK.match(text, at, end) or _SPAN.match(text, at, end)
        return (code.end() if code else at + 1,)
    if letter == "[":
        return (at + 1, *_after_links(text, at, end, seen))
    for rule in _PAIRS.get(letter, ()):
        if pair := rule.match(text, at, end):
            _read(text, [pair.start(1)], pair.end(1), seen)
            return (pair.end(),)
    if letter in "hH" and (bare := _BARE.match(text, at, end)):
        seen.add(at)
        return (bare.end(),)
    return (at + 1,)


def _after_links(text: str, at: int, end: int, seen: set[int]) -> Iterator[int]:
    """Where links may end that a bracket opens. With brackets in its words, nobody knows which of them closes it."""
    for target in _TARGET.finditer(text, at, end):
        seen.update(found.start() for found in _ADDRESS.finditer(text, *target.span("address")))
        yield target.end()
        if "[" not in text[at + 1 : target.start()]:
            return
