"""Adapters for tests in which time passes faster: what platforms say about seconds is translated for the relay.

With `speed` a real second is so many seconds for the relay, which has a `FastClock(speed)`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from adapters.discord import DiscordAdapter
from adapters.slack import SlackAdapter
from bot.domain.deliveries import Address
from bot.errors import RateLimited
from bot.relay.contract import Outbound, Posted, RateSignal, Terms


class HastenedSlack(SlackAdapter):
    """Slack, which says only after how many seconds a request may be repeated."""

    speed = 1.0

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        with _longer_waits(self.speed):
            return await super().post(address, outbound, key)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> Terms | None:
        with _longer_waits(self.speed):
            return await super().edit(address, ref, outbound)


class HastenedDiscord(DiscordAdapter):
    """Discord, whose every reply says how much is left."""

    speed = 1.0

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        super().on_limits(lambda signal: tell(_longer(signal, self.speed)))

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        with _longer_waits(self.speed):
            return await super().post(address, outbound, key)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> None:
        with _longer_waits(self.speed):
            await super().edit(address, ref, outbound)


def _longer(signal: RateSignal, speed: float) -> RateSignal:
    reset, retry = signal.reset_after, signal.retry_after
    return RateSignal(
        bucket=signal.bucket,
        limit=signal.limit,
        remaining=signal.remaining,
        reset_after=None if reset is None else reset * speed,
        retry_after=None if retry is None else retry * speed,
    )


@contextmanager
def _longer_waits(speed: float) -> Generator[None]:
    try:
        yield
    except RateLimited as limited:
        raise RateLimited(limited.retry_after * speed, str(limited)) from limited
