"""The question that only a person can answer: what became of a tool call that was interrupted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from bot.domain.steps import ToolCall
from bot.relay.text.document import word
from bot.relay.text.harmless import harmless

_MOST = 600
"""Characters of all arguments together: with the words around them they fit into one message everywhere."""
_MOST_VALUES = 12
_NAME = 24
_VALUE_ROOMS = (60, 30, 15)
"""Characters of one value: the most with which everything fits."""
_UNREADABLE = 160
"""Characters of arguments that are no object."""
_DEEPEST = 4
_READ = 5_000
"""Characters of one value that are looked at at all."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One of the values that a tool was called with."""

    name: str
    """Its keys from the outermost to its own."""
    text: str
    quote: str

    def shown(self, room: int) -> str:
        return f'"{_shortened(self.name, _NAME)}": {self.quote}{_shortened(self.text, room)}{self.quote}'


def question(call: ToolCall, number: int = 1, of: int = 1) -> str:
    """The question as Markdown; its answers are the buttons below it. It is one of several about the same turn."""
    place = f"({number} of {of}) " if of > 1 else ""
    return (
        f"⚠️ {place}`{word(call.name)}` was interrupted after it had begun. Nobody knows whether it took effect."
        f"{_called(call.arguments)} Please check, then press a button."
    )


def _called(arguments: str) -> str:
    """With what it was called. The model chooses order and length, so every value is shortened by itself."""
    values = _values(arguments)
    shown = _shortened(arguments, _UNREADABLE) if values is None else _line(values[:_MOST_VALUES])
    if shown in {"", "{}"}:
        return ""
    hidden = len(values or ()) - _MOST_VALUES
    return f" It was called with `{shown}`{f' and {hidden} more' if hidden > 0 else ''}."


def _values(arguments: str) -> list[_Value] | None:
    """All values, or None when the arguments are no object."""
    try:
        parsed = cast("object", json.loads(arguments, strict=False))
        return list(_inside(cast("dict[str, object]", parsed))) if isinstance(parsed, dict) else None
    except (ValueError, RecursionError):
        return None


def _inside(nest: Mapping[str, object] | Sequence[object], path: str = "", depth: int = 1) -> Iterator[_Value]:
    """The values of an object or a list; what nests ever deeper is one value."""
    items = nest.items() if isinstance(nest, Mapping) else enumerate(nest)
    for key, value in items:
        name = f"{path}{key}"
        if depth < _DEEPEST and _nests(value):
            yield from _inside(cast("dict[str, object] | list[object]", value), f"{name}.", depth + 1)
        elif isinstance(value, str):
            yield _Value(name, value, '"')
        else:
            yield _Value(name, json.dumps(value, ensure_ascii=False), "")


def _nests(value: object) -> bool:
    """Whether something in it has to be shown by itself."""
    if isinstance(value, dict):
        return bool(cast("dict[str, object]", value))
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in cast("list[object]", value))


def _line(values: Sequence[_Value]) -> str:
    lines = [f"{{{', '.join(value.shown(room) for value in values)}}}" for room in _VALUE_ROOMS]
    return next((line for line in lines if len(line) <= _MOST), lines[-1])


def _shortened(text: str, most: int) -> str:
    line = harmless(text[:_READ])
    return f"{line[:most].rstrip()}…" if len(line) > most or len(text) > _READ else line
