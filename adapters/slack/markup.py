"""Markdown on its way out: what a `markdown` block gets, and the plain text beside it."""

import re

FALLBACK_CHARACTERS = 3_000
FALLBACK_BYTES = 3_500
"""`chat.update` refuses a `text` of more than about 4,000 bytes."""

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`).+?(?<!`)\1(?!`)")
IMAGE = re.compile(r"!+(?=\[)")
IMAGE_IN_CODE = re.compile(r"!+(?=\[[^\]]*\][(\[])")
NAMELESS = re.compile(r"!+\[\](?=\()")

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


def fallback(markdown: str) -> str:
    """The message in plain words for notifications, search and screen readers: escaped and short enough for edits."""
    kept = [_plain(line) for line in markdown.split("\n") if not FENCE.match(line)]
    return _clipped(escaped("\n".join(kept).strip()) or "Answer")


def _plain(line: str) -> str:
    line = re.sub(r"^\s{0,3}#{1,6}\s+", "", line)
    line = re.sub(r"!?\[([^\]\n]*)\]\([^)\n]*\)", r"\1", line)
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
    for code in CODE_SPAN.finditer(line):
        pieces += [IMAGE.sub("", line[start : code.start()]), IMAGE_IN_CODE.sub("", code[0])]
        start = code.end()
    return "".join([*pieces, IMAGE.sub("", line[start:])])
