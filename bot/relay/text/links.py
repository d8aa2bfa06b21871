"""Web addresses that the model wrote: kept as links when the person or a tool named them, otherwise shown as code.

A made-up address can carry what was said to somebody else's server as soon as a preview is loaded, and images are
loaded without a click. So unknown addresses are never links, and nothing is ever an image.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from markdown_it import MarkdownIt

_ADDRESS = r"(?:[a-z][a-z0-9+.-]{1,30}://|www\.)[^\s<>\"`|\\^{}]++"
_PATH = r"[^\s<>\"`|\\^{}]*+"
_BARE_HOST = (
    r"(?<![\w@/.:-])(?:(?:[a-z0-9-]{1,63}+\.){1,6}[a-z]{2,24}|\d{1,3}(?:\.\d{1,3}){3})"
    rf"(?:(?::\d{{1,5}})?+(?:/{_PATH}|[?\#](?=\w){_PATH})|:\d{{2,5}}(?!\w))"
)
"""A host without a scheme is an address when a port, a path or a query follows."""
_ENTITY = r"&(?=\#|(?:colon|sol|period|dot|lsqb|lbrack|rsqb|rbrack|excl|lpar);)"
"""Character references that would become part of an address after this pass."""
_FOUND = re.compile(rf"{_ADDRESS}|{_BARE_HOST}", re.IGNORECASE)
_JOINT, _WWW = re.compile(r"[/:?#]+"), re.compile(r"www\.(?=\S)", re.IGNORECASE)
_LONGEST_CODE = 500
"""The splitter keeps code of up to 600 characters in one piece."""
_TAIL = ".,;:!?'\"*_~)]}】»”’。，、"
_TICKS = r"""
    (?P<ticks>`++)
  | (?P<escaped>\\[!\[\]()`<\\])
"""
_TICK = re.compile(_TICKS, re.VERBOSE)
_RUN, _LONGEST_TICKS = re.compile(r"`++|\n"), 8
_TOKEN = re.compile(
    rf"""{_TICKS}
  | (?P<backslash>\\(?=[a-z0-9]))
  | (?P<inline>!?\[(?P<label>(?:\\.|`[^`\n]*+`|\[[^\[\]\n]*+\]|[^\[\]`\\])*+)\]
               \(\s*+(?:<(?P<angled>[^<>\n]*+)>|(?P<target>[^\s()]*+(?:\([^\s()]*+\)[^\s()]*+)*+))
               (?:\s++(?:"[^"\n]*+"|'[^'\n]*+'|\([^()\n]*+\))?+)?+\s*+\))
  | (?P<image>!(?=\[))
  | (?P<joint>\](?=\())
  | (?P<definition>^(?P<margin>[ >]{{0,8}})\[(?P<name>[^\[\]\n]++)\]:[ \t]*+\n?+[ \t]*+<?+(?P<meant>[^\s<>]++)>?+)
  | (?P<auto><(?P<auto_address>{_ADDRESS})>)
  | (?P<bare>{_ADDRESS}|{_BARE_HOST})
  | (?P<entity>{_ENTITY})
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)

_SUSPECT = re.compile(rf"!\[|\]\(|\]:|{_ADDRESS}|{_BARE_HOST}|{_ENTITY}", re.IGNORECASE)
_PARAGRAPH = re.compile(r"(\n[ \t]*+\n)")
_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\n|\r)|[^\r\n]++\Z")
_BLOCKS = MarkdownIt("commonmark").disable(
    ["inline", "reference"]
)  # definitions never hold a fence, and many cost their square


def host(address: str) -> str:
    """The host in an address as `addresses` gives it, without its port."""
    return re.split(r"[/?#:]", address.rpartition("://")[2].rpartition("@")[2], maxsplit=1)[0]


def addresses(texts: Iterable[str]) -> frozenset[str]:
    """The web addresses in these texts, to be kept as links."""
    return frozenset(_normal(_trim(found[0])) for text in texts for found in _FOUND.finditer(text))


def defang(markdown: str, known: frozenset[str]) -> str:
    """The same Markdown with unknown addresses as code and images as links. Fenced code is left alone.

    A backtick without a partner on its line is escaped everywhere: some platforms look for the partner in later
    paragraphs, which would make text of their code.
    """
    replace = _replacer(known)
    shown: list[str] = []
    for text, prose in _stretches(markdown):
        shown += [_harmless(part, replace) for part in _PARAGRAPH.split(text)] if prose else [text]
    return "".join(shown)


def spaced(text: str) -> str:
    """The same text with spaces in its web addresses, so that nobody makes links of them."""
    return _WWW.sub(r"\g<0> ", _FOUND.sub(lambda found: _JOINT.sub(r" \g<0> ", found[0]), text))


def _stretches(markdown: str) -> Iterator[tuple[str, bool]]:
    """The text outside (True) and inside of code fences, in order.

    Only what is a fence for CommonMark and everybody else counts as code: with a hostile model, a difference between
    two readings is a way around the rule.
    """
    if "```" not in markdown:
        yield markdown, True
        return
    lines = _LINE.findall(markdown)
    done = 0
    for token in _BLOCKS.parse(markdown):
        if token.type == "fence" and token.map and token.markup.startswith("`") and token.map[0] >= done:
            yield "".join(lines[done : token.map[0]]), True
            yield "".join(lines[token.map[0] : token.map[1]]), False
            done = token.map[1]
    yield "".join(lines[done:]), True


def _harmless(paragraph: str, replace: Callable[[re.Match[str]], str]) -> str:
    if _SUSPECT.search(paragraph):
        return _rewritten(paragraph, replace)
    return _paired(paragraph) if "`" in paragraph else paragraph


class _Closing:
    """Where the backticks of a text stand.

    A pattern would look through the rest of the line for each that begin code, to find those that end it.
    """

    def __init__(self, text: str) -> None:
        self._runs: dict[int, list[int]] = {}
        self._line_ends: list[int] = []
        for found in _RUN.finditer(text):
            places = self._line_ends if found[0] == "\n" else self._runs.setdefault(len(found[0]), [])
            places.append(found.start())

    def of(self, ticks: re.Match[str]) -> int | None:
        """Where the next equally many backticks on the same line are."""
        runs = self._runs.get(len(ticks[0]), []) if len(ticks[0]) <= _LONGEST_TICKS else []
        number = bisect_left(runs, ticks.end())
        if number == len(runs):
            return None
        line = bisect_left(self._line_ends, ticks.end())
        crosses = line < len(self._line_ends) and self._line_ends[line] < runs[number]
        return None if crosses else runs[number]


def _tokens(pattern: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str | None, int]]:
    """Every token of a text with its end; for backticks that begin code also what the code is."""
    closing = _Closing(text)
    position = 0
    while found := pattern.search(text, position):
        close = closing.of(found) if found.lastgroup == "ticks" else None
        position = found.end() if close is None else close + len(found[0])
        yield found, None if close is None else text[found.end() : close], position


