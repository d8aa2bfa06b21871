"""Holds the stand-in Discord server and its clients to Discord's official OpenAPI description.

    with checked_against_spec(discord):
        ...                        # raises SpecViolations at the end, with everything that was wrong

Requests are checked against the schema of their path and method, responses against that of their status; both also for
fields that the description does not know. Where the description is not at hand (it is not part of this repository)
nothing is checked; `needs_spec` skips the tests whose subject is the check itself.
"""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from bot.playground.discord import Call, DiscordStandIn

_FILE = Path("shared", "specs", "discord-openapi.json")
_REQUESTS, _RESPONSES = "urn:discord:requests", "urn:discord:responses"

SUPERFLUOUS_IN_REQUESTS = {
    "tts": "discord.py sends it on edits too, where the schema does not have it",
    "nsfw": "discord.py sends it with every command; documented, but not in the schema of the bulk overwrite",
}
"""Known fields of requests that the description lacks."""

SUPERFLUOUS_IN_RESPONSES = {
    "dm_permission": "deprecated, still sent",
}
"""Known fields of responses that the description lacks."""


class SpecViolations(AssertionError):
    """Requests or responses that are not as the official description says."""


def spec_path() -> Path | None:
    """The OpenAPI file, in a folder `shared/specs` beside this repository or beside a folder above it."""
    root = Path(__file__).resolve().parents[2]
    return next((folder / _FILE for folder in root.parents if (folder / _FILE).is_file()), None)


needs_spec = pytest.mark.skipif(
    spec_path() is None, reason=f"the official description {_FILE} is not beside the repository"
)
"""Marks tests that make no sense without the description."""


@contextmanager
def checked_against_spec(standin: DiscordStandIn) -> Iterator[None]:
    """Check every request and response from here to the end of the block.

    Raises:
        SpecViolations: all that was wrong, unless the block itself failed.
    """
    path = spec_path()
    if path is None:
        yield
        return
    spec = DiscordSpec.load(path)
    violations: list[str] = []
    end = standin.observe(lambda call: violations.extend(spec.violations(call)))
    try:
        yield
    finally:
        end()
    if violations:
        raise SpecViolations("\n".join(dict.fromkeys(violations)))


class DiscordSpec:
    """The description, with its differences from what Discord documents and does mended."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths: dict[str, Any] = document["paths"]
        self._document = _mended(document)
        lenient = _with_numeric_ids(self._document)
        resources = {_REQUESTS: lenient, _RESPONSES: self._document}
        self._registry: Registry[Any] = Registry().with_resources(
            [(uri, DRAFT202012.create_resource(resource)) for uri, resource in resources.items()]
        )
        self._validators: dict[str, Draft202012Validator] = {}

    @staticmethod
    @functools.cache
    def load(path: Path) -> "DiscordSpec":
        """Read the file once."""
        return DiscordSpec(json.loads(path.read_bytes()))

    def violations(self, call: Call) -> list[str]:
        """What is wrong with one call, each with its route and field."""
        if _is_planned_fault(call):
            return []
        operation = self._paths.get(call.template, {}).get(call.method.lower())
        if operation is None:
            return [f"{call.route}: not in the description"]
        base = f"#/paths/{_pointer(call.template)}/{call.method.lower()}"
        wrong: list[str] = []
        if call.request is not None and call.status < 400:
            where = f"{base}/requestBody/content/application~1json/schema"
            wrong += self._check(_REQUESTS, where, call.request, f"{call.route} request", SUPERFLUOUS_IN_REQUESTS)
        return wrong + self._response(operation, base, call)

    def _response(self, operation: dict[str, Any], base: str, call: Call) -> list[str]:
        answers = operation["responses"]
        status = str(call.status)
        known = status if status in answers else f"{status[0]}XX"
        where = f"{call.route} response {status}"
        if known not in answers:
            return [f"{where}: status is not in the description"]
        schema = f"{base}/responses/{known}"
        if reference := answers[known].get("$ref"):
            schema = reference
            answers = {known: functools.reduce(lambda node, key: node[key], reference[2:].split("/"), self._document)}
        if "application/json" not in answers[known].get("content", {}):
            return [] if call.response is None else [f"{where}: has a body"]
        pointer = f"{schema}/content/application~1json/schema"
        return self._check(_RESPONSES, pointer, call.response, where, SUPERFLUOUS_IN_RESPONSES)

    def _check(self, uri: str, pointer: str, value: object, where: str, superfluous: dict[str, str]) -> list[str]:
        validator = self._validators.get(uri + pointer)
        if validator is None:
            schema = {"$ref": f"{uri}{pointer}"}
            validator = self._validators[uri + pointer] = Draft202012Validator(schema, registry=self._registry)
        wrong = [f"{where} {error.json_path}: {_sentence(error)}" for error in validator.iter_errors(value)]
        known = self._properties({"$ref": pointer})
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and known:
                wrong += [f"{where}: unknown field {name!r}" for name in item if name not in known | set(superfluous)]
        return wrong

    def _properties(self, schema: dict[str, Any]) -> set[str]:
        """All property names that a schema allows at its top level, through references and alternatives."""
        names = set(schema.get("properties", {}))
        if reference := schema.get("$ref"):
            keys = [key.replace("~1", "/").replace("~0", "~") for key in reference[2:].split("/")]
            names |= self._properties(functools.reduce(lambda node, key: node[key], keys, self._document))
        for alternative in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(alternative, ()):
                names |= self._properties(part)
        return names | (self._properties(schema["items"]) if "items" in schema else set())


def _mended(document: dict[str, Any]) -> dict[str, Any]:
    """Where Discord documents or does something else than its description says; each difference on its own."""
    schemas = document["components"]["schemas"]
    for name in ("MessageCreateRequest", "MessageEditRequestPartial"):  # documented and enforced
        schemas[name]["properties"]["content"]["maxLength"] = 2000
    error = schemas["Error"]["properties"]
    words = {"type": "object", "properties": error | {"code": {"type": "string"}}, "required": ["code", "message"]}
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = words  # BASE_TYPE_MAX_LENGTH and the like
    without_code = {"type": "object", "properties": error, "required": ["message"]}
    schemas["RatelimitedResponse"]["allOf"][0] = without_code  # the documentation's example has none
    reference = schemas["MessageReferenceResponse"]["properties"]
    reference["type"] = {"type": "integer", "enum": [0, 1]}  # a forward is a reference of type 1 in answers too
    deferred = {"CreateMessageInteractionCallbackResponse": [4, 5], "UpdateMessageInteractionCallbackResponse": [6, 7]}
    for name, types in deferred.items():  # a deferred answer has a resource as well, says discord.js
        schemas[name]["properties"]["type"]["enum"] = types
    return document


def _with_numeric_ids(document: dict[str, Any]) -> dict[str, Any]:
    """Ids may be numbers in requests: discord.py sends them so, for attachments, references and recipients."""
    schemas = document["components"]["schemas"]
    either = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
    return document | {"components": document["components"] | {"schemas": schemas | {"SnowflakeType": either}}}


def _is_planned_fault(call: Call) -> bool:
    message = call.response.get("message", "") if isinstance(call.response, dict) else ""
    return call.status == 0 or isinstance(call.response, str) or message.endswith("planned fault")


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _sentence(error: Any) -> str:
    """The message, with the most telling of the alternatives that failed."""
    if not error.context:
        return error.message if len(error.message) < 300 else f"{error.message[:150]} … {error.message[-150:]}"
    deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
    return f"{error.message[:160]} … {deepest.json_path}: {deepest.message[:160]}"
