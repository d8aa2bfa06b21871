"""Markdown on its way out: what a `markdown` block gets, and the plain text beside it."""

import re
from collections.abc import Iterator

FALLBACK_CHARACTERS = 3_000
FALLBACK_BYTES = 3_500
"""`chat.update` refuses a `text` of more than about 4,000 bytes."""

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
TICKS = re.compile(r"`+")
IMAGE = re.compile(r"(?<!!)!+(?=\[)")
NAMELESS = re.compile(r"(?<!!)!+\[\](?=\()")
WEB = r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,30}://|[wW]{3}\.|(?<![\w@/.:-])(?:[a-zA-Z0-9-]{1,63}\.){1,6}[a-zA-Z]{2,24}[/?#:])"
ADDRESS = re.compile(
    r"!?\[(?P<label>[^\[\]\n]*)\]\((?P<target>[^\s()<>`]+(?:\([^\s()<>`]*\)[^\s()<>`]*)*)\)"
    rf"|(?P<joint>\](?=[(:]))|<(?P<auto>{WEB}[^\s<>`]*)>|{WEB}[^\s<>\"`|\\^{{}}]+"
)
"""Whatever can be a link: in brackets, what would connect brackets with an address, in angles, and by itself."""
LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^)\n]{0,2000}\)")

INVISIBLE = (
    r"[\\\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]*"
)
"""Characters that a reader does not see and that a parser may drop before it looks for mentions."""
OPENING = r"(<|(?i:&lt;?|&#0*60;?|&#x0*3c;?))"


def _spelled(word: str) -> str:
    return INVISIBLE.join(re.escape(letter) for letter in word)


SPECIAL = "|".join(_spelled(word) for word in ("channel", "here", "everyone", "group", "subteam", "date"))
IDENTIFIER = rf"(?:{INVISIBLE}[A-Z0-9])+{INVISIBLE}(?:>|\||&gt|&#)"
MENTION = re.compile(
    rf"{OPENING}(?={INVISIBLE}(?:!{INVISIBLE}(?i:{SPECIAL})|@{INVISIBLE}[UWBS]{IDENTIFIER}|#{INVISIBLE}[CDG]{IDENTIFIER}))"
)
"""The opening of `<!channel>`, `<@U…>`, `<#C…>`; ids need their end, so that code with `<@Nullable T>` stays."""


class SlackDialect:
    """Implements `bot.relay.contract.Dialect`.

    Slack's `markdown` block takes the model's Markdown as it is, so only two things change: whatever Slack would read
    as a mention is broken by a space, in code too (`< !channel>`), and images become links. Every line is converted
    by itself, knowing only whether a fence is open, so finished lines never change when more text comes.
    """

    def convert(self, markdown: str) -> str:
        """The text for a `markdown` block."""
        lines: list[str] = []
        fence: str | None = None
        for line in markdown.split("\n"):
            inside = fence is not None
            fence = _fence_after(line, fence)
            lines.append(inert(line if inside or fence is not None else _without_images(line)))
        return "\n".join(lines)


def inert(text: str) -> str:
    """Break everything that Slack could read as a mention. Applying it twice changes nothing more."""
    return MENTION.sub(r"\1 ", text)


