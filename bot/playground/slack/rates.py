"""Rate limits: one bucket for each method of the workspace, one more for the posts of each channel."""

import math
import time

from bot.playground.slack.rules import SlackRules, Tier


class _Bucket:
    """Tokens that come back with time."""

    def __init__(self, burst: int, now: float) -> None:
        self.tokens = float(burst)
        self.filled = now

    def fill(self, tier: Tier, pace: float, now: float) -> None:
        gained = (now - self.filled) * tier.per_minute * pace / 60
        self.tokens = min(float(tier.burst), self.tokens + gained)
        self.filled = now


class Rates:
    """Says for each call how long Slack would make it wait. Time is monotonic."""

    def __init__(self, rules: SlackRules) -> None:
        self.rules = rules
        self._buckets: dict[str, _Bucket] = {}
        self._closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """Refuse every writing call for so long."""
        self._closed_until = time.monotonic() + seconds

    def wait(self, method: str, tier: str, *, writes: bool, channel: str = "") -> int:
        """Take one call out of its buckets. Returns 0, or the whole seconds of `Retry-After` when it is too much."""
        now = time.monotonic()
        if writes and now < self._closed_until:
            return max(1, math.ceil(self._closed_until - now))
        if self.rules.pace <= 0:
            return 0
        wanted = [(method, self.rules.tiers[self.rules.method_tiers.get(method, tier)])]
        if channel:
            wanted.append((f"{method} {channel}", self.rules.channel_posts))
        return self._take(wanted, now)

    def _take(self, wanted: list[tuple[str, Tier]], now: float) -> int:
        wait = 0.0
        for name, tier in wanted:
            bucket = self._buckets.setdefault(name, _Bucket(tier.burst, now))
            bucket.fill(tier, self.rules.pace, now)
            if bucket.tokens < 1:
                wait = max(wait, (1 - bucket.tokens) * 60 / (tier.per_minute * self.rules.pace))
        if wait:
            return max(1, math.ceil(wait))
        for name, _ in wanted:
            self._buckets[name].tokens -= 1
        return 0
