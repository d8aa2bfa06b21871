"""What the offline provider says: fixed sentences, what people gave it and what tools gave back, nothing invented."""

import json
import re
from collections.abc import Sequence
from typing import cast

from bot.domain.assistants import FunctionDefinition
from bot.domain.turns import CallInput, CallOutput, InputImage, InputPart, InputText
from bot.models.json_values import JsonObject
from bot.models.offline.coercion import schema_types

FOOTER = "_Offline mode: tools and quotations only, no language model._"
"""Ends every offline answer."""

QUOTED_LINES = 6
"""Lines that are quoted of an attached text file."""

_QUOTED_WIDTH = 160
_SHOWN_FIRST = ("create_ticket", "list_tickets")
"""Shipped tools that work without network and key; others are shown when these are not offered."""

_SAMPLES = {
    "user_email": "ada@example.org",
    "issue_summary": '"The printer on floor 2 is on fire"',
    "priority": "high",
    "place": "Berlin",
    "city": "Berlin",
    "location": "Berlin",
    "repository": "python/cpython",
}
"""What examples fill in, by the parameter's name."""


def help_answer(tools: Sequence[FunctionDefinition]) -> str:
    """What this mode is, two examples that work, and how to connect a model."""
    examples = [example_call(tool) for tool in _for_examples(tools)] or ["!count 10"]
    named = ", ".join(f"`{tool.name}`" for tool in tools) or "none are installed yet"
    return "\n".join(
        [
            "## No model is connected yet",
            "",
            "I got your message, and everything around the model is real: this conversation is stored, this answer is "
            "being streamed, and tools really run. I just cannot think of an answer: that takes a language model.",
            "",
            "What you can try right now:",
            "",
            f"- **Call a tool** with a line like the ones below; several lines run in parallel. Tools here: {named}.",
            "- **Attach a file**: I tell you what arrived and quote how it begins.",
            "- **Watch a long answer** with `!count 100`, then press *Stop* while it is being written, or restart the "
            "bot in the middle of it.",
            "",
            "```",
            *examples,
            "```",
            "",
            "To get real answers, the operator sets `OPENAI_API_KEY` and starts the bot again. For a local or another "
            "compatible server, `OPENAI_BASE_URL` and `OPENAI_MODEL` do the same.",
        ]
    )


def tool_list(tools: Sequence[FunctionDefinition], unknown: Sequence[str]) -> str:
    """The tools with their parameters, after names that do not exist."""
    lines = [f"There is no tool named `{name.replace('`', '')}`." for name in dict.fromkeys(unknown)]
    if not tools:
        return "\n".join([*lines, "No tools are installed."])
    lines += ["", "These are the tools:", ""] if lines else ["These are the tools:", ""]
    return "\n".join([*lines, *(_described(tool) for tool in tools)])


def tool_results(calls: Sequence[CallInput], outputs: Sequence[CallOutput]) -> str:
    """One block per tool: its name and what it gave back, word for word."""
    names = {call.call_id: call.name for call in calls}
    return "\n\n".join(f"**{names.get(output.call_id, 'tool')}**\n{_shown(output.output)}" for output in outputs)


def file_receipt(parts: Sequence[InputPart]) -> str:
    """Which files arrived, with the first lines of those that are text."""
    received = "\n\n".join(_received(part) for part in parts)
    return (
        f"I received and stored the following; it stays with this conversation:\n\n{received}\n\n"
        "Reading a file with understanding takes a model. Send `!tool` to see what can be done without one."
    )


def no_interpreter() -> str:
    """The answer to a python block while nothing can run it."""
    return (
        "I see a Python block, but the code interpreter is not connected yet: it comes with a later version. "
        "Nothing was run."
    )


def example_call(tool: FunctionDefinition) -> str:
    """A line that calls a tool, with its required parameters filled in."""
    words = [f"{name}={_sample(name, schema)}" for name, schema in _properties(tool) if _needed(name, schema, tool)]
    return " ".join(["!tool", tool.name, *words])


def _for_examples(tools: Sequence[FunctionDefinition]) -> list[FunctionDefinition]:
    known = [tool for name in _SHOWN_FIRST for tool in tools if tool.name == name]
    return (known + [tool for tool in tools if tool.name not in _SHOWN_FIRST])[:2]


def _described(tool: FunctionDefinition) -> str:
    summary = tool.description.split("\n")[0]
    lines = [f"- **{tool.name}**: {summary}" if summary else f"- **{tool.name}**"]
    for name, schema in _properties(tool):
        choices = schema.get("enum")
        kind = " or ".join(schema_types(schema, tool.parameters)) or "anything"
        if isinstance(choices, list):
            kind = ", ".join(f"`{choice}`" for choice in cast("list[object]", choices))
        about = schema.get("description")
        needed = "" if _needed(name, schema, tool) else ", may be left out"
        lines.append(f"  - `{name}` ({kind}{needed})" + (f": {about}" if isinstance(about, str) and about else ""))
    return "\n".join([*lines, f"  - Example: `{example_call(tool)}`"])


def _properties(tool: FunctionDefinition) -> list[tuple[str, JsonObject]]:
    properties = cast("dict[str, object]", tool.parameters.get("properties") or {})
    return [(name, cast("JsonObject", schema)) for name, schema in properties.items() if isinstance(schema, dict)]


def _needed(name: str, schema: JsonObject, tool: FunctionDefinition) -> bool:
    required = cast("list[str]", tool.parameters.get("required") or [])
    return name in required and "null" not in schema_types(schema, tool.parameters)


def _sample(name: str, schema: JsonObject) -> str:
    if name in _SAMPLES and not (isinstance(schema.get("enum"), list) and _SAMPLES[name] not in str(schema["enum"])):
        return _SAMPLES[name]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return str(cast("list[object]", choices)[0])
    samples = {"integer": "1", "number": "1.5", "boolean": "true", "array": "one,two"}
    kind = schema.get("type")
    return samples.get(kind, '"some text"') if isinstance(kind, str) else '"some text"'


def _shown(output: str) -> str:
    try:
        value: object = json.loads(output)
    except (ValueError, RecursionError):
        return _fenced(output)
    if isinstance(value, dict | list):
        return _fenced(json.dumps(value, ensure_ascii=False, indent=2), "json")
    return _fenced(output)


def _fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _received(part: InputPart) -> str:
    if isinstance(part, InputImage):
        return f"- An image ({part.media_type})."
    introduction, quoted = _split_block(part)
    if not quoted:
        return f"- {introduction}"
    lines = [line[:_QUOTED_WIDTH] for line in quoted[:QUOTED_LINES]]
    return f"- {introduction} It begins:\n\n{_fenced(chr(10).join(lines))}"


def _split_block(part: InputText) -> tuple[str, list[str]]:
    """The sentence about a file and its text; the text stands between a `<file …>` and a `</file …>` line."""
    introduction, *rest = part.text.strip().splitlines() or [""]
    if len(rest) > 1 and rest[0].startswith("<file ") and rest[-1].startswith("</file "):
        return introduction, rest[1:-1]
    return introduction, rest
