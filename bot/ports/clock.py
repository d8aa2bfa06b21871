"""Time, as a door of its own."""

from typing import Protocol


class Clock(Protocol):
    """Time, so that pacing and expiry can be tested without waiting."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
