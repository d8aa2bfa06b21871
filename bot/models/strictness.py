"""Whether a function's schema may be sent as strict."""

from typing import cast

from bot.domain.assistants import FunctionDefinition
from bot.models.json_values import JsonObject
from bot.models.profiles import Profile


def is_strict(function: FunctionDefinition, profile: Profile) -> bool:
    """Strict when the tool asks for it, the provider knows it and the schema keeps its rules; never by changing it."""
    return function.strict and profile.strict_schemas and _keeps_rules(function.parameters)


def _keeps_rules(schema: object) -> bool:
    """Every object closed, and every property required."""
    if isinstance(schema, list):
        return all(_keeps_rules(part) for part in cast("list[object]", schema))
    if not isinstance(schema, dict):
        return True
    fields = cast("JsonObject", schema)
    if fields.get("type") == "object" and not _is_closed(fields):
        return False
    return all(_keeps_rules(part) for part in fields.values())


def _is_closed(schema: JsonObject) -> bool:
    properties, required = schema.get("properties"), schema.get("required", [])
    names = set(cast("JsonObject", properties)) if isinstance(properties, dict) else set[str]()
    demanded = set(cast("list[str]", required)) if isinstance(required, list) else set[str]()
    return schema.get("additionalProperties") is False and names <= demanded