def escaped(text: str) -> str:
    """Text for fields that Slack reads as mrkdwn: nothing in it is control any more."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def noted(markdown: str) -> str:
    """A short note in Markdown as mrkdwn: bold and lists, everything else as it is; nothing in it is control."""
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"*\1*", escaped(markdown))
    return re.sub(r"^- ", "• ", text, flags=re.MULTILINE)


def fallback(markdown: str) -> str:
    """The message in plain words for notifications, search and screen readers: escaped and short enough for edits."""
    beginning = markdown[: 8 * FALLBACK_CHARACTERS]  # enough, whatever the links in it are replaced by
    kept = [_plain(line) for line in beginning.split("\n") if not FENCE.match(line)]
    return _clipped(escaped("\n".join(kept).strip()) or "Answer")


def _plain(line: str) -> str:
    line = re.sub(r"^\s{0,3}#{1,6}\s+", "", line)
    line = LINK.sub(r"\1", line)
    return re.sub(r"\*\*|~~|`+", "", line)


def _clipped(text: str) -> str:
    if len(text) <= FALLBACK_CHARACTERS and len(text.encode()) <= FALLBACK_BYTES:
        return text
    short = text[: FALLBACK_CHARACTERS - 1].encode()[: FALLBACK_BYTES - 3].decode(errors="ignore")
    return re.sub(r"&[a-z]{0,3}$", "", short) + "…"


def _fence_after(line: str, fence: str | None) -> str | None:
    match = FENCE.match(line)
    if match is None:
        return fence
    mark, rest = match[1], match[2]
    if fence is None:
        return None if mark[0] == "`" and "`" in rest else mark
    closes = mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip()
    return None if closes else fence


def _without_images(line: str) -> str:
    """Images as links, for one line.

    Code spans keep their exclamation marks (`vec![0]`), unless what follows looks like an image: a span that begins
    in another line can make code of text and text of code.
    """
    line = NAMELESS.sub("[image]", line)
    pieces: list[str] = []
    start = 0
    for begin, end in _code_spans(line):
        pieces += [IMAGE.sub("", line[start:begin]), _without_images_in_code(line[begin:end])]
        start = end
    return "".join([*pieces, IMAGE.sub("", line[start:])])


def without_links(markdown: str) -> str:
    """Converted text with every web address as code, for messages whose link previews cannot be switched off.

    Line by line, as in the dialect: finished lines never change when more text comes.
    """
    lines: list[str] = []
    fence: str | None = None
    for line in markdown.split("\n"):
        inside = fence is not None
        fence = _fence_after(line, fence)
        lines.append(line if inside or fence is not None else _line_without_links(line))
    return "\n".join(lines)


def _line_without_links(line: str) -> str:
    pieces: list[str] = []
    start = 0
    for begin, end in [*_code_spans(line), (len(line), len(line))]:
        pieces += [ADDRESS.sub(_as_code, line[start:begin]), line[begin:end]]
        start = end
    return "".join(pieces)


def _as_code(found: re.Match[str]) -> str:
    if found["joint"]:
        return "] "
    if (target := found["target"]) is not None:
        label = found["label"]
        return f"`{target}`" if label in ("", target) else f"{ADDRESS.sub(_as_code, label)} (`{target}`)"
    if found["auto"]:
        return f"`{found['auto']}`"
    address = found[0].rstrip(".,;:!?'\"*_~)]")
    address += ")" if "(" in address and found[0].startswith(f"{address})") else ""
    return f"`{address}`{found[0][len(address) :]}"


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    """Where code begins and ends: between runs of equally many backticks, the first of them not escaped.

    By hand: a pattern would look for the end of every unclosed run up to the end of the line.
    """
    runs = [run.span() for run in TICKS.finditer(line)]
    partner: list[int | None] = [None] * len(runs)
    latest: dict[int, int] = {}
    for number in reversed(range(len(runs))):
        length = runs[number][1] - runs[number][0]
        partner[number] = latest.get(length)
        latest[length] = number
    number = 0
    while number < len(runs):
        begin, other = runs[number][0], partner[number]
        if other is None or line[begin - 1 : begin] == "\\":
            number += 1
            continue
        yield begin, runs[other][1]
        number = other + 1


def _without_images_in_code(code: str) -> str:
    """Exclamation marks off what looks like an image: `![…](` or `![…][`."""
    pieces: list[str] = []
    start = close = 0
    for marks in IMAGE.finditer(code):
        if close <= marks.end():
            close = code.find("]", marks.end() + 1)
            if close < 0:
                break
        if code[close + 1 : close + 2] in ("(", "["):
            pieces.append(code[start : marks.start()])
            start = marks.end()
    return "".join([*pieces, code[start:]])
