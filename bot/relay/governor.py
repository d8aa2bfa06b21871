"""How fast chat messages may be edited: one `Governor` a platform, shared by all answers that are being written.

No text is queued. An answer asks for its turn, and when the turn comes it sends the newest text. Interim edits never
use the last requests of a window (`Pacing.reserve`), so that final edits go out at once; only an explicit 429 holds
those up, and then they take turns (`bot.relay.turns`). Creates have turns of their own where a platform limits them
apart. Every state that can change is looked at again at least every half second, so no wait outlives its reason.

A limit belongs to all processes together: each uses its part of it. Where replies tell how much is left, a process that
sees nobody else write to a bucket uses all of it.
"""

import math
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from bot.ports import Clock
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


class Governor:
    """Paces the edits of one platform, and its creates."""

    def __init__(
        self, pacing: Pacing, clock: Clock, posts: Pacing | None = None, share: Callable[[], int] = lambda: 1
    ) -> None:
        """Start from `pacing`; creates have a pace of their own when `posts` is given.

        `share` says among how many processes the platform's limits are divided now.
        """
        self._pacing = pacing
        self._share = share
        self._posts = posts
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    @contextmanager
    def stream(self, bucket: str) -> Generator["Stream"]:
        """One answer that is being written, for as long as it is."""
        where = self._bucket(bucket)
        stream = Stream(self, where, self._clock)
        where.streams.append(stream)
        try:
            yield stream
        finally:
            where.streams.remove(stream)
            self._sweep()

    def signal(self, signal: RateSignal) -> None:
        """Learn from what a platform's reply said."""
        self._bucket(signal.bucket).learn(signal, self._clock.monotonic())

    def interval(self, bucket: str) -> float:
        """Seconds between two interim edits of one message, now."""
        where = self._bucket(bucket)
        pacing = self._pacing
        now = self._clock.monotonic()
        writing = sum(1 for stream in where.streams if stream.writes(now - 2 * pacing.max_interval))
        spacing = where.window / where.interim_limit(now) * max(1, writing)
        slowed = max(pacing.min_interval, spacing) * where.slowness(now)
        return min(pacing.max_interval, slowed)

    def _bucket(self, name: str) -> "_Bucket":
        return self._buckets.setdefault(name, _Bucket(self._pacing, name, self._posts, self._share))

    def _sweep(self) -> None:
        """Forget buckets that nobody writes to and that have nothing to remember."""
        now = self._clock.monotonic()
        for bucket in [b for b in self._buckets.values() if not b.streams and b.at_rest(now)]:
            del self._buckets[bucket.name]


class Stream:
    """The edits of one answer."""

    def __init__(self, governor: Governor, bucket: "_Bucket", clock: Clock) -> None:
        """Created by `Governor.stream`."""
        self._governor = governor
        self._bucket = bucket
        self._clock = clock
        self.last_sent = -math.inf
        self.waiting_since: float | None = None

    def writes(self, since: float) -> bool:
        """Whether it waits for a turn or had one since then; an answer that only thinks slows nobody down."""
        return self.waiting_since is not None or self.last_sent > since

    async def due(self) -> None:
        """Wait until an edit that may be left out would do no harm. Compose it then, so that it is the newest.

        Nothing is kept free for it: what comes next should be its `request`.
        """
        self.waiting_since = self._clock.monotonic()
        try:
            while (delay := self._interim_delay()) > 0:
                await self._clock.sleep(min(delay, LOOK_AGAIN))
        finally:
            self.waiting_since = None

    async def request(self, *, create: bool = False) -> None:
        """Count a request that goes out now. Only trouble holds it up, or the platform's pace of creates."""
        turns = self._bucket.turns(create=create)
        await turns.take(self._clock)
        now = self._clock.monotonic()
        self.last_sent = now
        if turns is self._bucket.edits:
            self._bucket.spend(now)

    def returned(self, seconds: float) -> None:
        """Tell how long the request took: a slow one is a sign of the platform's limit."""
        self._bucket.took(seconds, self._clock.monotonic())

    def limited(self, retry_after: float, *, create: bool = False) -> None:
        """Tell that the request was answered with a 429, and after how many seconds it may be repeated."""
        self._bucket.limited(retry_after, self._clock.monotonic(), create=create)

    def _interim_delay(self) -> float:
        """Seconds until this stream may look again; zero when it is its turn."""
        bucket, now = self._bucket, self._clock.monotonic()
        due = self.last_sent + self._governor.interval(bucket.name)
        wait = max(bucket.edits.pause(now), due - now)
        if wait > 0:
            return wait
        if bucket.edits.waiting:
            return LOOK_AGAIN
        free = bucket.free(now)
        before = sum(1 for other in bucket.streams if other is not self and self._goes_first(other, now))
        return 0.0 if before < free else bucket.next_free(now)

    def _goes_first(self, other: "Stream", now: float) -> bool:
        """Whether `other` waits too, is due, and has waited longer since its last edit."""
        if other.waiting_since is None or other.last_sent + self._governor.interval(self._bucket.name) > now:
            return False
        return (other.last_sent, other.waiting_since) < (self.last_sent, self.waiting_since or now)


@dataclass(slots=True, eq=False)
class _Bucket:
    """What is known of one rate limit."""

    pacing: Pacing
    name: str
    posts: Pacing | None = None
    share: Callable[[], int] = lambda: 1
    streams: list[Stream] = field(default_factory=list[Stream])
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
        if self.posts and create and self._creates:
            spacing = self.posts.window / self.posts.limit * max(1, self.share())
            self._creates.limited(retry_after, now, spacing, self.posts.max_interval)
            return
        told = self._limit is not None and self._window is not None
        spacing = self.window / self.limit * self.sharers(now)
        if self.edits.limited(retry_after, now, spacing, spacing if told else self.pacing.max_interval):
            self._trouble(now)

    def took(self, seconds: float, now: float) -> None:
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
        free = self.interim_limit(now) - len(self.sent)
        if self._remaining is not None and now < self._remaining[1]:
            left = self._remaining[0] - self.pacing.reserve
            free = min(free, math.ceil(left / self.sharers(now)))
        return free

    def spend(self, now: float) -> None:
        self.sent.append(now)
        if self._remaining is not None:
            self._remaining = (self._remaining[0] - 1, self._remaining[1])

    def next_free(self, now: float) -> float:
        """Seconds after which `free` may have grown, at least a little."""
        oldest = self.sent[0] + self.window - now if self.sent else LOOK_AGAIN
        return max(0.01, oldest)

    def at_rest(self, now: float) -> bool:
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
