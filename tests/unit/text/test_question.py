"""What is asked about an interrupted call shows what it would do, and nothing in it does anything."""

import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.markup import DiscordDialect
from adapters.slack.markup import SlackDialect
from bot.domain.steps import CallState, Effect, ToolCall
from bot.relay.contract import Dialect
from bot.relay.text.links import addresses, defang
from bot.relay.text.measure import size
from bot.relay.text.question import question
from tests.contract.adapter import HOSTILE

DIALECTS: tuple[Dialect, ...] = (SlackDialect(), DiscordDialect())
LINKS = (
    "[Refund desk](https://evil.example/x)",
    "![p](https://evil.example/p)",
    "<https://evil.example>",
    "https://www.evil.example/a?q=1#f",
    "www.evil.example",
    "evil.example:8080/www.evil.example",
    "1.2.3.4/x",
    "[a]: https://evil.example",
    "https&#58;//evil.example/x",
)


def called_with(arguments: str, name: str = "pay") -> str:
    return question(
        ToolCall(
            id="call_1", run_id="run_1", turn=1, position=0, provider_call_id="c", name=name, arguments=arguments,
            effect=Effect.ONCE, state=CallState.STARTED,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"a": "\u2800\u00ad\ue000\U000e0041\u0378\u3164b\ufe0f|c"}', '{"a": "b ¦c"}'),
        (r'{"a": "\ud800\n\u0000b\" \\"}', '{"a": "b\' ＼"}'),
        (
            '{"n": 1.5, "b": true, "l": ["x", 2], "o": {}, "z": null}',
            '{"n": 1.5, "b": true, "l": ［\'x\', 2］, "o": {}, "z": null}',
        ),
        ('{"p": {"note": "x", "items": [{"amount": 5}]}}', '{"p.note": "x", "p.items.0.amount": 5}'),
        ("[" * 100_000, "［" * 160 + "…"),
    ],
)
def test_arguments_are_shown_value_by_value(arguments: str, shown: str) -> None:
    assert f" It was called with `{shown}`. Please check" in called_with(arguments)


@pytest.mark.parametrize("arguments", ['{"a":' * 100_000 + "1" + "}" * 100_000, '{"a": ' + "1" * 5_000 + "}"])
def test_arguments_that_cannot_be_read_are_shortened(arguments: str) -> None:
    assert "…`. Please check" in called_with(arguments)
    assert len(called_with(arguments)) < 400


@pytest.mark.parametrize("others", [1, 11])
def test_no_length_and_no_order_hides_a_value(others: int) -> None:
    arguments = {**{f"note {number}": "a " * 500 for number in range(others)}, "amount": 1_000_000}
    said = called_with(json.dumps(arguments))
    assert '"amount": 1000000}`.' in said
    assert said.count("…") == others


def test_values_that_are_too_many_are_counted_and_fit_into_a_message() -> None:
    arguments = json.dumps({f"{number} {'key' * 20}": "\U0001f4a5" * 99 for number in range(15)})
    said = called_with(arguments, name="\U00010400" * 64)
    assert '"11 key' in said
    assert '…"}` and 3 more. Please check' in said
    assert size(DiscordDialect().convert(said), "utf16") < 1_900


@pytest.mark.parametrize("dialect", DIALECTS, ids=["slack", "discord"])
@pytest.mark.parametrize("text", [*LINKS, *HOSTILE])
def test_arguments_are_harmless_even_without_their_code_marks(dialect: Dialect, text: str) -> None:
    said = called_with(json.dumps({"to": text, text: ["x", text]}))
    bare = dialect.convert(said).replace("`", "")
    assert not addresses([bare])
    assert defang(bare, frozenset()) == bare
    assert not re.search(r"<[!@#]|&(lt|#\d+);|\]\(", bare)


@given(st.text(max_size=100), st.text(max_size=30))
@settings(deadline=None)
def test_whatever_the_arguments_are_the_question_is_one_line_with_its_own_marks_only(value: str, key: str) -> None:
    for arguments in (json.dumps({key: value}), value):
        said = called_with(arguments)
        assert said.count("`") == (4 if "called with" in said else 2)
        assert not {"\n", "|", "[", "]", "<", "\\"} & set(said)
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cn", "Co", "Cs"} for letter in said)
