"""From a typed function with a Google-style docstring to a tool: name, description, strict JSON schema, validator."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

import griffe
from pydantic import BaseModel, ConfigDict, Field, PydanticSchemaGenerationError, PydanticUserError, create_model

from bot.domain.assistants import FunctionDefinition
from bot.errors import ToolDefinitionError
from bot.toolbox.context import ToolContext
from bot.toolbox.declaration import Declaration, declaration_of

logging.getLogger("griffe").setLevel(logging.ERROR)  # its warnings about docstring style are not the operator's concern


@dataclass(frozen=True, slots=True)
class FunctionAsTool:
    """One function, ready to be offered and called."""

    function: Callable[..., object]
    definition: FunctionDefinition
    arguments: type[BaseModel]
    """Validates the model's arguments; unknown ones are refused. A null stands for the parameter's default."""
    declaration: Declaration
    takes_context: bool


def tool_from(function: Callable[..., object], where: str) -> FunctionAsTool:
    """Make a tool of a function.

    Args:
        function: public, typed, with a docstring that describes it and each parameter.
        where: file name for error texts.

    Raises:
        ToolDefinitionError: naming file, function and what is missing.
    """
    place = f"{where}: {function.__name__}"
    summary, descriptions = _docstring(function, place)
    parameters = list(inspect.signature(function).parameters.values())
    hints = _hints(function, place)
    takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    fields = {
        parameter.name: _field(parameter, hints, descriptions, place)
        for parameter in parameters[1 if takes_context else 0 :]
    }
    try:
        arguments = _model(function.__name__, fields)
        schema = _strict(arguments.model_json_schema(), place)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ToolDefinitionError(f"{place}: a parameter's type has no JSON form ({error.code}).") from error
    definition = FunctionDefinition(name=function.__name__, description=summary, parameters=schema, strict=True)
    return FunctionAsTool(function, definition, arguments, declaration_of(function), takes_context)


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    create: Callable[..., type[BaseModel]] = create_model  # its overloads do not know fields made at run time
    return create(name, __config__=ConfigDict(extra="forbid"), **fields)


def _docstring(function: Callable[..., object], place: str) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function)
    if not text:
        raise ToolDefinitionError(f"{place} has no docstring; write what it does and an Args: section.")
    summary: list[str] = []
    descriptions: dict[str, str] = {}
    for section in griffe.Docstring(text).parse("google"):
        if isinstance(section, griffe.DocstringSectionText):
            summary.append(section.value)
        elif isinstance(section, griffe.DocstringSectionParameters):
            descriptions |= {item.name: " ".join(item.description.split()) for item in section.value}
    return "\n\n".join(summary), descriptions


def _hints(function: Callable[..., object], place: str) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolDefinitionError(f"{place} has an annotation with the unknown name {error.name!r}.") from error


def _field(
    parameter: inspect.Parameter, hints: dict[str, Any], descriptions: dict[str, str], place: str
) -> tuple[Any, Any]:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise ToolDefinitionError(f"{place}: parameter {parameter} cannot be given by name; use plain parameters.")
    if parameter.name not in hints:
        raise ToolDefinitionError(f"{place}: parameter {parameter.name!r} has no type annotation.")
    description = descriptions.get(parameter.name)
    if not description:
        raise ToolDefinitionError(f"{place}: parameter {parameter.name!r} is not described in the docstring's Args:.")
    hint = hints[parameter.name]
    if parameter.default is parameter.empty:
        return hint, Field(description=description)
    return hint | None, Field(default=None, description=f"{description} Null means {parameter.default!r}.")


def _strict(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """The form that providers accept as strict: closed objects, every property required, no defaults, no maps."""
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("default", "title"):
            continue
        result[key] = _strict_value(key, value, place)
    if result.get("type") == "object":
        if schema.get("additionalProperties") not in (None, False):
            raise ToolDefinitionError(
                f"{place}: a parameter is a map (dict); models cannot fill maps reliably, use a list of records."
            )
        result["additionalProperties"] = False
        result["properties"] = result.get("properties", {})
        result["required"] = list(result["properties"])
    return result


def _strict_value(key: str, value: Any, place: str) -> Any:
    if key in ("properties", "$defs"):
        return {name: _strict(part, place) for name, part in value.items()}
    if key == "items":
        return _strict(value, place)
    if key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        return [_strict(part, place) for part in value]
    return value
