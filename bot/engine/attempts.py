"""Which failures of a model turn are worth another attempt, and when."""

import random

from bot.engine.failure import EmptyAnswer
from bot.engine.limits import EngineLimits
from bot.errors import BrokenStream, ContextTooLong, ModelError, ModelUnavailable, ParleyError

_KINDS: tuple[type[ModelError], ...] = (ModelUnavailable, EmptyAnswer, BrokenStream, ContextTooLong)
_LIMITED = "RateLimit"

TOO_LONG = ContextTooLong.__name__
"""What a turn's `error` says after the provider found its request too long."""


class Postponed(ParleyError):
    """The run has to rest before its next attempt."""

    def __init__(self, seconds: float) -> None:
        """Keep how long."""
        super().__init__()
        self.seconds = seconds


def name_of(error: ModelError) -> str:
    """The word for a failure that is recorded with the turn: never the error's text."""
    return _LIMITED if isinstance(error, ModelUnavailable) and error.limited else type(error).__name__


def error_named(name: str) -> ModelError:
    """The failure that a recorded word stands for."""
    if name == _LIMITED:
        return ModelUnavailable(limited=True)
    return next((kind() for kind in _KINDS if kind.__name__ == name), ModelError())


def may_repeat(error: ModelError, earlier: tuple[str, ...], limits: EngineLimits) -> bool:
    """Whether the turn is asked again after `error`, when `earlier` attempts failed already."""
    if isinstance(error, ContextTooLong):
        return TOO_LONG not in earlier
    return isinstance(error, (BrokenStream, ModelUnavailable)) and len(earlier) + 1 < limits.attempts


def delay_before(error: ModelError, earlier: int, limits: EngineLimits) -> float:
    """Seconds to wait before the next attempt: the provider's word, else growing with jitter."""
    if isinstance(error, ContextTooLong):
        return 0.0
    if isinstance(error, ModelUnavailable) and error.retry_after is not None:
        return max(error.retry_after, 0.0)
    return limits.backoff * 2**earlier * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
