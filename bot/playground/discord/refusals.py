"""Errors as Discord answers them: status, code, message and where in the body."""

from typing import TypeVar

from pydantic import ValidationError

from bot.playground.discord.wire import Body, JsonObject


class Refusal(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, code: int, message: str, errors: JsonObject | None = None) -> None:
        """Keep the HTTP status and the parts of the error body."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> JsonObject:
        """The JSON body."""
        body: JsonObject = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


_KNOWN: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10014: (400, "Unknown Emoji"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    30032: (400, "Maximum number of application commands reached"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    30046: (400, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40094: (400, "This interaction has reached the maximum number of follow-up messages"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
    160006: (400, "Maximum number of active threads reached"),
}


def refusal(code: int) -> Refusal:
    """One of the errors whose code says everything."""
    status, message = _KNOWN[code]
    return Refusal(status, code, message)


def invalid(field: str, code: str, message: str) -> Refusal:
    """Error 50035 at a field; nested fields are written with dots."""
    errors: JsonObject = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field.split(".")):
        errors = {part: errors}
    return Refusal(400, 50035, "Invalid Form Body", errors)


B = TypeVar("B", bound=Body)


def parsed(record: type[B], body: object) -> B:
    """A request body as a record.

    Raises:
        Refusal: 50035, naming the first field that is wrong.
    """
    try:
        return record.model_validate(body if body is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        required = first["type"] == "missing"
        code = "BASE_TYPE_REQUIRED" if required else "BASE_TYPE_BAD_TYPE"
        raise invalid(where, code, "This field is required" if required else first["msg"]) from error
