"""Stop and expiry: the two reasons to leave a run early, and the regions in which they may strike."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum

from bot.errors import ParleyError
from bot.ports import Clock


class Reason(StrEnum):
    """Why a run is left early."""

    STOPPED = "stopped"
    """A person pressed Stop."""
    EXPIRED = "expired"
    """Its time is over."""


class Interrupted(ParleyError):
    """The run was stopped or has expired."""

    def __init__(self, reason: Reason) -> None:
        """Keep the reason."""
        super().__init__(f"The run was interrupted: {reason}.")
        self.reason = reason


class Interrupt:
    """What interrupts one run. Only code inside `watch` is interrupted; everything else looks at `check`.

    Args:
        clock: measures how much time has passed; what time it is does not matter here.
        remaining: seconds until the run expires, by the database's clock, or None.
    """

    def __init__(self, clock: Clock, remaining: float | None) -> None:
        self._clock = clock
        self._deadline = None if remaining is None else clock.monotonic() + remaining
        self._stopped = False
        self._scope: asyncio.Timeout | None = None

    def stop(self) -> None:
        """Interrupt the run now."""
        self._stopped = True
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    def remaining(self) -> float | None:
        """Seconds until the run expires; None when it never does."""
        return None if self._deadline is None else self._deadline - self._clock.monotonic()

    def check(self) -> None:
        """Leave the run if there is a reason.

        Raises:
            Interrupted: the run was stopped or has expired.
        """
        if self._stopped:
            raise Interrupted(Reason.STOPPED)
        if self._deadline is not None and self._clock.monotonic() >= self._deadline:
            raise Interrupted(Reason.EXPIRED)

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[None]:
        """Interrupt what is awaited inside. The store never tears a write apart; `Broadcast` keeps its events too.

        Raises:
            Interrupted: the run was stopped or has expired, before or meanwhile.
        """
        self.check()
        scope = asyncio.timeout(self.remaining())
        try:
            async with scope:
                self._scope = scope
                yield
        except TimeoutError:
            if scope.expired():
                raise Interrupted(Reason.STOPPED if self._stopped else Reason.EXPIRED) from None
            raise
        finally:
            self._scope = None
