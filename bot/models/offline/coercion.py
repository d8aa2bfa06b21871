"""Typed words to typed values, led by a JSON schema."""

import math
import re
from typing import cast

from bot.models.json_values import JsonObject, NotAnObject, object_in, objects_in, parse_object, text_in

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})


def coerced(text: str, schema: object, root: JsonObject) -> object:
    """The value that `text` stands for; text that fits nothing stays text, for the tool's own validation to refuse."""
    options = _options(schema, root)
    kinds = {kind for option in options for kind in _types(option)}
    if "null" in kinds and text == "null":
        return None
    if "boolean" in kinds and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if "integer" in kinds and re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    if "number" in kinds and (number := _number(text)) is not None:
        return number
    if "array" in kinds:
        return _array(text, next(option for option in options if "array" in _types(option)), root)
    if "object" in kinds and text.startswith("{"):
        return _wrapped(text, fallback=text)
    return text


def _options(schema: object, root: JsonObject) -> list[JsonObject]:
    """The alternatives of a schema, references followed one step."""
    if not isinstance(schema, dict):
        return []
    fields = cast("JsonObject", schema)
    if reference := text_in(fields, "$ref"):
        return [object_in(object_in(root, "$defs"), reference.rsplit("/", 1)[-1])]
    alternatives = objects_in(fields, "anyOf") + objects_in(fields, "oneOf")
    return [option for part in alternatives for option in _options(part, root)] or [fields]


def _types(schema: JsonObject) -> list[str]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return [str(name) for name in cast("list[object]", kind)]
    return [kind] if isinstance(kind, str) else []


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _array(text: str, schema: JsonObject, root: JsonObject) -> object:
    if text.startswith("["):
        return _wrapped(text, fallback=text)
    return [coerced(part.strip(), schema.get("items"), root) for part in text.split(",") if part.strip()]


def _wrapped(text: str, fallback: str) -> object:
    try:
        return parse_object(f'{{"value":{text}}}'.encode())["value"]
    except NotAnObject:
        return fallback


def schema_types(schema: JsonObject, root: JsonObject) -> list[str]:
    """The JSON types that a schema allows, in its order."""
    return list(dict.fromkeys(kind for option in _options(schema, root) for kind in _types(option)))
