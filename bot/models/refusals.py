"""What a provider's error says, whether it came as a status, as a frame of the stream or as a JSON body."""

import email.utils
import time
from dataclasses import dataclass

import openai

from bot.models.json_values import JsonObject, NotAnObject, object_in, parse_object, text_in

_MESSAGE_LIMIT = 300
"""Characters of a provider's message that are kept."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's error in one shape."""

    status: int
    """HTTP status, or what the error frame claims to be one; 0 when unknown."""
    code: str = ""
    """Code and type as the provider names them, lower case, separated by a space."""
    param: str = ""
    message: str = ""
    retry_after: float | None = None
    """Seconds."""

    @property
    def words(self) -> str:
        """Everything to look for a phrase in."""
        return f"{self.code} {self.message}".lower()

    def names_any(self, *phrases: str) -> bool:
        """Whether one of these phrases (lower case) is in it."""
        return any(phrase in self.words for phrase in phrases)


class NotAStream(Exception):
    """The provider answered 200 with something else than an event stream."""

    def __init__(self, refusal: Refusal | None, content_type: str) -> None:
        super().__init__(content_type)
        self.refusal = refusal
        self.content_type = content_type


def refusal_from_status(error: openai.APIStatusError) -> Refusal:
    """Read an error response."""
    body: object = error.body
    fields = refusal_from_fields(body) if isinstance(body, dict) else None  # pyright: ignore[reportUnknownArgumentType] - checked key by key below
    return Refusal(
        status=error.status_code,
        code=fields.code if fields else "",
        param=fields.param if fields else "",
        message=fields.message if fields and fields.message else _short(error.response.reason_phrase),
        retry_after=_retry_after(error),
    )


def refusal_from_body(body: bytes) -> Refusal | None:
    """Read a JSON body that came with status 200; None when it holds no error."""
    try:
        fields = parse_object(body)
    except NotAnObject:
        return None
    return refusal_from_fields(fields) if fields.get("error") else None


def refusal_from_fields(fields: JsonObject) -> Refusal:
    """Read `{"error": {…}}`, `{"error": "text"}`, or the error's own fields; its code may be a number."""
    inner = fields.get("error")
    if isinstance(inner, str):
        return Refusal(status=0, message=_short(inner))
    source = object_in(fields, "error") or fields
    code = source.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) else 0
    named = " ".join(part for part in (text_in(source, "code"), text_in(source, "type")) if part)
    message = text_in(source, "message") or text_in(source, "detail") or str(source.get("detail") or "")
    return Refusal(status=number, code=named.lower(), param=text_in(source, "param"), message=_short(message))


def _short(text: str) -> str:
    return " ".join(text.split())[:_MESSAGE_LIMIT]


def _retry_after(error: openai.APIStatusError) -> float | None:
    headers = error.response.headers
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    moment = email.utils.parsedate_tz(value) if value else None
    return max(0.0, email.utils.mktime_tz(moment) - time.time()) if moment else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e7 else None  # refuses NaN and infinity as well
