"""Slack's dialects become safe HTML."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.playground.slack.blocks_html import blocks_html
from bot.playground.slack.markup import markdown_html, mrkdwn_html


def name(inner: str) -> str:
    return {"@U1": "@Ada", "#C1": "#general"}.get(inner, inner)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** _i_ ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>\n"),
        ("```python\na < b\n```", '<pre><code class="language-python">a &lt; b\n</code></pre>\n'),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        ("hi <@U1>", '<p>hi <span class="mention">@Ada</span></p>\n'),
        ("[x]()", '<p><a target="_blank" rel="noopener noreferrer">x</a></p>\n'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>\n"),
        (
            "https://a.example/x.",
            '<p><a href="https://a.example/x" target="_blank" rel="noopener noreferrer">https://a.example/x</a>.</p>\n',
        ),
        (
            "![pic](https://a.example/p.png)",
            '<p><a href="https://a.example/p.png" target="_blank" rel="noopener noreferrer">pic</a></p>\n',
        ),
        ("1\n2", "<p>1<br />\n2</p>\n"),
        ("<@everyone> <@&1>", "<p>&lt;@everyone&gt; &lt;@&amp;1&gt;</p>\n"),
        ("`<!channel>` :eyes:", "<p><code>&lt;!channel&gt;</code> 👀</p>\n"),
    ],
)
def test_markdown(text: str, html: str) -> None:
    """Markdown of markdown blocks: no raw HTML, no scripts, no remote images."""
    assert markdown_html(text, name) == html


def test_markdown_table() -> None:
    """Tables are tables."""
    assert "<td>1</td>" in markdown_html("| a |\n|---|\n| 1 |\n", name)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `*c*`", "<strong>b</strong> <em>i</em> <s>s</s> <code>*c*</code>"),
        ("a_b_c 2*3*4", "a_b_c 2*3*4"),
        ("```x &lt; y\n*z*```", "<pre><code>x &lt; y\n*z*</code></pre>"),
        ("&gt; quoted\nnot", "<blockquote>quoted</blockquote>not"),
        ("<@U1|Eve> <#C1|other> <!here>", "".join(
            f'<span class="mention">{one}</span> ' for one in ("@Ada", "#general", "!here")).strip()),
        ("<https://a.example|site>", '<a href="https://a.example" target="_blank" rel="noopener noreferrer">site</a>'),
        ("<@everyone>", "&lt;@everyone&gt;"),
        ("<javascript:alert(1)|x>", "x"),
        ("one\ntwo :tada:", "one<br>two 🎉"),
    ],
)  # fmt: skip
def test_mrkdwn(text: str, html: str) -> None:
    """Slack's own markup: bold, italic, strike, code, quotes, links, mentions."""
    assert mrkdwn_html(text, name) == html


class Audit(HTMLParser):
    """Collects every tag and attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {key for key, _ in attrs}
        self.addresses += [value or "" for key, value in attrs if key in {"href", "src"}]


TAGS = {"strong", "em", "s", "code", "pre", "blockquote", "br", "p", "div", "span", "a", "ol", "ul", "li", "hr",
        "h1", "h2", "h3", "h4", "h5", "h6"}  # fmt: skip
PIECES = ["<", ">", "&", '"', "'", "`", "```", "*", "_", "|", "@U1", "!here", "#C1", " ", "\n", "&lt;", "&gt;",
          "on=x ", "https://a.example/", "javascript:x", "<img src=x>", "[a](", ")", "![", "\ue000", "\ue001",
          "0"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example('<https://a.example/`" on=x "`>')
@example('`<https://a.example/|" on=x>`')
def test_nothing_dangerous_gets_out(text: str) -> None:
    """Whatever comes in, only known tags and attributes come out, and addresses are http or https."""
    for html in (mrkdwn_html(text, name), markdown_html(text, name)):
        audit = Audit(html)
        assert audit.tags <= TAGS
        assert audit.attributes <= {"href", "target", "rel", "class", "start", "title"}
        assert all(address.startswith("http") for address in audit.addresses)
    assert not {"\ue000", "\ue001"} & set(mrkdwn_html(text, name))


def test_blocks() -> None:
    """Sections, headers, context and dividers are rendered; actions are left to the page's own buttons."""
    html = blocks_html(
        [
            {"type": "header", "text": {"type": "plain_text", "text": "H & *h*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*s*"}},
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "[1] a"}]},
            {"type": "actions", "elements": []},
        ],
        name,
    )
    assert html == ('<h3>H &amp; *h*</h3><div><strong>s</strong></div><hr><p class="context"><small>[1] a</small></p>')
