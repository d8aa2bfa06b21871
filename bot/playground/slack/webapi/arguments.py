"""A call's arguments: query, form or JSON, read into one bag that gives out values of the right type or refuses."""

import json
from collections.abc import Mapping

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.playground.slack.wire import JsonObject, JsonValue

_JSON = TypeAdapter[JsonValue](JsonValue)


class Refusal(Exception):
    """The call is answered with `ok: false`; carries Slack's error word and what stands beside it."""

    def __init__(self, error: str, **more: JsonValue) -> None:
        """Keep the word and the further fields of the answer."""
        super().__init__(error)
        self.error = error
        self.more: JsonObject = more


async def read_arguments(request: web.Request) -> JsonObject:
    """Everything that came with a request, wherever it stood; the body wins over the query.

    Raises:
        Refusal: the body cannot be read.
    """
    values: JsonObject = dict(request.query)
    if request.content_type == "application/json":
        body = _parse(await request.text(), "invalid_json")
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        return values | body
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        form = await request.post()
        return values | {name: value for name, value in form.items() if isinstance(value, str)}
    if request.can_read_body and await request.read():
        raise Refusal("invalid_post_type")
    return values


def _parse(text: str, error: str) -> JsonValue:
    try:
        return _JSON.validate_python(json.loads(text))
    except (ValueError, ValidationError) as problem:
        raise Refusal(error) from problem


class Arguments:
    """Typed access; a value of the wrong type is `invalid_arguments`."""

    def __init__(self, values: Mapping[str, JsonValue]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers in JSON are accepted where Slack accepts them."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool | dict | list):
            raise _wrong(name, "must be a string")
        return str(value)

    def required(self, name: str, error: str = "invalid_arguments") -> str:
        """A string that must be there and not empty.

        Raises:
            Refusal: with `error`.
        """
        value = self.text(name)
        if not value:
            messages: JsonValue = [f"[ERROR] missing required field: {name}"]
            raise Refusal(error, response_metadata={"messages": messages})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value; queries and forms write it as `true`, `1`, `false` or `0`."""
        value = self._values.get(name)
        if value is None:
            return default
        if value in (True, "true", "True", "1", 1):
            return True
        if value in (False, "false", "False", "0", 0):
            return False
        raise _wrong(name, "must be a boolean")

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(str(value))
        except ValueError as problem:
            raise _wrong(name, "must be an integer") from problem

    def json(self, name: str, error: str = "invalid_arguments") -> JsonValue:
        """A JSON value, which queries and forms carry as text.

        Raises:
            Refusal: with `error`, when the text is not JSON.
        """
        value = self._values.get(name)
        return _parse(value, error) if isinstance(value, str) and value else value

    def words(self, name: str) -> tuple[str, ...]:
        """A list of ids: an array, or one string with commas."""
        value = self._values.get(name)
        if isinstance(value, list):
            return tuple(str(item) for item in value)
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip())


def _wrong(name: str, problem: str) -> Refusal:
    messages: JsonValue = [f"[ERROR] {problem} [json-pointer:/{name}]"]
    return Refusal("invalid_arguments", response_metadata={"messages": messages})
