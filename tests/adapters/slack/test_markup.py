"""Markdown on its way out, mrkdwn on its way in."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.slack.markup import FALLBACK_BYTES, FALLBACK_CHARACTERS, SlackDialect, fallback
from adapters.slack.mrkdwn import mentioned, to_markdown, without_mention
from tests.adapters.growth import assert_linear

convert = SlackDialect().convert
pieces = [*"<>!@#^&|`~\\[]()\n aU1C", "channel", "here", "\u200b", "&lt;", "```", "<!", "<@U1", "!["]
tricky = st.lists(st.sampled_from(pieces)).map("".join)
LIVE = re.compile(r"<(!(channel|here|everyone|subteam\^)|@[UWBS][A-Z0-9]+[>|]|#[CDG][A-Z0-9]+[>|])")
INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\\]")


@settings(deadline=None)
@given(tricky, tricky)
@example("```\n![a](b)\n``", "`\n![a](b)")
def test_the_dialect_is_prefix_stable(begin: str, more: str) -> None:
    """Whatever comes later, finished lines stay as they were converted."""
    finished = convert(begin).split("\n")[:-1]
    assert convert(begin + more).split("\n")[: len(finished)] == finished


@settings(deadline=None)
@given(tricky)
def test_no_mention_survives(text: str) -> None:
    """Also when somebody drops invisible characters and backslashes afterwards, or decodes `&lt;`."""
    assert not LIVE.search(INVISIBLE.sub("", convert(text)).replace("&lt;", "<"))


@settings(deadline=None)
@given(tricky)
def test_converting_twice_changes_nothing_more(text: str) -> None:
    assert convert(convert(text)) == convert(text)


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html>\n<!-- a comment -->",
        "```java\nList<@Nullable String> names;\n```",
        "a < b && b > c, x<!y",
        "[link](https://example.org) <https://example.org>",
        '```rust\nvec![1](2); println!["x"]\n```',
        "`vec![0; 3]` in code",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert convert(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![chart](https://example.org/c.png)", "[chart](https://example.org/c.png)"),
        ("see ![](https://example.org/c.png)", "see [image](https://example.org/c.png)"),
        ("`vec![1]` ![c](d)", "`vec![1]` [c](d)"),
        ("`\n`![a](b)`", "`\n`[a](b)`"),
        ("![a][ref]", "[a][ref]"),
        ("!![a](b)", "[a](b)"),
        ("![a ![b](c)](d)", "[a [b](c)](d)"),
        ("![two\nlines](https://example.org/c.png)", "[two\nlines](https://example.org/c.png)"),
    ],
)
def test_images_become_links(text: str, expected: str) -> None:
    """Nothing is loaded from elsewhere."""
    assert convert(text) == expected


@given(st.text())
def test_the_plain_text_fits_and_controls_nothing(text: str) -> None:
    """Short enough for `chat.update`, never empty, no bare angle bracket."""
    plain = fallback(text)
    assert 0 < len(plain) <= FALLBACK_CHARACTERS
    assert len(plain.encode()) <= FALLBACK_BYTES
    assert "<" not in plain
    assert ">" not in plain


@pytest.mark.parametrize("letter", ["x", "ä", "漢", "🙂", "<", "&"])
def test_long_plain_text_is_cut_between_letters(letter: str) -> None:
    plain = fallback(letter * 20_000)
    assert plain.endswith("…")
    assert len(plain.encode()) <= FALLBACK_BYTES
    assert len(plain) <= FALLBACK_CHARACTERS
    assert len(set(plain.removesuffix("…").replace("&lt;", "<").replace("&amp;", "&"))) == 1


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("*bold* and _slanted_ and ~gone~", "**bold** and _slanted_ and ~~gone~~"),
        ("2 * 3 * 4 and *.py", "2 * 3 * 4 and *.py"),
        ("`*not* bold <@U1>`", "`*not* bold @Ada`"),
        ("```\n*x* = <https://a.b|a.b> &amp;&amp; y\n```", "```\n*x* = a.b && y\n```"),
        ("<https://example.org/x|the page>", "[the page](https://example.org/x)"),
        ("<https://example.org>", "https://example.org"),
        ("<http://example.org|example.org>", "http://example.org"),
        ("<mailto:a@b.c|a@b.c>", "a@b.c"),
        ("<@U1> in <#C1|general> and <#C2>", "@Ada in #general and #C2"),
        ("<@U2|bob> <@U3>", "@bob @U3"),
        ("<!here> <!subteam^S1|@team> <!date^1^{date}|today>", "@here @team today"),
        ("1 &lt; 2 &amp;lt; 3", "1 < 2 &lt; 3"),
    ],
)
def test_what_people_type_becomes_markdown(typed: str, expected: str) -> None:
    assert to_markdown(typed, {"U1": "Ada"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@UB> hello", "hello"),
        ("  <@UB>, <@UB>: hello", "hello"),
        ("hello <@UB>", "hello"),
        ("ask <@UB> about it", "ask <@UB> about it"),
        ("<@UB|parley> hello", "hello"),
        ("<@UA> hello", "<@UA> hello"),
        ("<@UB>", ""),
    ],
)
def test_our_mention_is_taken_off_the_ends(text: str, expected: str) -> None:
    assert without_mention(text, "UB") == expected


def test_mentions_are_listed_once_and_in_order() -> None:
    assert mentioned("<@U2> <@U1|a> <@U2> <#C1>") == ("U2", "U1")


PIECES = ["!", "![", "[", "[a](", " ", "<@UB>", "<@UB", "`", "``a`", "<\u200b", "&#0", "*", "* a", "~a", "<"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("before", ["", "a", "`"])
def test_no_text_freezes_the_bot(piece: str, before: str) -> None:
    for work in (convert, fallback, lambda text: to_markdown(without_mention(text, "UB"), {})):
        assert_linear(lambda size, work=work: work(before + piece * (size // len(piece)) + "x`"))


def test_runs_of_backticks_of_all_lengths_do_not_freeze_the_bot() -> None:
    assert_linear(lambda size: convert("a".join("`" * length for length in range(1, int((2 * size) ** 0.5)))))
