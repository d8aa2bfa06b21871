"""Reading foreign JSON with types: a field of the wrong type counts as absent, because servers send anything."""

import json
from typing import cast

import jiter

JsonObject = dict[str, object]


class NotAnObject(ValueError):
    """The bytes are not a JSON object."""


def parse_object(data: bytes) -> JsonObject:
    """Parse a JSON object.

    Raises:
        NotAnObject: broken JSON, or JSON of another kind.
    """
    try:
        value: object = jiter.from_json(data, allow_inf_nan=False)
    except ValueError as exc:
        raise NotAnObject(str(exc)) from exc
    if not isinstance(value, dict):
        raise NotAnObject("JSON, but not an object")
    return cast("JsonObject", value)


def parses_as_object(text: str) -> bool:
    """Whether a text is one complete JSON object."""
    try:
        parse_object(text.encode("utf-8", "replace"))
    except NotAnObject:
        return False
    return True


def text_in(source: JsonObject, key: str) -> str:
    """A string without U+0000 (which Postgres cannot hold), or an empty one."""
    value = source.get(key)
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "") if "\0" in value else value


def object_in(source: JsonObject, key: str) -> JsonObject:
    """An object, or an empty one."""
    value = source.get(key)
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def objects_in(source: JsonObject, key: str) -> list[JsonObject]:
    """The objects of a list, or an empty list."""
    value = source.get(key)
    if not isinstance(value, list):
        return []
    return [cast("JsonObject", item) for item in cast("list[object]", value) if isinstance(item, dict)]


def count_in(source: JsonObject, key: str) -> int:
    """A number as a count that is never negative, or 0."""
    value = source.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return max(value, 0)


def to_text(value: object) -> str:
    """Compact JSON.

    Raises:
        ValueError: a number that is not finite (JSON `1e400` reads as infinity).
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
