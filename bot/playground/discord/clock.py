"""Time of the stand-in server, which tests can push forward, and the ids that are made of it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

_EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015, where Discord's ids begin to count."""


class Clock:
    """The real time plus what tests added."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once: tokens, addresses and windows grow older."""
        self._ahead += seconds


class Snowflakes:
    """Ids that sort by creation, like the originals."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def new(self, fits: Callable[[int], bool] = lambda _: True) -> str:
        """A fresh id of this moment, greater than all before; of the first millisecond that `fits`."""
        moment = (int(self._clock.now() * 1000) - _EPOCH_MS) << 22
        self._last = max(moment, self._last + 1)
        while not fits(self._last >> 22):
            self._last = ((self._last >> 22) + 1) << 22
        return str(self._last)


def snowflake_time(snowflake: str) -> float:
    """When an id was made, in Unix seconds."""
    return ((int(snowflake) >> 22) + _EPOCH_MS) / 1000


def timestamp(moment: float) -> str:
    """A moment as Discord writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
