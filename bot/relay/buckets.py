"""What is known of one rate limit of a platform: what was sent, what is left, and by how much trouble slows us down."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from bot.relay.contract import Pacing, RateSignal
from bot.relay.turns import LOOK_AGAIN, Turns

_QUIET = 60.0
"""Seconds without trouble after which the pace recovers by a fifth."""
_RECOVERY = 0.8
_SLOW = 2.0
"""A request that took so many times the usual was held up by the platform's limit, inside the client library."""
_SLOW_AT_LEAST = 1.0
_ALONE = 3.0
"""Windows without a sign of anybody else after which we count as alone in a bucket."""
_TRAVEL = 0.5
"""Seconds by which a request may have been sent before the window that it opened at the platform."""


@dataclass(slots=True, eq=False)
class Bucket:
    """What is known of one rate limit."""

    pacing: Pacing
    name: str
    posts: Pacing | None = None
    share: Callable[[], int] = lambda: 1
    sent: deque[float] = field(default_factory=deque[float])
    edits: Turns = field(default_factory=Turns)
    _creates: Turns | None = None
    _limit: int | None = None
    _window: float | None = None
    _remaining: tuple[int, float] | None = None
    """What the platform said was left, and until when that holds."""
    _others_seen: float | None = None
    """When a reply last counted requests that were not ours; None before any reply told what is left."""
    _factor: float = 1.0
    _trouble_at: float = -math.inf
    _ahead: float = math.inf
    """Requests that may come ahead of the even pace, as of `_filled`; never more than the burst."""
    _filled: float = 0.0
    _durations: deque[float] = field(default_factory=lambda: deque[float](maxlen=21))

    def __post_init__(self) -> None:
        self._creates = Turns(self.posts, self.share) if self.posts else None

    def turns(self, *, create: bool) -> Turns:
        """Creates share the turns of edits unless they have a pace of their own."""
        return self._creates if create and self._creates else self.edits

    @property
    def limit(self) -> int:
        """Requests per window, of all processes together."""
        return self._limit or self.pacing.limit

    @property
    def window(self) -> float:
        """Seconds."""
        return self._window or self.pacing.window

    def sharers(self, now: float) -> int:
        """Among how many processes the limit is divided: one, as long as replies show that nobody else is here."""
        alone = self._others_seen is not None and now - self._others_seen > _ALONE * self.window
        return 1 if alone else max(1, self.share())

    def interim_limit(self, now: float) -> int:
        """Requests per window that our interim edits may use."""
        return max(1, (self.limit - self.pacing.reserve) // self.sharers(now))

    def learn(self, signal: RateSignal, now: float) -> None:
        """Take in what a reply said."""
        if signal.limit is not None and signal.limit > 0:
            self._limit = signal.limit
        if signal.reset_after is not None and signal.retry_after is None:
            self._window = max(self._window or 0.0, signal.reset_after)
        if signal.remaining is not None and signal.reset_after is not None:
            self._remaining = (signal.remaining, now + signal.reset_after)
            self._look_for_others(signal.remaining, now + signal.reset_after - self.window, now)
        if signal.retry_after is not None:
            self.limited(signal.retry_after, now)

    def limited(self, retry_after: float, now: float, *, create: bool = False) -> None:
        """Take in a 429, and after how many seconds the request may be repeated."""
        if self.posts and create and self._creates:
            spacing = self.posts.window / self.posts.limit * max(1, self.share())
            self._creates.limited(retry_after, now, spacing, self.posts.max_interval)
            return
        told = self._limit is not None and self._window is not None
        spacing = self.window / self.limit * self.sharers(now)
        if self.edits.limited(retry_after, now, spacing, spacing if told else self.pacing.max_interval):
            self._trouble(now)

    def took(self, seconds: float, now: float) -> None:
        """Take in how long a request took."""
        usual = median(self._durations) if self._durations else seconds
        self._durations.append(seconds)
        if seconds > max(_SLOW * usual, _SLOW_AT_LEAST):
            self._trouble(now)

    def slowness(self, now: float) -> float:
        """By how much the interval is stretched after trouble; falls by a fifth with every quiet minute."""
        quiet = (now - self._trouble_at) // _QUIET if self._factor > 1 else 0
        return max(1.0, self._factor * _RECOVERY**quiet)

    def free(self, now: float) -> int:
        """How many interim edits may go out now."""
        window = self.window
        while self.sent and self.sent[0] <= now - window:
            self.sent.popleft()
        free = self.interim_limit(now) + self._burst(now) - len(self.sent)
        if self._remaining is not None and now < self._remaining[1]:
            left = self._remaining[0] - self.pacing.reserve
            free = min(free, math.ceil(left / self.sharers(now)))
        return free

    def spend(self, now: float) -> None:
        """Count a request that goes out now."""
        self._ahead, self._filled = max(0.0, self.ahead(now) - 1), now
        self.sent.append(now)
        if self._remaining is not None:
            self._remaining = (self._remaining[0] - 1, self._remaining[1])

    def ahead(self, now: float) -> float:
        """How many requests may come ahead of the even pace now."""
        gained = (now - self._filled) * self.interim_limit(now) / self.window
        return min(float(self._burst(now)), self._ahead + gained)

    def interval(self, writing: int, now: float, *, ahead: bool = False) -> float:
        """Seconds between two interim edits of one message when so many are written, or when one comes ahead."""
        spacing = 0.0 if ahead else self.window / self.interim_limit(now) * max(1, writing)
        return min(self.pacing.max_interval, max(self.pacing.min_interval, spacing) * self.slowness(now))

    def _burst(self, now: float) -> int:
        return self.pacing.burst // self.sharers(now)

    def next_free(self, now: float) -> float:
        """Seconds after which `free` may have grown, at least a little."""
        oldest = self.sent[0] + self.window - now if self.sent else LOOK_AGAIN
        return max(0.01, oldest)

    def at_rest(self, now: float) -> bool:
        """Whether there is nothing to remember."""
        busy = any(not turns.at_rest(now) for turns in (self.edits, self._creates) if turns)
        learnt = busy or self.slowness(now) > 1
        return not learnt and not any(moment > now - self.window for moment in self.sent)

    def _look_for_others(self, remaining: int, began: float, now: float) -> None:
        """Compare what was used since the window began with what we used ourselves."""
        ours = sum(1 for moment in self.sent if moment >= began - _TRAVEL)
        if self._others_seen is None:
            self._others_seen = -math.inf
        if self.limit - remaining > ours:
            self._others_seen = now

    def _trouble(self, now: float) -> None:
        self._factor = min(self.slowness(now) * 2, self.pacing.max_interval / self.pacing.min_interval)
        self._trouble_at = now
