"""What a person typed, as Slack encodes it, on its way in: mrkdwn to Markdown with names instead of ids."""

import re
from collections.abc import Mapping

TOKEN = re.compile(r"<([^<>\n]+)>")
USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>\n]*)?>")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]+?)(?<!\s)\*(?![\w*])")
STRIKE = re.compile(r"(?<![\w~])~(?![\s~])([^~\n]+?)(?<!\s)~(?![\w~])")


def mentioned(text: str) -> tuple[str, ...]:
    """Ids of the people that are mentioned, each once, in order."""
    return tuple(dict.fromkeys(USER.findall(text)))


def without_mention(text: str, user: str) -> str:
    """The text without a mention of `user` at its beginning or end; elsewhere it belongs to the sentence."""
    mention = re.compile(rf"<@{re.escape(user)}(?:\|[^<>\n]*)?>")
    text = text.strip()
    begin, end = 0, len(text)
    while found := mention.match(text, begin):
        begin = _after(text, found.end())
    while (
        end > begin and text[end - 1] == ">" and mention.fullmatch(text, max(text.rfind("<", begin, end), begin), end)
    ):
        end = text.rfind("<", begin, end)
        while end > begin and text[end - 1].isspace():
            end -= 1
    return text[begin:end]


def _after(text: str, position: int) -> int:
    """The first place from there that is neither space nor a comma or colon after a name."""
    while position < len(text) and (text[position].isspace() or text[position] in ",:"):
        position += 1
    return position


def to_markdown(text: str, names: Mapping[str, str]) -> str:
    """Convert, with `names` for user ids; an id without a name stays itself."""
    pieces = CODE.split(text)
    return "".join(
        _tokens(piece, names, plain=True) if index % 2 else _tokens(_marks(piece), names, plain=False)
        for index, piece in enumerate(pieces)
    )


def _marks(text: str) -> str:
    return STRIKE.sub(r"~~\1~~", BOLD.sub(r"**\1**", text))


def _tokens(text: str, names: Mapping[str, str], *, plain: bool) -> str:
    pieces: list[str] = []
    start = 0
    for token in TOKEN.finditer(text):
        pieces += [_unescaped(text[start : token.start()]), _token(token[1], names, plain=plain)]
        start = token.end()
    return "".join([*pieces, _unescaped(text[start:])])


def _token(body: str, names: Mapping[str, str], *, plain: bool) -> str:
    """One `<…>`; in code (`plain`) a link is written as the person typed it."""
    target, _, label = (_unescaped(part) for part in body.partition("|"))
    if target.startswith("@"):
        return "@" + names.get(target[1:], label or target[1:])
    if target.startswith("#"):
        return "#" + (label or target[1:])
    if target.startswith("!"):
        return _special(target[1:], label)
    bare = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (target, bare) or plain:
        return label or bare
    return bare if f"https://{label}" == bare or f"http://{label}" == bare else f"[{label}]({target})"


def _special(name: str, label: str) -> str:
    if label:
        return label
    return "@" + name.split("^")[0]


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
