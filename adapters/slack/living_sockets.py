"""Which sockets of this process are connected, to know whether Slack may have said something that nobody heard."""

import time
from collections.abc import Callable


class LivingSockets:
    """The last sign of life of each socket.

    A short gap is Slack's to mend: what it could not deliver it sends again, at once and after a minute.
    """

    def __init__(self, gap: float, missed: Callable[[], None]) -> None:
        """Call `missed` when a socket begins after more than `gap` seconds in which none of them was connected."""
        self._gap = gap
        self._missed = missed
        self._alive: dict[str, float] = {}

    def alive(self, socket: str, ago: float) -> None:
        """A socket showed a sign of life so many seconds ago."""
        self._alive[socket] = max(self._alive.get(socket, 0.0), time.monotonic() - ago)

    def greeted(self, socket: str) -> None:
        """Slack greeted a socket: from here on it is told everything."""
        now = time.monotonic()
        if all(now - alive > self._gap for alive in self._alive.values()):
            self._missed()
        self._alive[socket] = now

    def left(self, socket: str) -> None:
        """A socket ended for good. Whoever comes next knows nothing of what it heard last."""
        self._alive.pop(socket, None)
