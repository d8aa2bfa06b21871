"""Makes the history of tool calls acceptable: every call has an id of its own and exactly one output.

Providers give empty ids, repeat them in later turns and even give two parallel calls the same one, yet refuse a request
whose calls and outputs do not pair up. Ids are repaired here, where they mean nothing but this one request.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from bot.domain.turns import CallInput, CallOutput, ModelInput
from bot.models.json_values import parses_as_object

NO_OUTPUT = "No result was recorded for this call."
"""Stands in for an output that never came."""

_ID_LIMIT = 64
_NAME_LIMIT = 64
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


def paired(inputs: Sequence[ModelInput]) -> Iterator[ModelInput]:
    """The same inputs with unique call ids, sendable calls, an output for every call and no output without one."""
    ids, answered = _assigned(inputs)
    missing: list[CallInput] = []
    for position, item in enumerate(inputs):
        if not isinstance(item, CallInput):
            yield from (CallOutput(call_id=call.call_id, output=NO_OUTPUT) for call in missing)
            missing.clear()
        if isinstance(item, CallInput):
            call = _sendable(item, ids[position])
            yield call
            if ids[position] not in answered:
                missing.append(call)
        elif isinstance(item, CallOutput):
            if position in ids:
                yield item.model_copy(update={"call_id": ids[position]})
        else:
            yield item
    yield from (CallOutput(call_id=call.call_id, output=NO_OUTPUT) for call in missing)


def _assigned(inputs: Sequence[ModelInput]) -> tuple[dict[int, str], set[str]]:
    """The id of every call and of every output that has one, by position; and which ids have an output."""
    ids: dict[int, str] = {}
    used: set[str] = set()
    answered: set[str] = set()
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)
    for position, item in enumerate(inputs):
        if isinstance(item, CallInput):
            fits = item.call_id and item.call_id not in used and len(item.call_id) <= _ID_LIMIT
            ids[position] = item.call_id if fits else f"call_{position}"
            used.add(ids[position])
            waiting[item.call_id].append(ids[position])
        elif isinstance(item, CallOutput) and waiting[item.call_id]:
            ids[position] = waiting[item.call_id].popleft()  # equal ids: outputs come in the order of the calls
            answered.add(ids[position])
    return ids, answered


def _sendable(call: CallInput, call_id: str) -> CallInput:
    """Names and arguments that a model invented can make a provider refuse the whole request."""
    name = _NOT_A_NAME.sub("_", call.name)[:_NAME_LIMIT] or "unknown"
    arguments = call.arguments if parses_as_object(call.arguments) else "{}"
    return call.model_copy(update={"call_id": call_id, "name": name, "arguments": arguments})
