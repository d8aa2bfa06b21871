"""Slack's two dialects as HTML: Markdown of `markdown` blocks, and mrkdwn of everything else."""

import re
from collections.abc import Callable, Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from bot.playground.slack.emoji import replace_names
from bot.playground.slack.entities import USER, unescape

Names = Callable[[str], str]
"""What a user id, channel id or group is called; the argument is the inside of `<…>` up to the bar."""

_MENTION = re.compile(rf"<({USER.pattern}|[#!][^<>|\s]+)(?:\|([^<>]*))?>")
_ADDRESS = re.compile(r"https?://[^\s<>\"'|]*[^\s<>\"'|.,;:!?)\]}]")
_SAFE = re.compile(r"https?://", re.IGNORECASE)


def mention_html(inner: str, label: str, names: Names) -> str:
    """A mention as the page shows it; the label counts only for what has no name here."""
    known = names(inner)
    return f'<span class="mention">{escape(label if label and known == inner else known)}</span>'


def link_html(url: str, label: str) -> str:
    """A link that opens elsewhere; only http and https, anything else is just its label."""
    if not _SAFE.match(url):
        return escape(label)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(label)}</a>'


# --- Markdown -----------------------------------------------------------------------------------------------------


def markdown_html(text: str, names: Names) -> str:
    """Markdown of a `markdown` block: raw HTML is shown as text, images are links, nothing is loaded from elsewhere."""
    return _MARKDOWN.render(text, {"names": names})


def _mention_rule(state: StateInline, silent: bool) -> bool:
    match = _MENTION.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("mention", "", 0)
        token.content, token.info = match[1], match[2] or ""
    state.pos = match.end()
    return True


def _address_rule(state: StateCore) -> None:
    """Bare addresses become links (in text that is not inside a link already)."""
    for block in state.tokens:
        depth = 0
        children: list[Token] = []
        for token in block.children or []:
            depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            children += _split_addresses(token) if token.type == "text" and depth == 0 else [token]
        if block.children is not None:
            block.children = children


def _split_addresses(token: Token) -> list[Token]:
    parts: list[Token] = []
    end = 0
    for match in _ADDRESS.finditer(token.content):
        parts.append(Token("text", "", 0, content=token.content[end : match.start()]))
        parts.append(Token("address", "", 0, content=match[0]))
        end = match.end()
    return [*parts, Token("text", "", 0, content=token.content[end:])] if parts else [token]


def _render_mention(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, env: EnvType
) -> str:
    return mention_html(tokens[index].content, tokens[index].info, env["names"])


def _render_address(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return link_html(tokens[index].content, tokens[index].content)


def _render_image(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    source = str(tokens[index].attrGet("src") or "")
    return link_html(source, tokens[index].content or source)


def _render_text(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return escape(replace_names(tokens[index].content), quote=False)


def _render_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    if not _SAFE.match(str(tokens[index].attrGet("href"))):
        tokens[index].attrs.pop("href", None)  # `[a]()` would lead to the page itself
    tokens[index].attrSet("target", "_blank")
    tokens[index].attrSet("rel", "noopener noreferrer")
    return renderer.renderToken(tokens, index, options, env)


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: bool(_SAFE.match(url))
    parser.inline.ruler.before("autolink", "mention", _mention_rule)
    parser.core.ruler.push("address", _address_rule)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("address", _render_address)
    parser.add_render_rule("image", _render_image)
    parser.add_render_rule("text", _render_text)
    parser.add_render_rule("link_open", _render_link)
    return parser


_MARKDOWN = _markdown()


# --- mrkdwn -------------------------------------------------------------------------------------------------------

_PIECE = re.compile(
    r"```\n?(?P<fence>.*?)\n?```|`(?P<code>[^`\n]+)`|<(?P<inner>[^<>|]+)(?:\|(?P<label>[^<>]*))?>", re.DOTALL
)
_STYLES = tuple(
    (re.compile(rf"(?<![\w{mark}])\{mark}(?=\S)([^\n]*?\S)\{mark}(?![\w{mark}])"), rf"<{tag}>\1</{tag}>")
    for mark, tag in (("*", "strong"), ("_", "em"), ("~", "s"))
)
_QUOTE = re.compile(r"(?:^(?:&gt;) ?.*(?:\n|$))+", re.MULTILINE)
_KEPT = re.compile("\ue000(\\d+)\ue001")


def mrkdwn_html(text: str, names: Names) -> str:
    """HTML of mrkdwn."""
    return _Mrkdwn(names).render(text)


def plain_html(text: str) -> str:
    """A `plain_text` object as HTML."""
    return escape(replace_names(text), quote=False).replace("\n", "<br>")


class _Mrkdwn:
    """Takes finished pieces (code, mentions, links) out of the way, styles the rest, and puts them back."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._kept: list[str] = []

    def render(self, text: str) -> str:
        text = text.replace("\ue000", "").replace("\ue001", "")
        text = _PIECE.sub(self._keep, text)  # in one pass: no piece can end up inside another one's attribute
        text = escape(replace_names(unescape(text)), quote=False)
        for pattern, html in _STYLES:
            text = pattern.sub(html, text)
        text = _QUOTE.sub(_quote, text).replace("\n", "<br>")
        return _KEPT.sub(lambda match: self._kept[int(match[1])], text)

    def _keep(self, match: re.Match[str]) -> str:
        if match["fence"] is not None:
            html = f"<pre><code>{_literal(match['fence'])}</code></pre>"
        elif match["code"] is not None:
            html = f"<code>{_literal(match['code'])}</code>"
        else:
            html = self._entity(match["inner"], match["label"] or "")
        self._kept.append(html)
        return f"\ue000{len(self._kept) - 1}\ue001"

    def _entity(self, inner: str, label: str) -> str:
        if inner[0] == "@" and not USER.fullmatch(inner):
            return f"&lt;{_literal(inner)}&gt;"
        if inner[0] in "@#!":
            return mention_html(unescape(inner), unescape(label), self._names)
        url = unescape(inner)
        return link_html(url, unescape(label) or url)


def _literal(text: str) -> str:
    return escape(unescape(text), quote=False)


def _quote(match: re.Match[str]) -> str:
    lines = match[0].rstrip("\n").split("\n")
    return f"<blockquote>{'<br>'.join(line.removeprefix('&gt;').removeprefix(' ') for line in lines)}</blockquote>"
