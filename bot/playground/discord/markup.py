"""Discord's Markdown as HTML that is safe to insert: no raw HTML, links only to the web, no images, no tables."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in a text are called."""

    users: Mapping[str, str] = field(default_factory=dict[str, str])
    channels: Mapping[str, str] = field(default_factory=dict[str, str])


_REFERENCE = re.compile(
    r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|#(?P<channel>\d+)|t:(?P<time>-?\d{1,12})(?::[a-zA-Z])?"
    r"|a?:(?P<emoji>\w+):\d+)>"
)
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_BARE_LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,:;!?\"')\]*_~|`]")
_WEB_LINK = re.compile(r"https?://", re.IGNORECASE)
_SUBTEXT = "-# "
_LONG_QUOTE = ">>> "


def to_html(text: str, names: Names | None = None) -> str:
    """A message's text as Discord would show it."""
    env: dict[str, object] = {"names": names or Names()}
    return _MARKDOWN.render(_with_quotes(text), env).strip()


def _with_quotes(text: str) -> str:
    """Discord's quotes in CommonMark: `>>> ` takes everything that follows, `> ` ends with its line."""
    lines: list[str] = []
    fenced = everything = False
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        fenced ^= line.lstrip().startswith("```")
        if not fenced and not everything and line.startswith(_LONG_QUOTE):
            everything, line = True, line.removeprefix(_LONG_QUOTE)
        elif not fenced and not everything and before and _is_apart(before, line):
            lines.append("")
        lines.append(f"> {line}" if everything else line)
    return "\n".join(lines)


def _is_apart(before: str, line: str) -> bool:
    """Whether a quote ends between two lines, or one of them is small print, each line of which stands alone."""
    quote_ends = before.startswith("> ") and not line.startswith("> ")
    return quote_ends or before.startswith(_SUBTEXT) or line.startswith(_SUBTEXT)


# --- inline rules ---


def _reference(state: StateInline, silent: bool) -> bool:
    found = _REFERENCE.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("discord_span", "span", 0)
        names = state.env["names"]
        token.attrs, token.content = _shown(found, names if isinstance(names, Names) else Names())
    state.pos = found.end()
    return True


def _shown(found: re.Match[str], names: Names) -> tuple[dict[str, str | int | float], str]:
    if user := found["user"]:
        return {"class": "mention"}, f"@{names.users.get(user, 'unknown-user')}"
    if found["role"]:
        return {"class": "mention"}, "@role"
    if channel := found["channel"]:
        return {"class": "mention"}, f"#{names.channels.get(channel, 'unknown')}"
    if moment := found["time"]:
        return {"class": "time"}, _moment(int(moment))
    return {"class": "emoji"}, f":{found['emoji']}:"


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y %H:%M UTC")
    except (ValueError, OverflowError, OSError):  # outside the calendar
        return str(seconds)


def _everyone(state: StateInline, silent: bool) -> bool:
    found = _EVERYONE.match(state.src, state.pos)
    if found is None or (state.pos and state.src[state.pos - 1].isalnum()):
        return False
    if not silent:
        token = state.push("discord_span", "span", 0)
        token.attrs, token.content = {"class": "mention"}, found[0]
    state.pos = found.end()
    return True


def _bare_link(state: StateInline, silent: bool) -> bool:
    found = _BARE_LINK.match(state.src, state.pos)
    if found is None or state.linkLevel > 0:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(found[0])}
        state.push("text", "", 0).content = found[0]
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _spoiler(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("||", state.pos):
        return False
    end = state.src.find("||", state.pos + 2)
    if end <= state.pos + 2 or end >= state.posMax:
        return False
    if not silent:
        last, state.posMax, state.pos = state.posMax, end, state.pos + 2
        state.push("discord_spoiler_open", "span", 1).attrs = {"class": "spoiler"}
        state.md.inline.tokenize(state)
        state.push("discord_spoiler_close", "span", -1)
        state.posMax = last
    state.pos = end + 2
    return True


# --- block rules ---


def _small_headings(state: StateCore) -> None:
    """Discord knows three levels; deeper ones stay text."""
    for index, token in enumerate(state.tokens):
        if token.type not in {"heading_open", "heading_close"} or token.tag in {"h1", "h2", "h3"}:
            continue
        if token.type == "heading_open":
            inline = state.tokens[index + 1]
            inline.content = f"{token.markup} {inline.content}"
        token.type, token.tag = token.type.replace("heading", "paragraph"), "p"


def _subtext(state: StateCore) -> None:
    """`-# ` makes a paragraph small."""
    for opening, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if opening.type == "paragraph_open" and inline.type == "inline" and inline.content.startswith(_SUBTEXT):
            inline.content = inline.content.removeprefix(_SUBTEXT)
            opening.attrs = {"class": "subtext"}


# --- rendering ---

Render = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, EnvType], str]


def _span(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType) -> str:
    return f'<span class="{tokens[index].attrs["class"]}">{escapeHtml(tokens[index].content)}</span>'


def _strong(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Two underscores underline; two asterisks embolden."""
    if tokens[index].markup == "__":
        tokens[index].tag = "u"
    return renderer.renderToken(tokens, index, options, env)


def _link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    tokens[index].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
    return renderer.renderToken(tokens, index, options, env)


def _only_web(url: str) -> bool:
    return bool(_WEB_LINK.match(url))


def _built() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable("strikethrough")
    markdown.disable(["image", "html_block", "html_inline", "hr", "lheading", "code", "reference", "entity"])
    markdown.validateLink = _only_web
    for character in "|@h":  # where spoilers, @everyone and bare links begin
        markdown.inline.add_terminator_char(character)
    for name, rule in {"reference": _reference, "everyone": _everyone, "bare_link": _bare_link}.items():
        markdown.inline.ruler.before("text", f"discord_{name}", rule)
    markdown.inline.ruler.before("emphasis", "discord_spoiler", _spoiler)
    markdown.core.ruler.after("block", "discord_headings", _small_headings)
    markdown.core.ruler.after("block", "discord_subtext", _subtext)
    rules: dict[str, Render] = {
        "discord_span": _span,
        "strong_open": _strong,
        "strong_close": _strong,
        "link_open": _link,
    }
    for name, render in rules.items():
        markdown.add_render_rule(name, render)
    return markdown


_MARKDOWN = _built()
