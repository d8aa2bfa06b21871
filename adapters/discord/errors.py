"""discord.py's errors as the six kinds of `bot.errors.PlatformError`."""

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp
import discord

from bot.errors import Forbidden, Gone, OperatorError, PlatformError, RateLimited, Refused, Unauthorised, Unreachable

UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
"""Also a token whose interaction has not been acknowledged yet."""
TOO_MANY_OLD_EDITS = 30046
THREAD_ARCHIVED = 50083
INVALID_WEBHOOK_TOKEN = 50027
THREAD_LOCKED = 160005
FOLLOWUPS_USED_UP = 40094
"""Five further messages of an interaction, where we are no member."""
TOO_MANY_THREADS = 160006
"""An archived thread would have to be reopened for a message."""
CLOUDFLARE_PAUSE = 60.0
"""Seconds to stay silent after a 429 that did not come from Discord itself (Cloudflare's carries no time)."""


class Archived(Gone):
    """The thread is closed. A new message opens it again, or somebody who may."""


def refused() -> OperatorError:
    """What the operator is told when Discord does not accept the token."""
    return OperatorError("DISCORD_TOKEN is not accepted by Discord: copy it again from the Bot page.")


@contextmanager
def translated() -> Generator[None]:
    """Raise the kind of `PlatformError` that a discord.py error means."""
    try:
        yield
    except PlatformError:  # what was not even sent says so itself
        raise
    except discord.RateLimited as error:
        raise RateLimited(error.retry_after) from error
    except discord.HTTPException as error:
        raise _kind(error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"Discord did not answer ({type(error).__name__}).") from error


def _kind(error: discord.HTTPException) -> PlatformError:
    said = f"Discord answered {error.status}, code {error.code}."
    if error.code == THREAD_ARCHIVED:
        return Archived(said)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(said)
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(_pause(error), said)
    if (
        error.code in (TOO_MANY_OLD_EDITS, INVALID_WEBHOOK_TOKEN, FOLLOWUPS_USED_UP)
        or error.status == HTTPStatus.NOT_FOUND
    ):
        return Gone(said)
    if error.status == HTTPStatus.UNAUTHORIZED:
        return Unauthorised(said)
    if error.status == HTTPStatus.FORBIDDEN or error.code in (THREAD_LOCKED, TOO_MANY_THREADS):
        return Forbidden(said)
    return Refused(said, too_long="or fewer in length" in error.text)


def _pause(error: discord.HTTPException) -> float:
    try:
        return float(error.response.headers.get("Retry-After", CLOUDFLARE_PAUSE))
    except ValueError:
        return CLOUDFLARE_PAUSE
