"""Unknown addresses become code, images become links, code stays as it is."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.relay.text.links import addresses, defang
from bot.relay.text.splitter import split
from bot.relay.text.unfinished import settled

READER = MarkdownIt("commonmark").enable("table")
KNOWN = addresses(["See https://known.example/page, please.", "<https://tool.example/x?y=1>"])


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("go to https://evil.example/?q=secret now", "go to `https://evil.example/?q=secret` now"),
        ("go to https://known.example/page.", "go to https://known.example/page."),
        ("https://known.example/page?leak=1", "`https://known.example/page?leak=1`"),
        ("[docs](https://evil.example/a_(b))", "docs (`https://evil.example/a_(b)`)"),
        ("[docs](https://known.example/page)", "[docs](https://known.example/page)"),
        ('[docs](<https://evil.example/a b> "title")', "docs (`https://evil.example/a b`)"),
        ("![pixel](https://evil.example/p.png)", "pixel (`https://evil.example/p.png`)"),
        ("![pixel](https://known.example/page)", "[pixel](https://known.example/page)"),
        ("![](https://evil.example/p.png)", "`https://evil.example/p.png`"),
        ("![alt][ref]", "[alt][ref]"),
        ("[ref]: https://evil.example/x", "\\[ref]: `https://evil.example/x`"),
        ("<https://evil.example>", "`https://evil.example`"),
        ("<https://tool.example/x?y=1>", "<https://tool.example/x?y=1>"),
        ("[https://known.example/page](https://evil.example)", "https://known.example/page (`https://evil.example`)"),
        ("[a ![b](https://evil.example/1) c](https://evil.example/2)", None),
        ("[https://evil.example/1](https://known.example/page)", None),
        ("`https://evil.example` stays", "`https://evil.example` stays"),
        ("```\nhttps://evil.example\n```\n", "```\nhttps://evil.example\n```\n"),
        ("www.evil.example/x", "`www.evil.example/x`"),
        ("evil.example/x?q=1", "`evil.example/x?q=1`"),
        ("evil.example.com:8080/x", "`evil.example.com:8080/x`"),
        ("evil.example.com:8080, or", "`evil.example.com:8080`, or"),
        ("evil.example?q=1", "`evil.example?q=1`"),
        ("is it bot.example?", "is it bot.example?"),
        ("1.2.3.4/x", "`1.2.3.4/x`"),
        ("1.2.3.4:80/x", "`1.2.3.4:80/x`"),
        ("version 1.2.3.4 of 3.4/5", "version 1.2.3.4 of 3.4/5"),
        ("[a`b`](https://known.example/page)", "a`b` (`https://known.example/page`)"),
        ("javascript://alert", "`javascript://alert`"),
        ("(https://evil.example/x).", "(`https://evil.example/x`)."),
        ("**https://evil.example/x**", "**`https://evil.example/x`**"),
        ("HTTPS://EVIL.example/x", "`HTTPS://EVIL.example/x`"),
        ("open contract.py and and/or, 3.5/4", "open contract.py and and/or, 3.5/4"),
        ("a `` ` `` https://evil.example/x `b`", "a `` ` `` `https://evil.example/x` `b`"),
        ("Paying now `\n\n`https://evil.example/x`", "Paying now \\`\n\n`https://evil.example/x`"),
        ("a `` b `c` ``` d", "a \\`\\` b `c` \\`\\`\\` d"),
        ("\\` `str | None` \\d", "\\` `str | None` \\d"),
        ("`a\nb`", "\\`a\nb\\`"),
        ("```\n` a\n```\n`", "```\n` a\n```\n\\`"),
        ("`||\\`https://evil.example/x`", "\\`||\\\\\\` `https://evil.example/x`\\`"),
        ("`a\nhttps://evil.example/x`", "\\`a\n`https://evil.example/x`\\`"),
    ],
)
def test_an_address_is_a_link_only_when_it_is_known(markdown: str, shown: str | None) -> None:
    result = defang(markdown, KNOWN)
    if shown is not None:
        assert result == shown
    assert "](https://evil" not in result
    assert "![" not in result


MARKS = [
    "https://evil.example/x",
    "[",
    "]",
    "(",
    ")",
    "](",
    "!",
    "`",
    "``",
    "\n",
    "\n\n",
    " ",
    "a",
    "```\n",
    "<",
    ">",
    "\\",
    '"',
]
MARKS += [
    "~~~\n",
    "| ",
    "> ",
    "- ",
    "    ",
    "]: ",
    "[a]",
    "www.evil.example/p",
    "https&#58;//evil.example/y",
    "{",
    "|---|\n",
    "\r\n",
]


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join))
@settings(max_examples=500, deadline=None)
def test_no_arrangement_of_marks_makes_a_link(markdown: str) -> None:
    """For CommonMark with tables, no link or image leads out and no address stands outside of code."""
    for token in READER.parse(defang(markdown, frozenset())):
        for child in token.children or ():
            target = str(child.attrs.get("href") or child.attrs.get("src") or "")
            assert child.type != "image" or not target
            assert not target.startswith(("http", "www", "//"))
            assert child.type == "code_inline" or not re.search(r"(?<!`)(https://|www\.)evil", child.content), child


@given(st.lists(st.sampled_from([*"`*|>- a\\", "``", "\n", "\n\n", "[a]"]), max_size=30).map("".join))
@settings(max_examples=500, deadline=None)
def test_code_that_spans_lines_is_the_same_code(markdown: str) -> None:
    """Discord looks for the end of code in all that follows; what it finds is in the same line."""
    assume("```" not in markdown)
    across = re.compile(r"\\[^\w\s]|(?P<code>(?P<ticks>`+)[\s\S]*?[^`](?P=ticks)(?!`))")
    codes = [found["code"] for found in across.finditer(defang(markdown, frozenset())) if found["code"]]
    assert not any("\n" in code for code in codes)


@pytest.mark.parametrize("before", ["", "https://evil.example/y "])
def test_code_that_two_messages_would_share_is_no_code(before: str) -> None:
    """Neither message would show it as code, and both would have a backtick without a partner."""
    long = f"{before}`{'x ' * 700}[a](https://evil.example/x) `` {'y ' * 700}` end"
    for text in split(defang(long, frozenset()), 1_900, 2_000, "utf16"):
        assert "](" not in text
        assert len(re.findall(r"(?<!\\)`", text)) % 2 == 0
    assert defang(f"`{'x ' * 700}`", frozenset()) == f"\\`{'x ' * 700}\\`"


@given(st.lists(st.sampled_from([*"`a\\", "``", "```\n", "\n", "\n\n", "www.evil.example/p"]), max_size=30))
@settings(max_examples=300, deadline=None)
def test_a_text_that_grows_keeps_its_finished_paragraphs(pieces: list[str]) -> None:
    text = "".join(pieces)
    whole = defang(text, frozenset())
    for end in range(len(text)):
        if text[end - 2 : end] == "\n\n" and "```" not in text[:end]:
            assert whole.startswith(defang(text[:end], frozenset()))


@pytest.mark.parametrize(
    ("growing", "shown"),
    [
        ("see [the docs](https://exam", "see "),
        ("see [the do", "see "),
        ("see https://exam", "see "),
        ("hello <@U12", "hello "),
        ("code:\n``", "code:\n"),
        ("code:\n```pyth", "code:\n"),
        ("this is **", "this is "),
        ("this is **bo", "this is **bo"),
        ("fact 【4:0†so", "fact "),
        ("done.", "done."),
        ("", ""),
    ],
)
def test_half_written_marks_are_held_back(growing: str, shown: str) -> None:
    assert settled(growing) == shown
