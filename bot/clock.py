"""The real clock."""

import asyncio
import time

_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux only


class SystemClock:
    """Implements `bot.ports.Clock` with the machine's time."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back and count while the machine sleeps, so that a lease is known to have run out."""
        return time.clock_gettime(_BOOT) if _BOOT is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
