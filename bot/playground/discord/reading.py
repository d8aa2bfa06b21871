"""Which links Discord makes of a text: its own way of reading Markdown, which is not CommonMark's.

Marks are tried in a fixed order at every place, each by one pattern that looks for the next mark of its kind, whatever
stands in between: code does not protect what is in it from a mark that began before. Quotes, headings, small print and
items of lists are taken out first and read on their own.
"""

import re
from collections.abc import Callable, Iterator

_QUOTED = re.compile(r"(?: *>>> (?P<rest>[\s\S]*))|(?P<lines>(?: *> [^\n]*(?:\n|$))+)")
_LINE = re.compile(r" *(?:#{1,3}|-#|[*+-]|\d{1,9}\.)[^\S\n]+(?P<words>[^\n]*(?:\n|$))")
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code", re.compile(r"```(?:([a-zA-Z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```")),
    ("escape", re.compile(r"\\([^0-9A-Za-z\s])")),
    ("auto", re.compile(r"<(https?://[^ >]+)>", re.IGNORECASE)),
    ("url", re.compile(r"((?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s])", re.IGNORECASE)),
    (
        "masked",
        re.compile(
            r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]"
            r"\(\s*<?((?:\([^)]*\)|[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
        ),
    ),
    (
        "inner",
        re.compile(
            r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b"
            r"|\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)"
        ),
    ),
    ("inner", re.compile(r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")),
    ("inner", re.compile(r"__((?:\\[\s\S]|[^\\])+?)__(?!_)")),
    ("inner", re.compile(r"~~([\s\S]+?)~~(?!_)")),
    ("inner", re.compile(r"\|\|([\s\S]+?)\|\|")),
    ("code", re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")),
)


def links(text: str) -> list[str]:
    """The addresses that a reader of the message could click on."""
    return list(_blocks(text))


def _blocks(text: str) -> Iterator[str]:
    """A text from its beginning: what stands at the beginning of a line may be a block."""
    at, line_begins = 0, True
    while at < len(text):
        if line_begins and (quote := _QUOTED.match(text, at)):
            inside = quote["rest"] if quote["rest"] is not None else re.sub(r"(?m)^ *> ", "", quote["lines"])
            yield from _blocks(inside)
            at, line_begins = quote.end(), True
            continue
        if line_begins and (line := _LINE.match(text, at)):
            yield from _inline(line["words"])
            at, line_begins = line.end(), True
            continue
        found, at = _next(text, at, _blocks_inside)
        yield from found
        line_begins = text[at - 1] == "\n"


def _inline(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found, at = _next(text, at, _inline)
        yield from found


def _blocks_inside(text: str) -> Iterator[str]:
    """Between marks lines begin no blocks."""
    return _inline(text)


def _next(text: str, at: int, inner: Callable[[str], Iterator[str]]) -> tuple[list[str], int]:
    """The links in what begins at a place, and where it ends."""
    for kind, rule in _RULES:
        found = rule.match(text, at)
        if found is None:
            continue
        match kind:
            case "auto" | "url":
                return [found[1]], found.end()
            case "masked":
                is_web = re.match(r"(?i)https?://", found[2])
                return ([found[2]] if is_web else list(inner(found[1]))), found.end()
            case "inner":
                return list(inner(next(part for part in found.groups() if part is not None))), found.end()
            case _:
                return [], found.end()
    return [], at + 1
