"""Messages that only grow: what was told to stand is never changed, moved or lost, however the text goes on."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.relay.text.blocks import NOTHING
from bot.relay.text.measure import size
from bot.relay.text.splitter import Splitter
from bot.relay.text.standing import standing
from tests.unit.text.test_splitter import limits, sources, unbalanced


def told(text: str) -> str:
    """What is said to stand of a message that is still being written."""
    return text[: standing(text, 0, NOTHING, len(text))]


@given(sources, limits, st.lists(st.tuples(st.integers(1, 120), st.sampled_from(["", "", "", "", "soon", "now"]))))
@settings(max_examples=300, deadline=None)
def test_what_was_shown_stays(source: str, limit: tuple[int, int], steps: list[tuple[int, str]]) -> None:
    """Every message begins with all that it was said to begin with; together they are the text; each fits."""
    soft, hard = limit
    splitter = Splitter(soft, hard, "utf16")
    sent: dict[int, str] = {}
    end = 0
    for step, leave in [*steps, (len(source) + 1, "")]:
        end = min(len(source), end + step)
        pieces = splitter.update(source[:end])
        if leave and splitter.leave(now=leave == "now"):
            pieces = splitter.update(source[:end])
        if not pieces or not splitter._source[splitter._starts[-1][0] :].strip():  # nothing grows now
            continue
        stands = splitter.standing()
        splitter.promise(stands)
        last = pieces[-1].text
        assert last.startswith(sent.get(len(pieces), "").rstrip())
        sent[len(pieces)] = last[: splitter.shown_until(stands)]
    whole = splitter.update(source)
    for number, beginning in sent.items():
        assert number <= len(whole)
        assert whole[number - 1].text.startswith(beginning.rstrip())
    assert "".join(piece.body for piece in whole if piece.text).strip() == source.strip() or not whole
    for piece in whole:
        assert size(piece.text, "utf16") <= hard
        assert not unbalanced(piece.text)


@given(sources, st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_kept_breaks_give_the_same_messages_again(source: str, step: int) -> None:
    """After a restart only the breaks are known."""
    limit = (20_000, 21_000)
    splitter = Splitter(*limit, "utf16")
    for end in range(0, len(source), step):
        splitter.update(source[:end])
        splitter.leave(now=end % (3 * step) == 0)
    texts = [piece.text for piece in splitter.update(source)]
    again = Splitter(*limit, "utf16", splitter.breaks)
    assert [piece.text for piece in again.update(source)] == texts


def test_half_written_things_do_not_stand() -> None:
    """Open marks, code, links, rows of tables, fence lines and what could become one wait for their end."""
    for text, stands in {
        "Hello wor": "Hello ",
        "Hello world. ": "Hello ",
        "See **bold te": "See ",
        "See **bold text** and": "See **bold text** ",
        "Use `foo ba": "Use ",
        "Use \\`foo ba": "Use ",
        "See [the docs](https://exa": "See ",
        "[1]: https://exam": "",
        "Words\n\n| a | b": "Words\n\n",
        "Words\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |": "Words\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "Words\n\n| a | b |\n": "Words\n\n",
        "Words\n```py": "Words\n",
        "```py\nx = 1\n``": "```py\nx = 1\n",
        "```py\nif x:\n    y = 1": "```py\nif x:\n    y = ",
        "漢字。漢字": "漢字。漢",
        "one\n\n  ": "",
    }.items():
        assert told(text) == stands, text


def test_a_message_is_left_between_blocks_and_only_when_it_must_be_in_their_middle() -> None:
    text = "First paragraph.\n\nSecond line one\nline two goes on and"
    early = Splitter(9_000, 10_000, "utf8")
    early.update(text)
    assert early.leave(now=False)
    assert [piece.text for piece in early.update(text)] == ["First paragraph.", text.split("\n\n")[1]]
    code = "```py\na = 1\nb = 2\nc ="
    splitter = Splitter(9_000, 10_000, "utf8")
    splitter.update(code)
    assert not splitter.leave(now=False)
    assert splitter.leave(now=True)
    shown = [piece.text for piece in splitter.update(code + " 3\n```\n")]
    assert shown == ["```py\na = 1\nb = 2\n```", "```py\nc = 3\n```"]


def test_a_table_that_is_left_has_its_header_again() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    splitter = Splitter(9_000, 10_000, "utf8")
    splitter.update(table)
    assert splitter.leave(now=True)
    shown = [piece.text for piece in splitter.update(table + "| 3 | 4 |\n")]
    assert shown == [table.strip(), "| a | b |\n|---|---|\n| 3 | 4 |"]


def test_a_break_is_found_again_when_the_text_before_it_has_changed() -> None:
    text = "Look at `https://example.com/x` first.\n\nThen at this."
    splitter = Splitter(9_000, 10_000, "utf8")
    splitter.update(text)
    splitter.leave(now=False)
    changed = text.replace("`", "") + " And more."
    assert [piece.text for piece in splitter.update(changed)] == [
        "Look at https://example.com/x first.",
        "Then at this. And more.",
    ]


def test_soft_limit_waits_for_the_end_of_a_block() -> None:
    """A message that grows is cut behind what it shows: at the next paragraph, at the hard limit at the latest."""
    words = "word " * 30
    splitter = Splitter(150, 400, "utf8")
    for end in range(10, len(words), 10):
        splitter.update(words[:end])
        splitter.promise(splitter.standing())
    text = f"{words}more of this\n\nNext paragraph"
    assert [piece.text for piece in splitter.update(text)] == [f"{words}more of this", "Next paragraph"]
    endless = words * 3
    splitter = Splitter(150, 400, "utf8")
    for end in range(10, len(endless), 10):
        splitter.update(endless[:end])
        splitter.promise(splitter.standing())
    first, second = splitter.update(endless)
    assert 340 <= size(first.text, "utf8") <= 400
    assert first.text.split() + second.text.split() == endless.split()
