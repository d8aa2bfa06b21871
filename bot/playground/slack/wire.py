"""JSON as it goes over the wire: one type, and safe ways to look into it."""

from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]


def as_object(value: object) -> JsonObject:
    """The value if it is a JSON object, an empty one otherwise."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[JsonValue]:
    """The value if it is a JSON array, an empty one otherwise."""
    return cast("list[JsonValue]", value) if isinstance(value, list) else []


def as_objects(value: object) -> list[JsonObject]:
    """The objects of a JSON array; everything else in it is left out."""
    return [cast("JsonObject", item) for item in as_list(value) if isinstance(item, dict)]


def as_text(value: object) -> str:
    """The value if it is a string, an empty one otherwise."""
    return value if isinstance(value, str) else ""


def without_none(values: Mapping[str, JsonValue]) -> JsonObject:
    """Leave out what is None: Slack omits what a message does not have."""
    return {name: value for name, value in values.items() if value is not None}
