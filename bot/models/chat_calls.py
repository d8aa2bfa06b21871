"""Puts the tool calls of a chat stream together from their fragments."""

from bot.domain.turns import ModelEvent
from bot.models.assembly import Assembly, PartialCall
from bot.models.json_values import JsonObject, object_in, parses_as_object, text_in, to_text

_KNOWN = frozenset({"index", "id", "type", "function"})


class ChatCalls:
    """Which call a fragment belongs to: by `index`; if it has none, by `id`; if it has neither, by order."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._by_index: dict[int, PartialCall] = {}

    def add(self, fragment: JsonObject) -> list[ModelEvent]:
        """One fragment: a beginning, more arguments, or keys of its provider that have to be sent back."""
        function = object_in(fragment, "function")
        call_id, name = text_in(fragment, "id"), text_in(function, "name")
        call = self._call_of(fragment, call_id, name)
        events: list[ModelEvent] = []
        if call is None:
            call, events = self._assembly.open_call(call_id, name)
        else:
            events = self._assembly.name_call(call, call_id, name)  # repeated names and ids: the first ones stay
        index = _index_of(fragment)
        if index is not None:
            self._by_index[index] = call
        _keep_extra(call, fragment)
        return events + self._assembly.arguments(call, _arguments_of(function))

    def _call_of(self, fragment: JsonObject, call_id: str, name: str) -> PartialCall | None:
        """The call that a fragment continues, or None when it opens one."""
        index = _index_of(fragment)
        if index is not None:
            call = self._by_index.get(index)
            return None if call and _is_another(call, call_id, name) else call
        if call_id:
            call = next((known for known in reversed(self._assembly.calls) if known.call_id == call_id), None)
            return None if call and name and _is_complete(call) else call
        if name:
            return None
        return self._assembly.calls[-1] if self._assembly.calls else None


def _is_another(call: PartialCall, call_id: str, name: str) -> bool:
    """Gemini numbers all parallel calls 0: a new id with a name is a new call."""
    return bool(name and call_id and call.call_id and call_id != call.call_id)


def _is_complete(call: PartialCall) -> bool:
    """A second call with the same id begins where the first one's arguments are whole."""
    return bool(call.fragments) and parses_as_object(call.arguments)


def _index_of(fragment: JsonObject) -> int | None:
    index = fragment.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _arguments_of(function: JsonObject) -> str:
    """Argument text; some servers send the object itself."""
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        try:
            return to_text(arguments)  # pyright: ignore[reportUnknownArgumentType] - any JSON object will do
        except ValueError:
            return ""
    return text_in(function, "arguments")


def _keep_extra(call: PartialCall, fragment: JsonObject) -> None:
    for key, value in fragment.items():
        if key not in _KNOWN and value is not None:
            try:
                call.extra[key] = to_text(value)
            except ValueError:
                continue  # a number that JSON cannot hold is nothing anybody can replay
