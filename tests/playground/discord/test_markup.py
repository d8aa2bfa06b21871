"""Discord's Markdown as safe HTML."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.discord.markup import Names, to_html

NAMES = Names({"1": "Ada <b>"}, {"2": "general"})
TAGS = {
    "p",
    "h1",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "code",
    "strong",
    "em",
    "u",
    "s",
    "a",
    "span",
    "br",
}
ATTRIBUTES = {"class", "href", "target", "rel", "start"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** __u__ *i* ~~s~~", "<p><strong>b</strong> <u>u</u> <em>i</em> <s>s</s></p>"),
        ("<@1> <#2>", '<p><span class="mention">@Ada &lt;b&gt;</span> <span class="mention">#general</span></p>'),
        ("hey @everyone", '<p>hey <span class="mention">@everyone</span></p>'),
        ("a ||s **b**|| c", '<p>a <span class="spoiler">s <strong>b</strong></span> c</p>'),
        ("`<@1>`", "<p><code>&lt;@1&gt;</code></p>"),
        ("```py\nx < 1\n```", '<pre><code class="language-py">x &lt; 1\n</code></pre>'),
        ("a\nb", "<p>a<br />\nb</p>"),
        ("|a|b|\n|-|-|\n|1|2|", "<p>|a|b|<br />\n|-|-|<br />\n|1|2|</p>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("#### deep", "<p>#### deep</p>"),
        ("-# small", '<p class="subtext">small</p>'),
        ("a\n-# b\nc", '<p>a</p>\n<p class="subtext">b</p>\n<p>c</p>'),
        ("> q\nx", "<blockquote>\n<p>q</p>\n</blockquote>\n<p>x</p>"),
        (">>> a\nb", "<blockquote>\n<p>a<br />\nb</p>\n</blockquote>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("<t:0:R>", '<p><span class="time">01 January 1970 00:00 UTC</span></p>'),
    ],
)
def test_discord_shows_it_so(text: str, html: str) -> None:
    """Each construct has one rendering."""
    assert to_html(text, NAMES) == html


def test_bare_links_end_before_punctuation_and_open_safely() -> None:
    """A link in running text is clickable, in a new tab, without the full stop behind it."""
    html = to_html("see https://example.com/a_b.")
    link = '<a href="https://example.com/a_b" target="_blank" rel="noopener noreferrer nofollow">'
    assert html == f"<p>see {link}https://example.com/a_b</a>.</p>"


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


PIECES = ["<script>", "<img src=x onerror=y>", "||", "**", "`", "```", "> ", "<@1>", "<t:99999999999>", "https://a.b/"]
PIECES += [
    "[x](",
    "javascript:x",
    ")",
    "data:text/html,x",
    "![",
    "](http://x)",
    "\n",
    '"',
    "'",
    "&#106;",
    "@everyone",
    "-# ",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=30).map("".join))
def test_no_text_makes_anything_but_harmless_elements(text: str) -> None:
    """Whatever people or models write, only known elements come out, and links lead to the web."""
    seen = Seen()
    seen.feed(to_html(text, NAMES))
    assert seen.tags <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert all(
        (value or "").lower().startswith(("http://", "https://")) for name, value in seen.attributes if name == "href"
    )
