"""The provider without a language model: honest, deterministic, and driving real tools."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from bot.domain.assistants import FunctionDefinition
from bot.domain.turns import CallInput, CallOutput, CallStarted, Finished, FinishReason, ModelInput, TextDelta
from bot.models import ModelConfig, connect
from bot.models.offline.coercion import coerced
from bot.models.offline.number_words import in_words
from tests.models.asking import arguments_of, events_of, request, said, text_of, tool

TICKET = FunctionDefinition(
    name="create_ticket",
    description="Open a support ticket.",
    parameters={
        "type": "object",
        "properties": {
            "user_email": {"type": "string", "description": "Whose issue it is."},
            "issue_summary": {"type": "string", "description": "What is wrong."},
            "priority": {"type": "string", "enum": ["low", "high"], "description": "How urgent it is."},
            "copies": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "How many."},
        },
        "required": ["user_email", "issue_summary", "priority", "copies"],
        "additionalProperties": False,
    },
)
LOOKUP = tool("lookup", q={"type": "string"})
TOOLS = (TICKET, LOOKUP)


async def turn(*inputs: ModelInput, tools: Sequence[FunctionDefinition] = TOOLS) -> list[Any]:
    client = connect(ModelConfig(offline_pace=0))
    return await events_of(client, request(*inputs, tools=tuple(tools)))


async def answer(*texts: str, tools: Sequence[FunctionDefinition] = TOOLS) -> str:
    events = await turn(said(*texts), tools=tools)
    assert events[-1] == Finished(FinishReason.STOP)
    return text_of(events)


async def calls(text: str) -> list[tuple[str, Any]]:
    events = await turn(said(text))
    assert events[-1] == Finished(FinishReason.TOOL_CALLS)
    assert not text_of(events)
    names = [event.name for event in events if isinstance(event, CallStarted)]
    return list(zip(names, map(json.loads, arguments_of(events)), strict=True))


@pytest.mark.parametrize("text", ["Hi", "", "!tool nope", "```python\n1\n```", "!count 3", "!tool create_ticket x"])
async def test_every_answer_ends_with_the_footer(text: str) -> None:
    assert "no language model" in (await answer(text)).splitlines()[-1]


async def test_the_help_names_the_setting_and_shows_markdown() -> None:
    shown = await answer("How are you?")
    assert "OPENAI_API_KEY" in shown
    assert shown.startswith("## ")
    assert "\n- " in shown
    assert "\n```\n" in shown


async def test_the_help_takes_between_three_and_six_seconds_at_the_default_pace() -> None:
    words = [event for event in await turn(said("Hi")) if isinstance(event, TextDelta)]
    assert 3 <= len(words) * ModelConfig().offline_pace <= 6


async def test_the_examples_of_the_help_work() -> None:
    shown = await answer("Hi")
    lines = [line for line in shown.split("```")[1].splitlines() if line]
    assert await calls("\n".join(lines)) == [
        (
            "create_ticket",
            {
                "user_email": "ada@example.org",
                "issue_summary": "The printer on floor 2 is on fire",
                "priority": "high",
            },
        ),
        ("lookup", {"q": "some text"}),
    ]


async def test_the_help_has_a_working_example_without_any_tool() -> None:
    assert "!count" in (await answer("Hi", tools=())).split("```")[1]


@pytest.mark.parametrize(
    "line",
    [
        "!tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2",
        "/tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2",
        "@Parley !tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2",
        "<@U123>, !tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2",
        "`!tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2`",
        "Please:\n  !tool create_ticket user_email=a@b.c issue_summary=\"It is 'down'\" priority=high copies=2\nThanks",
        '!tool create_ticket {"user_email":"a@b.c","issue_summary":"It is \'down\'","priority":"high","copies":2}',
        '!tool create_ticket {"user_email":"a@b.c",\n"issue_summary":"It is \'down\'",\n"priority":"high","copies":2}',
    ],
)
async def test_a_directive_is_a_tool_call(line: str) -> None:
    expected = {"user_email": "a@b.c", "issue_summary": "It is 'down'", "priority": "high", "copies": 2}
    assert await calls(line) == [("create_ticket", expected)]


async def test_typographic_quotes_are_quotes() -> None:
    """Phones make them while people type."""
    assert await calls("!tool lookup q=“two words”") == [("lookup", {"q": "two words"})]


async def test_several_lines_are_parallel_calls_with_ids_of_their_own() -> None:
    events = await turn(said("!tool lookup q=a\n!tool lookup q=b"))
    ids = [event.call_id for event in events if isinstance(event, CallStarted)]
    assert len(set(ids)) == 2
    assert [json.loads(text) for text in arguments_of(events)] == [{"q": "a"}, {"q": "b"}]


async def test_the_same_request_gets_the_same_events() -> None:
    assert await turn(said("!tool lookup q=a")) == await turn(said("!tool lookup q=a"))


async def test_an_unknown_tool_gets_the_list_and_nothing_runs() -> None:
    shown = await answer("!tool nope x=1\n!tool lookup q=a")
    assert "`nope`" in shown
    for word in ("create_ticket", "user_email", "`low`", "`high`", "lookup"):
        assert word in shown


@pytest.mark.parametrize("text", ["!tool", "!tools", "@Parley !tools"])
async def test_a_bare_directive_lists_the_tools(text: str) -> None:
    assert "**create_ticket**" in await answer(text)


@pytest.mark.parametrize("rest", ["q", 'q="open', "{broken", "q=a b"])
async def test_an_unreadable_directive_is_explained_and_nothing_runs(rest: str) -> None:
    shown = await answer(f"!tool lookup q=fine\n!tool lookup {rest}")
    assert "Nothing was run." in shown


async def test_outputs_are_printed_word_for_word() -> None:
    shown = text_of(
        await turn(
            said("!tool lookup q=a"),
            CallInput(call_id="1", name="lookup", arguments="{}"),
            CallInput(call_id="2", name="create_ticket", arguments="{}"),
            CallOutput(call_id="1", output="plain ``` text"),
            CallOutput(call_id="2", output='{"ticket": 7, "who": "Zoë"}'),
        )
    )
    assert "**lookup**\n````\nplain ``` text\n````" in shown
    assert '**create_ticket**\n```json\n{\n  "ticket": 7,\n  "who": "Zoë"\n}\n```' in shown
    assert "no language model" in shown


async def test_outputs_of_earlier_questions_are_not_printed_again() -> None:
    shown = text_of(
        await turn(
            said("!tool lookup q=a"),
            CallInput(call_id="1", name="lookup", arguments="{}"),
            CallOutput(call_id="1", output="old"),
            said("Hi"),
        )
    )
    assert "old" not in shown


FILE = 'Attached file "sales.csv", text/csv, 30 bytes.\n<file name="sales.csv" mark="ab">\nmonth,sum\njan,3\n</file ab>'


async def test_attached_files_are_named_and_text_is_quoted() -> None:
    shown = await answer("What is in it?", FILE, '(The file "big.zip" did not come along: It is too large.)')
    assert 'Attached file "sales.csv"' in shown
    assert "```\nmonth,sum\njan,3\n```" in shown
    assert "It is too large." in shown
    assert "<file" not in shown


async def test_only_the_first_lines_of_a_file_are_quoted() -> None:
    lines = "\n".join(f"line {number}" for number in range(100))
    shown = await answer("", f'Attached file "a.txt".\n<file name="a.txt" mark="ab">\n{lines}\n</file ab>')
    assert "line 5" in shown
    assert "line 6" not in shown


async def test_a_directive_in_a_file_is_nobody_s_wish() -> None:
    assert "!tool lookup" in await answer("Read this", "!tool lookup q=stolen")


async def test_python_waits_for_the_interpreter() -> None:
    assert "not connected yet" in await answer("```python\nprint(1)\n```")


async def test_python_runs_in_the_interpreter_when_there_is_one() -> None:
    interpreter = tool("code_interpreter", code={"type": "string"})
    events = await turn(said("Run\n```python\nprint(1)\n```"), tools=(interpreter,))
    assert [json.loads(text) for text in arguments_of(events)] == [{"code": "print(1)\n"}]


async def test_counting_goes_to_the_number_one_word_a_line() -> None:
    shown = await answer("@Parley !count 21")
    assert shown.splitlines()[:3] == ["one", "two", "three"]
    assert shown.splitlines()[20] == "twenty-one"


async def test_words_come_one_by_one_with_a_pause() -> None:
    client = connect(ModelConfig(offline_pace=0.002))
    began = time.monotonic()
    events = await events_of(client, request(said("Hi")))
    words = [event for event in events if isinstance(event, TextDelta)]
    assert time.monotonic() - began >= 0.002 * len(words)
    assert all(len(word.text.split()) == 1 for word in words)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (342, "three hundred and forty-two"),
        (1001, "one thousand and one"),
    ],
)
def test_numbers_have_words(number: int, words: str) -> None:
    assert in_words(number) == words


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("7", {"type": "integer"}, 7),
        ("7", {"type": "string"}, "7"),
        ("7.5", {"type": "number"}, 7.5),
        ("inf", {"type": "number"}, "inf"),
        ("true", {"type": "boolean"}, True),
        ("No", {"type": "boolean"}, False),
        ("null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("x", {"type": ["integer", "null"]}, "x"),
        ("1,2", {"type": "array", "items": {"type": "integer"}}, [1, 2]),
        ('["a"]', {"type": "array", "items": {"type": "string"}}, ["a"]),
        ('{"a":1}', {"type": "object"}, {"a": 1}),
        ("3", {"$ref": "#/$defs/Size"}, 3),
        ("x", None, "x"),
    ],
)
def test_words_become_values_by_the_schema(text: str, schema: Any, value: object) -> None:
    found = coerced(text, schema, {"$defs": {"Size": {"type": "integer"}}})
    assert found == value
    assert type(found) is type(value)
