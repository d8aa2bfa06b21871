"""What went wrong with a run: which model turns are asked again and when, and what a run's end says about an error.

The models room tries again by itself before a turn's first event, so here a provider that is away is waited for, with
the lane given back, and a turn whose answer broke off is asked again at once.

| failure                                    | asked again                                                     |
|--------------------------------------------|-----------------------------------------------------------------|
| request too long                           | once, at once, with a shorter one                               |
| broken off after its first event, or empty | `attempts` in all, after `backoff`, doubling                    |
| provider away or limiting                  | `outages` in all, after `outage_backoff` or the provider's word |
| process died                               | `lives` in all, at once, counted apart from the others          |

The sentences are ours, never the error's own text: that may hold addresses, keys or names of files.
"""

import random
from collections.abc import Sequence

from bot.domain.runs import LastError, RunStatus
from bot.engine.limits import EngineLimits
from bot.errors import (
    BrokenStream,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    ModelRefusedAccess,
    ModelUnavailable,
    ParleyError,
)
from bot.ports import Ending

FILTERED = "The model provider's content filter stopped the answer."
CONVERSATION_TOO_LONG = (
    "The conversation is too long for the model, even after it was shortened. Start a new conversation."
)
LIMITED = "The model provider is limiting requests right now. Try again in a few minutes."
UNREACHABLE = "The model provider cannot be reached or is overloaded. Try again in a few minutes."
NO_ACCESS = "The model provider refused the access. The operator of this assistant has to check its model settings."
BROKE_OFF = "The model's answer broke off several times."
EMPTY = "The model gave an empty answer several times."
CRASHED = "The assistant was interrupted {lives} times in the middle of this answer and gave up. Try again later."
OURS = "Something went wrong inside the assistant."

REQUEST_TOO_LONG = ContextTooLong.__name__
"""What a turn's `error` says after the provider found its request too long."""
_OUTAGE = ModelUnavailable.__name__


class EmptyAnswer(BrokenStream):
    """The model ended its turn without text and without a tool call."""


class TooManyRounds(Exception):
    """The model kept calling tools without coming to an answer."""


class TooManyCrashes(Exception):
    """Process after process died while the model was asked for the same turn."""


class Postponed(ParleyError):
    """The run has to rest before its next attempt."""

    def __init__(self, seconds: float) -> None:
        """Keep how long."""
        super().__init__()
        self.seconds = seconds


class AwaitsDecision(ParleyError):
    """The run waits until a person has said what became of one of its calls."""


def name_of(error: ModelError) -> str:
    """The word for a failure that is recorded with the turn: never the error's text."""
    return type(error).__name__


def wait_before_next(error: ModelError, earlier: Sequence[str], limits: EngineLimits) -> float | None:
    """Seconds until the turn is asked again after `error`; None when it is not.

    Args:
        error: how the turn failed.
        earlier: the words for the attempts that failed before it.
        limits: how often and after how long.
    """
    match error:
        case ContextTooLong():
            return None if REQUEST_TOO_LONG in earlier else 0.0
        case ModelUnavailable(retry_after=asked):
            times = sum(1 for name in earlier if name == _OUTAGE)
            wait = limits.outage_backoff * 2**times * random.uniform(1.0, 1.5)  # noqa: S311 - jitter, not a secret
            return None if times + 1 >= limits.outages else max(wait, asked or 0.0)
        case BrokenStream():
            times = sum(1 for name in earlier if name not in {_OUTAGE, REQUEST_TOO_LONG})
            wait = limits.backoff * 2**times * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
            return None if times + 1 >= limits.attempts else wait
        case _:
            return None


def failed(error: Exception, limits: EngineLimits, *, open_text: str | None = None) -> Ending:
    """The ending of a run that failed with `error`; `limits` stand in some of the sentences."""
    return Ending(
        status=RunStatus.FAILED,
        last_error=_last_error(error, limits),
        message_reason="content_filter" if isinstance(error, ContentFiltered) else None,
        open_text=open_text,
    )


def _last_error(error: Exception, limits: EngineLimits) -> LastError:
    match error:
        case ModelUnavailable(limited=True):
            return LastError(code="rate_limit_exceeded", message=LIMITED)
        case ModelUnavailable():
            return LastError(code="server_error", message=UNREACHABLE)
        case ContextTooLong():
            return LastError(code="invalid_prompt", message=CONVERSATION_TOO_LONG)
        case ContentFiltered():
            return LastError(code="invalid_prompt", message=FILTERED)
        case ModelRefusedAccess():
            return LastError(code="server_error", message=NO_ACCESS)
        case EmptyAnswer():
            return LastError(code="server_error", message=EMPTY)
        case BrokenStream():
            return LastError(code="server_error", message=BROKE_OFF)
        case TooManyRounds():
            return LastError(
                code="server_error",
                message=f"The assistant used its tools {limits.rounds} times in a row without coming to an answer.",
            )
        case TooManyCrashes():
            return LastError(code="server_error", message=CRASHED.format(lives=limits.lives))
        case _:
            return LastError(code="server_error", message=OURS)
