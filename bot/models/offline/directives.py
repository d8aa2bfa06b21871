"""The lines that a person writes to the offline provider to call tools, and how they are read."""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from bot.domain.assistants import FunctionDefinition
from bot.models.json_values import JsonObject, NotAnObject, parse_object
from bot.models.offline.coercion import coerced

_MENTION = r"(?:(?:<@[!&]?\w+>|@\S+)[,:]?\s+)*"
_TOOL_LINE = re.compile(rf"^\s*`?{_MENTION}`?[!/]tool\s+(?P<name>[^\s`]+)(?P<rest>.*)$")
_BARE_TOOL_LINE = re.compile(rf"^\s*`?{_MENTION}`?[!/]tools?\s*`?\s*$")
_COUNT_LINE = re.compile(rf"^\s*`?{_MENTION}`?[!/]count\s+(?P<number>\d{{1,4}})\s*`?\s*$", re.MULTILINE)
_PYTHON_BLOCK = re.compile(r"^\s*```(?:python|py)[ \t]*\n(?P<code>.*?)^\s*```", re.MULTILINE | re.DOTALL)
_TYPOGRAPHIC = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})  # what phones make of quotes


class NotReadable(ValueError):
    """A directive cannot be understood; the text says why, for the person."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One tool call that a person asked for."""

    name: str
    arguments: str
    """JSON text of an object."""


def count_in_words(text: str) -> int | None:
    """The number of a `!count N` line, if there is one."""
    found = _COUNT_LINE.search(text)
    return int(found["number"]) if found else None


def python_block(text: str) -> str | None:
    """The first fenced python block, if there is one."""
    found = _PYTHON_BLOCK.search(text)
    return found["code"] if found else None


def asks_for_tools(text: str) -> bool:
    """Whether a line is `!tool` or `!tools` alone."""
    return any(_BARE_TOOL_LINE.match(line) for line in text.splitlines())


def tool_names(text: str) -> list[str]:
    """The names on the `!tool` lines, known or not."""
    return [name for name, _ in _tool_lines(text)]


def directives(text: str, tools: Sequence[FunctionDefinition]) -> list[Directive]:
    """The calls of a text, in order; all names are those of `tools`.

    Raises:
        NotReadable: a line is not `key=value …` and not a JSON object.
    """
    by_name = {tool.name: tool for tool in tools}
    return [Directive(name, _arguments(rest, by_name[name])) for name, rest in _tool_lines(text)]


def _tool_lines(text: str) -> Iterator[tuple[str, str]]:
    """Names and what follows them; a JSON object may go on over the next lines."""
    lines = _PYTHON_BLOCK.sub("", text).splitlines()
    for number, line in enumerate(lines):
        found = _TOOL_LINE.match(line)
        if not found:
            continue
        rest = found["rest"].strip().rstrip("`").strip()
        if rest.startswith("{"):
            rest = _whole_object(rest, lines[number + 1 :])
        yield found["name"], rest


def _whole_object(beginning: str, following: Sequence[str]) -> str:
    candidate = beginning
    for line in ("", *following):
        candidate = f"{candidate}\n{line}" if line else candidate
        try:
            parse_object(candidate.encode())
        except NotAnObject:
            continue
        return candidate
    return beginning


def _arguments(rest: str, tool: FunctionDefinition) -> str:
    if rest.startswith("{"):
        return _object(rest, tool.name)
    properties = cast("JsonObject", tool.parameters.get("properties") or {})
    values: JsonObject = {}
    for word in _words(rest, tool.name):
        key, equals, value = word.partition("=")
        if not equals:
            raise NotReadable(
                f"`{tool.name}`: `{word}` is not of the form `key=value`; put quotes around a value with spaces."
            )
        values[key] = coerced(value, properties.get(key), tool.parameters)
    return json.dumps(values, ensure_ascii=False)


def _object(text: str, name: str) -> str:
    try:
        return json.dumps(parse_object(text.encode()), ensure_ascii=False)
    except NotAnObject as exc:
        raise NotReadable(f"`{name}`: the arguments are not a JSON object ({exc}).") from exc


def _words(rest: str, name: str) -> list[str]:
    if '"' not in rest and "'" not in rest:
        rest = rest.translate(_TYPOGRAPHIC)
    try:
        return shlex.split(rest)
    except ValueError as exc:
        raise NotReadable(f"`{name}`: a quote is not closed.") from exc
