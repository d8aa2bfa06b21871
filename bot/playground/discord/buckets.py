"""Rate limits: a bucket for each route and major parameter, one global limit, and a switch that refuses all writes."""

import hashlib
import math
from dataclasses import dataclass

from bot.playground.discord.clock import Clock
from bot.playground.discord.rules import DiscordRules, Rate
from bot.playground.discord.wire import JsonObject


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Ration:
    """What the limits say about one request."""

    headers: dict[str, str]
    retry_after: float | None = None
    """Seconds to wait; None when the request may pass."""
    everywhere: bool = False
    """It is the global limit that was met."""

    def body(self) -> JsonObject:
        """The body of the 429."""
        return rate_limit_body(self.retry_after or 0.0, everywhere=self.everywhere)


def rate_limit_body(retry_after: float, *, everywhere: bool = False) -> JsonObject:
    """The body of any 429."""
    message = "You are being rate limited."
    return {"message": message, "retry_after": round(retry_after, 3), "global": everywhere}


def refusal_headers(retry_after: float, scope: str) -> dict[str, str]:
    """The headers that every 429 has."""
    headers = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": scope}
    return headers | ({"X-RateLimit-Global": "true"} if scope == "global" else {})


class Buckets:
    """Counts requests in windows that begin with their first request."""

    def __init__(self, rules: DiscordRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self._closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """Refuse everything that writes for so long."""
        self._closed_until = self._clock.now() + seconds

    def take(self, bucket: str, major: str, rate: Rate, *, writes: bool, counts_globally: bool) -> Ration:
        """Use one request of a bucket, or say how long to wait."""
        now = self._clock.now()
        if writes and now < self._closed_until:
            wait = self._closed_until - now
            closed = _Window(self._closed_until, rate.limit)
            return Ration(self._headers(bucket, rate, closed) | refusal_headers(wait, "user"), wait)
        if counts_globally and (wait := self._take_global(now)):
            return Ration(refusal_headers(wait, "global"), wait, everywhere=True)
        window = self._window((bucket, major), rate.window, now)
        if window.used >= rate.limit:
            wait = window.ends_at - now
            return Ration(self._headers(bucket, rate, window) | refusal_headers(wait, "user"), wait)
        window.used += 1
        return Ration(self._headers(bucket, rate, window))

    def _take_global(self, now: float) -> float | None:
        window = self._window(("", ""), 1.0, now)
        if window.used >= self._rules.global_limit:
            return window.ends_at - now
        window.used += 1
        return None

    def _window(self, key: tuple[str, str], seconds: float, now: float) -> _Window:
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._windows[key] = _Window(now + seconds)
        return window

    def _headers(self, bucket: str, rate: Rate, window: _Window) -> dict[str, str]:
        digest = hashlib.sha256(bucket.encode()).hexdigest()[:32]
        return {
            "X-RateLimit-Limit": str(rate.limit),
            "X-RateLimit-Remaining": str(rate.limit - window.used),
            "X-RateLimit-Reset": f"{window.ends_at:.3f}",
            "X-RateLimit-Reset-After": f"{max(window.ends_at - self._clock.now(), 0.001):.3f}",
            "X-RateLimit-Bucket": digest,
        }