def _paired(text: str) -> str:
    """Text without anything suspect: only its backticks are looked at."""
    shown: list[str] = []
    position = 0
    for found, code, end in _tokens(_TICK, text):
        shown.append(text[position : found.start()])
        if found.lastgroup != "ticks":
            shown.append(found[0])
        elif code is None:
            shown.append(_escaped(found[0]))
        else:
            shown.append(_no_code(found[0], _paired(code)) if _too_long(code) else text[found.start() : end])
        position = end
    return "".join(shown) + text[position:]


def _too_long(code: str) -> bool:
    """Whether it may end in another message than it begins in; it is no code in either of them then."""
    return len(code) > _LONGEST_CODE


def _rewritten(text: str, replace: Callable[[re.Match[str]], str]) -> str:
    """`text` with every token replaced; two pieces of code never touch, or they would become one."""
    shown: list[str] = [""]
    position = 0
    for found, code, end in _tokens(_TOKEN, text):
        if found.start() > position:
            shown.append(text[position : found.start()])
        if code is None:
            replacement = replace(found)
        elif "|" in code or _too_long(code):  # in a table the bar ends the cell and the code
            replacement = _no_code(found[0], _rewritten(code, replace))
        else:
            replacement = text[found.start() : end]
        if shown[-1].endswith("`") and replacement.startswith("`"):
            shown.append(" ")
        if replacement:
            shown.append(replacement)
        position = end
    return "".join(shown) + text[position:]


def _replacer(known: frozenset[str]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        match found.lastgroup:
            case "inline":
                return _inline(found, known)
            case "definition" | "auto" | "bare":
                return _address(found, known)
            case "ticks":  # an unpaired one would pair with those that are put around addresses
                return _escaped(found[0])
            case _:
                return _FIXED.get(found.lastgroup or "", found[0])

    return replace


_FIXED = {
    "image": "",
    "backslash": "\\\\",  # it would take the mark that is put in front of an address
    "entity": "\\&",
    "joint": "] ",
}
"""What these tokens always become."""


def _address(found: re.Match[str], known: frozenset[str]) -> str:
    """An address outside of a link's brackets."""
    address = found["meant"] or found["auto_address"] or _trim(found[0])
    if _normal(address) in known:
        return found[0]
    if found["meant"]:
        return f"{found['margin']}\\[{_rewritten(found['name'], _replacer(known))}]: {_code(address)}"
    return _code(address) + ("" if found["auto_address"] else found[0][len(address) :])


def _inline(found: re.Match[str], known: frozenset[str]) -> str:
    target = found["angled"] or found["target"] or ""
    label = found["label"]
    if _normal(target) in known and "`" not in label:  # code in a label can end elsewhere for another reader
        return found[0].removeprefix("!")
    shown = _rewritten(label, _replacer(known))
    if not target:
        return shown
    return f"{shown} ({_code(target)})" if label.strip() and _trim(label) != target else _code(target)


def _no_code(ticks: str, inside: str) -> str:
    """What was code as text. A backslash at its end, which meant itself there, must not take the mark off the ticks."""
    odd = (len(inside) - len(inside.rstrip("\\"))) % 2
    return _escaped(ticks) + inside + "\\" * odd + _escaped(ticks)


def _escaped(ticks: str) -> str:
    return "\\`" * len(ticks)


def _code(address: str) -> str:
    return f"`{address.replace('`', '%60')}`"


def _trim(address: str) -> str:
    """Without the punctuation that ends a sentence; a closing bracket stays when it was opened inside."""
    end, unopened = len(address), address.count(")") - address.count("(")
    while end and address[end - 1] in _TAIL:
        if address[end - 1] == ")":
            if unopened <= 0:
                break
            unopened -= 1
        end -= 1
    return address[:end]


def _normal(address: str) -> str:
    """For comparison: scheme and host in lower case, no slash at the end."""
    scheme, mark, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{mark}{host.lower()}{slash}{path}".rstrip("/")
