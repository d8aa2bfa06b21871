"""Trying a turn again, only as long as nobody has seen anything of it."""

import random

from bot.errors import BrokenStream, ModelUnavailable
from bot.models.config import RetryPolicy


def wait_before_retry(failure: ModelUnavailable | BrokenStream, attempt: int, policy: RetryPolicy) -> float:
    """Seconds to wait before the next request after attempt number `attempt` (from 1) failed.

    Raises:
        ModelUnavailable: the attempts are used up, or the provider wants a longer wait than is kept here.
        BrokenStream: the attempts are used up.
    """
    if attempt >= policy.attempts:
        raise failure
    asked = failure.retry_after if isinstance(failure, ModelUnavailable) else None
    if asked is not None and asked > policy.patience:
        raise failure
    backoff = min(policy.base * 2 ** (attempt - 1), policy.ceiling)
    jittered = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, protects no secret
    return max(asked or 0.0, jittered)
