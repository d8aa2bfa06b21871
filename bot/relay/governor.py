"""How fast chat messages may be edited: one `Governor` a platform, shared by all answers that are being written.

No text is queued. An answer asks for its turn, and when the turn comes it sends the newest text. Interim edits never
use the last requests of a window (`Pacing.reserve`), so that final edits go out at once; only an explicit 429 holds
those up, and then they take turns (`bot.relay.turns`). Creates have turns of their own where a platform limits them
apart. Every state that can change is looked at again at least every half second, so no wait outlives its reason.

A limit belongs to all processes together: each uses its part of it. Where replies tell how much is left, a process that
sees nobody else write to a bucket uses all of it.
"""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager

from bot.ports import Clock
from bot.relay.buckets import Bucket
from bot.relay.contract import Pacing, RateSignal, Terms
from bot.relay.turns import LOOK_AGAIN

ENOUGH = 1_000_000
"""More new characters than any pace asks for."""


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
        self._buckets: dict[str, Bucket] = {}
        self._streams: list[Stream] = []

    @contextmanager
    def stream(self, terms: Terms) -> Generator["Stream"]:
        """One answer that is being written, for as long as it is; `terms` are those of its place."""
        stream = Stream(self, terms, self._clock)
        self._streams.append(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)
            self._sweep()

    def signal(self, signal: RateSignal) -> None:
        """Learn from what a platform's reply said."""
        self.bucket(signal.bucket).learn(signal, self._clock.monotonic())

    def interval(self, bucket: str) -> float:
        """Seconds between two interim edits of one message, now."""
        where = self.bucket(bucket)
        now = self._clock.monotonic()
        since = now - 2 * where.pacing.max_interval
        writing = sum(1 for stream in self.streams_in(where) if stream.writes(since))
        return where.interval(writing, now)

    def bucket(self, name: str, pacing: Pacing | None = None) -> Bucket:
        """What is known of a limit; `pacing` says how to begin when nothing is."""
        if name not in self._buckets:
            self._buckets[name] = Bucket(pacing or self._pacing, name, self._posts, self._share)
        return self._buckets[name]

    def streams_in(self, bucket: Bucket) -> list["Stream"]:
        """The answers whose edits share it."""
        return [stream for stream in self._streams if stream.bucket is bucket]

    @property
    def limits_creates(self) -> bool:
        """Whether creates have a pace of their own."""
        return self._posts is not None

    def _sweep(self) -> None:
        """Forget buckets that nobody writes to and that have nothing to remember."""
        now = self._clock.monotonic()
        used = {id(bucket) for stream in self._streams for bucket in stream.buckets}
        for bucket in [b for b in self._buckets.values() if id(b) not in used and b.at_rest(now)]:
            del self._buckets[bucket.name]


class Stream:
    """The edits of one answer."""

    def __init__(self, governor: Governor, terms: Terms, clock: Clock) -> None:
        """Created by `Governor.stream`."""
        self._governor = governor
        self._clock = clock
        self.bucket = governor.bucket(terms.bucket, terms.pacing)
        """The limit that its edits share now."""
        apart = governor.limits_creates and terms.creates
        self._creates = governor.bucket(terms.creates) if apart else self.bucket
        self.last_sent = -math.inf
        self.waiting_since: float | None = None
        self._news: Callable[[], int] = lambda: ENOUGH

    @property
    def buckets(self) -> tuple[Bucket, Bucket]:
        """All limits that it keeps to."""
        return self.bucket, self._creates

    def follow(self, terms: Terms) -> None:
        """From now on keep to these terms with edits: they are another message's, or the message's have changed."""
        self.bucket = self._governor.bucket(terms.bucket, terms.pacing)

    def writes(self, since: float) -> bool:
        """Whether it waits for a turn or had one since then; an answer that only thinks slows nobody down."""
        return self.waiting_since is not None or self.last_sent > since

    async def due(self, news: Callable[[], int] = lambda: ENOUGH) -> None:
        """Wait until an edit that may be left out would do no harm. Compose it then, so that it is the newest.

        Nothing is kept free for it: what comes next should be its `request`. `news` says how many new characters there
        are to show, and `ENOUGH` when something else has changed.
        """
        self._news = news
        self.waiting_since = self._clock.monotonic()
        try:
            while (delay := self._interim_delay()) > 0:
                await self._clock.sleep(min(delay, LOOK_AGAIN))
        finally:
            self.waiting_since = None

    async def request(self, *, create: bool = False) -> None:
        """Count a request that goes out now. Only trouble holds it up, or the platform's pace of creates."""
        bucket = self._creates if create else self.bucket
        turns = bucket.turns(create=create)
        await turns.take(self._clock)
        now = self._clock.monotonic()
        self.last_sent = now
        if turns is bucket.edits:
            bucket.spend(now)

    def returned(self, seconds: float) -> None:
        """Tell how long the request took: a slow one is a sign of the platform's limit."""
        self.bucket.took(seconds, self._clock.monotonic())

    def limited(self, retry_after: float, *, create: bool = False) -> None:
        """Tell that the request was answered with a 429, and after how many seconds it may be repeated."""
        bucket = self._creates if create else self.bucket
        bucket.limited(retry_after, self._clock.monotonic(), create=create)

    def _interim_delay(self) -> float:
        """Seconds until this stream may look again; zero when it is its turn."""
        bucket, now = self.bucket, self._clock.monotonic()
        if not self._is_worth_it(now):
            return LOOK_AGAIN
        wait = max(bucket.edits.pause(now), self._due_at(now) - now)
        if wait > 0:
            return wait
        if bucket.edits.waiting:
            return LOOK_AGAIN
        free = bucket.free(now)
        before = sum(
            1 for other in self._governor.streams_in(bucket) if other is not self and self._goes_first(other, now)
        )
        return 0.0 if before < free else bucket.next_free(now)

    def _is_worth_it(self, now: float) -> bool:
        """Whether there is enough that is new, or anything at all that was not shown for long."""
        pacing = self.bucket.pacing
        return self._news() >= pacing.least or now >= self.last_sent + pacing.max_interval

    def _due_at(self, now: float) -> float:
        """When the next edit may go out at the even pace, or ahead of it."""
        bucket = self.bucket
        even = self.last_sent + self._governor.interval(bucket.name)
        if bucket.ahead(now) < 1 or self._news() < bucket.pacing.early:
            return even
        return min(even, self.last_sent + bucket.interval(1, now, ahead=True))

    def _goes_first(self, other: "Stream", now: float) -> bool:
        """Whether `other` waits too, is due, and has waited longer since its last edit."""
        if other.waiting_since is None or not other._is_worth_it(now) or other._due_at(now) > now:
            return False
        return (other.last_sent, other.waiting_since) < (self.last_sent, self.waiting_since or now)
