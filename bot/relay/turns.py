"""Whose request goes next when a platform has said that there are too many: first come, first served, one by one."""

import math
from collections.abc import Callable

from bot.ports import Clock
from bot.relay.contract import Pacing

LOOK_AGAIN = 0.5
"""Most seconds between two looks at a state that can change."""
PATIENCE = 1.1
"""We wait a tenth longer than a platform asks for: its clock and ours differ."""
_TROUBLED = 60.0
"""Seconds after a 429 for which requests take turns."""
_WIDER, _CLOSER = 1.5, 0.9
"""What the spacing is multiplied by after a 429 that came in spite of it, and after every turn that went well."""


class Turns:
    """The requests of one kind in one bucket.

    Without trouble they do not wait, except where a pace is given. After a 429 the first of those that wait goes out
    when the pause is over, as a probe; the others follow at the pace that was learnt.
    """

    def __init__(self, pace: Pacing | None = None, share: Callable[[], int] = lambda: 1) -> None:
        """Begin without trouble; with `pace`, requests keep to it even then, each of `share` processes to its part."""
        self._pace = pace
        self._share = share
        self._spacing = self._own_pace
        self._least = 0.0
        self._waiting: list[object] = []
        self._next_at = -math.inf
        """When the next request may go, if they went out evenly; a burst may run ahead of it."""
        self._pause_until = -math.inf
        self._troubled_until = -math.inf

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    async def take(self, clock: Clock) -> None:
        """Wait for a turn and use it up."""
        ticket = object()
        self._waiting.append(ticket)
        try:
            while (delay := self._delay(clock.monotonic(), self._waiting.index(ticket))) > 0:
                await clock.sleep(min(delay, LOOK_AGAIN))
        finally:
            self._waiting.remove(ticket)
        now = clock.monotonic()
        if now < self._troubled_until:
            self._spacing = max(self._least, self._spacing * _CLOSER)
        elif self._pace:
            self._spacing = self._own_pace
        else:
            return
        self._next_at = max(now, self._next_at) + self._spacing

    def pause(self, now: float) -> float:
        """Seconds for which nothing may go out."""
        return max(0.0, self._pause_until - now)

    def limited(self, retry_after: float, now: float, least: float, most: float) -> bool:
        """Learn from a 429. Returns whether it is news; during a pause it answers a request that was sent before.

        Args:
            retry_after: seconds, as the platform says.
            now: on the clock of `take`.
            least: seconds between two requests that the platform is known to allow.
            most: seconds beyond which nobody waits for a turn because of guesses.
        """
        news = now >= self._pause_until
        pause = retry_after * PATIENCE
        if news:
            again = self._spacing * _WIDER if now < self._troubled_until else 0.0
            self._least = max(least * PATIENCE, self._own_pace)
            self._spacing = min(max(self._least, pause, again), max(most, self._least))
        self._pause_until = max(self._pause_until, now + pause)
        self._next_at = self._pause_until
        self._troubled_until = self._pause_until + _TROUBLED
        return news

    def at_rest(self, now: float) -> bool:
        """Whether there is nothing to remember."""
        return not self._waiting and now >= max(self._troubled_until, self._next_at)

    def _delay(self, now: float, ahead: int) -> float:
        """Seconds until a request may go when so many go before it."""
        spacing = self._spacing
        if now < self._troubled_until:
            at = max(self._pause_until, self._next_at)
        elif self._pace:
            spacing = self._own_pace
            at = self._next_at - (max(1, self._pace.limit // max(1, self._share())) - 1) * spacing
        else:
            return 0.0
        return max(at, now if ahead else at) + ahead * spacing - now

    @property
    def _own_pace(self) -> float:
        """Seconds between two requests of ours, so that all processes together keep to the pace; 0 without one."""
        return PATIENCE * self._pace.window / self._pace.limit * max(1, self._share()) if self._pace else 0.0
