"""Slack's errors in the six words of `bot.errors.PlatformError`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the SDK leaves its responses untyped; what is read from them is checked here)

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.record import Record
from bot.errors import Forbidden, Gone, OperatorError, PlatformError, RateLimited, Refused, Unauthorised, Unreachable

DEFAULT_WAIT = 30.0
"""Seconds to wait when a 429 does not say how long."""

UNAUTHORISED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)
GONE = frozenset(
    {
        "channel_not_found", "message_not_found", "thread_not_found", "file_not_found", "file_deleted", "is_inactive",
        "user_not_found", "cant_update_message", "edit_window_closed", "expired_url", "used_url",
    }
)  # fmt: skip
FORBIDDEN = frozenset(
    {
        "missing_scope", "not_in_channel", "user_not_in_channel", "is_archived", "access_denied", "no_permission",
        "ekm_access_denied", "restricted_action", "restricted_action_read_only_channel", "messages_tab_disabled",
        "restricted_action_thread_only_channel", "restricted_action_non_threadable_channel", "user_is_restricted",
        "restricted_action_thread_locked", "team_access_not_granted", "cannot_reply_to_message", "not_authorized",
    }
)  # fmt: skip
TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long"})
UNSETTLED = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
LIMITED = frozenset({"ratelimited", "rate_limited"})


class Failure(Record):
    """What a failed call tells about itself."""

    status: int
    code: str
    """Slack's word; empty when the body was not Slack's."""
    needed: str = ""
    """The missing scope."""
    retry_after: float | None = None


@contextmanager
def slack_errors() -> Generator[None]:
    """Translate what the SDK and aiohttp raise.

    Raises:
        PlatformError: one of its six kinds; the original is its cause.
    """
    try:
        yield
    except SlackApiError as error:
        raise translate(_failure(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unreachable(f"Slack did not answer ({type(error).__name__}).") from error


def translate(failure: Failure) -> PlatformError:
    """The error for a call that Slack answered, but not with success."""
    code = failure.code
    if failure.status == 429 or code in LIMITED:
        wait = DEFAULT_WAIT if failure.retry_after is None else failure.retry_after
        return RateLimited(wait, f"Slack asks to wait {wait:g} s.")
    if not code or failure.status >= 500 or code in UNSETTLED:
        return Unreachable(f"Slack failed with HTTP {failure.status} {code}".rstrip() + ".")
    if code in UNAUTHORISED:
        return Unauthorised(f"Slack does not accept the token ({code}).")
    if code in GONE:
        return Gone(f"Slack does not have it any more ({code}).")
    if code in FORBIDDEN:
        missing = f": {failure.needed}" if failure.needed else ""
        return Forbidden(f"Slack does not allow it ({code}{missing}).")
    return Refused(f"Slack found the request invalid ({code}).", too_long=code in TOO_LONG)


def word_of(error: PlatformError) -> str:
    """Slack's own word for an error that `slack_errors` has translated; empty when there is none."""
    cause = error.__cause__
    return _failure(cause).code if isinstance(cause, SlackApiError) else ""


def refused(variable: str, error: PlatformError) -> OperatorError:
    """What the operator is told when Slack does not let us in.

    Args:
        variable: name of the token's setting.
        error: what Slack answered.
    """
    return OperatorError(f"{variable} does not work. {error} Copy it again from the app's page at api.slack.com/apps.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds in a `Retry-After` header; None when there is none or it makes no sense."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _failure(error: SlackApiError) -> Failure:
    response: object = error.response
    if isinstance(response, AsyncSlackResponse):
        body: object = response.data
        code, needed = _words(body)
        return Failure(
            status=response.status_code, code=code, needed=needed, retry_after=retry_after(headers_of(response))
        )
    # The SDK hands over the bare HTTP response when the body was not JSON: nobody knows what became of the call.
    status = response.status if isinstance(response, aiohttp.ClientResponse) else 0
    return Failure(status=status, code="")


def _words(body: object) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    code: object = body.get("error")
    needed: object = body.get("needed")
    return code if isinstance(code, str) else "", needed if isinstance(needed, str) else ""


def headers_of(response: AsyncSlackResponse) -> Mapping[str, str]:
    """The headers of an answer, as far as the SDK kept them."""
    headers: object = response.headers
    return headers if isinstance(headers, Mapping) else {}
