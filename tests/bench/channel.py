"""One chat channel in virtual time, with a rate limit, in which answers grow and are shown by edits.

The channel takes 5 requests per 5 s, as Discord does, and the client library waits inside the call when they are used
up, as discord.py does: what it holds up would have been a 429.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Protocol

from bot.relay.contract import RateSignal

LATENCY = 0.08
"""Seconds of a request, a third more or less."""


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


class Pace(Protocol):
    """When the edits of one answer go out."""

    async def due(self) -> None:
        """Wait until an edit that could be left out may go out."""
        ...

    async def request(self) -> None:
        """A request goes out now."""
        ...

    def learn(self, signal: RateSignal, seconds: float) -> None:
        """What its reply said, and how long it took."""
        ...


@dataclass
class Channel:
    """A bucket with a fixed window, and everything that went through it."""

    chance: random.Random
    limit: int = 5
    window: float = 5.0
    began: float = -1e9
    used: int = 0
    sent: int = 0
    held_up: int = 0

    async def request(self) -> RateSignal:
        """Send, after the wait that the library makes of it. Gives what the reply's headers say."""
        self.held_up += self._full()
        while self._full():  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(self.began + self.window - now())
        self.used += 1
        self.sent += 1
        await asyncio.sleep(LATENCY * self.chance.uniform(2 / 3, 4 / 3))
        reset = max(0.0, self.began + self.window - now())
        return RateSignal(bucket="c", limit=self.limit, remaining=max(0, self.limit - self.used), reset_after=reset)

    def _full(self) -> bool:
        if now() >= self.began + self.window:
            self.began, self.used = now(), 0
        return self.used >= self.limit


@dataclass
class Answer:
    """One answer that grows all the time, and what people saw of it."""

    channel: Channel
    pace: Pace
    final_delay: float = 0.0
    """Seconds from its end to the edit that shows the end."""
    stale_most: float = 0.0
    """The greatest age of what was shown."""
    _stale: float = 0.0
    _watched: float = 0.0
    _shown: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """When it was shown, and when it was composed."""

    @property
    def stale_mean(self) -> float:
        """The age of what was shown, on average over the time."""
        return self._stale / self._watched

    async def write(self, seconds: float) -> None:
        """Grow for so long; post, edit, and show the end."""
        end = now() + seconds
        await self._send(now())
        while now() < end:
            try:
                async with asyncio.timeout_at(end):
                    await self.pace.due()
            except TimeoutError:
                break
            await self._send(now())
        await self._send(end)
        self.final_delay = now() - end

    async def _send(self, composed: float) -> None:
        await self.pace.request()
        sent = now()
        signal = await self.channel.request()
        self.pace.learn(signal, now() - sent)
        self._show(composed)

    def _show(self, composed: float) -> None:
        if self._shown:
            at, made = self._shown[-1]
            self._stale += ((at - made) + (now() - made)) / 2 * (now() - at)
            self._watched += now() - at
            self.stale_most = max(self.stale_most, now() - made)
        self._shown.append((now(), composed))
