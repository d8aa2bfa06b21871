"""Which web addresses a run may show as links because a tool named them, and not the model in a tool's name."""

import json
from collections.abc import Iterable, Iterator
from typing import cast
from urllib.parse import unquote

from bot.domain.steps import CallState, ToolCall
from bot.relay.text.links import addresses, host

_DEEPEST = 50


def named_by_tools(calls: Iterable[ToolCall]) -> frozenset[str]:
    """The addresses in what finished calls gave back, without those whose host the model had named before.

    A tool that repeats its arguments would otherwise make every address of the model's a known one. Only the calls up
    to the same turn count: what the model says later cannot have shaped an earlier output.
    """
    in_order = sorted(calls, key=lambda call: (call.turn, call.position))
    found: set[str] = set()
    for call in in_order:
        if call.state is not CallState.DONE or not call.output:
            continue
        named = addresses([call.output])
        if named:
            said = _words(other for other in in_order if other.turn <= call.turn)
            found |= {address for address in named if host(address) not in said}
    return frozenset(found)


def _words(calls: Iterable[ToolCall]) -> str:
    """Everything that the model said in these calls, read in every way in which a tool may read it."""
    said: list[str] = []
    for call in calls:
        said += [call.name, call.arguments, *_texts(call.arguments)]
    plain = "\n".join(said)
    return f"{plain}\n{unquote(plain)}".lower()


def _texts(arguments: str) -> Iterator[str]:
    """All texts in a JSON text, keys too; none when it is no JSON."""
    try:
        yield from _strings(json.loads(arguments), _DEEPEST)
    except (ValueError, RecursionError):
        return


def _strings(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth:
        values = cast("dict[str, object] | list[object]", value)
        parts = [*values.keys(), *values.values()] if isinstance(values, dict) else values
        for part in parts:
            yield from _strings(part, depth - 1)
