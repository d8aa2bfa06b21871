"""What Slack sends over HTTP, taken apart: JSON for events, forms for commands and for what people press."""

import json
from collections.abc import Iterable
from typing import Literal, cast
from urllib.parse import parse_qsl

from adapters.slack.signatures import Malformed

DEPTH = 100
"""Of nested lists and objects. Slack's blocks have a dozen; Python's own limit is a thousand calls."""
FIELDS = 100
"""Of a form; a slash command has about 15."""
OF_COMMANDS = frozenset({
    "token", "team_id", "team_domain", "enterprise_id", "enterprise_name", "is_enterprise_install", "channel_id",
    "channel_name", "user_id", "user_name", "command", "text", "api_app_id", "response_url", "trigger_id", "thread_ts",
})  # fmt: skip
"""Fields of a slash command. A form with others is none: only the body is signed, not what kind it is said to be."""

Kind = Literal["event", "interaction", "command"]


def parsed(content_type: str, body: bytes) -> tuple[Kind, dict[str, object]]:
    """What a signed body says, and which of Slack's three forms it has.

    Raises:
        Malformed: it is none of them.
    """
    kind, _, _ = content_type.partition(";")
    match kind.strip().lower():
        case "application/json":
            return "event", _event(_object(_text(body)))
        case "application/x-www-form-urlencoded":
            return _form(_fields(_text(body)))
        case _:
            raise Malformed("another content type")


def _form(fields: list[tuple[str, str]]) -> tuple[Kind, dict[str, object]]:
    """Every field has to be one that Slack sends: within JSON that somebody sends again as a form, there may be any."""
    names = [name for name, _ in fields]
    if names == ["payload"]:
        return "interaction", _typed(_object(fields[0][1]))
    if "command" in names and OF_COMMANDS.issuperset(names):
        return "command", dict(fields)
    raise Malformed("a form of another kind")


def _event(body: dict[str, object]) -> dict[str, object]:
    """An outer event, with an inner one where there should be one."""
    if _typed(body)["type"] == "event_callback":
        event = body.get("event")
        if not isinstance(event, dict):
            raise Malformed("no event")
        _typed(cast("dict[str, object]", event))
    return body


def _typed(body: dict[str, object]) -> dict[str, object]:
    if not isinstance(body.get("type"), str) or not body["type"]:
        raise Malformed("no type")
    return body


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("no UTF-8") from None


def _fields(text: str) -> list[tuple[str, str]]:
    if text.lstrip().startswith("{"):
        raise Malformed("JSON, and no form")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise Malformed("too many fields") from None


def _object(text: str) -> dict[str, object]:
    try:
        found: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # ValueError also for numbers of thousands of digits
        raise Malformed("no JSON") from None
    if not isinstance(found, dict):
        raise Malformed("no object")
    if _too_deep(cast("dict[str, object]", found)):
        raise Malformed("nested too deeply")
    return cast("dict[str, object]", found)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEPTH):
        level = [item for one in level for item in _items(one)]
        if not level:
            return False
    return True


def _items(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()
