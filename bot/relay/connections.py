"""Who listens to the platforms: this process's share of all connections, taken, kept and given up again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bot.errors import first_of
from bot.ports import Clock, Duties, Enrolment
from bot.relay.contract import Adapter, Reception
from bot.relay.share import PAUSE, Share, State


class Connections:
    """Implements `bot.ports.Activity`.

    Every connection of every platform is a duty. A process takes its fair share of each platform's, gives up what is
    more than that, and takes over what a process left that has died or ended. One platform that cannot be reached keeps
    no other waiting.
    """

    def __init__(
        self,
        adapters: Sequence[Adapter],
        reception_of: Callable[[str], Reception],
        duties: Duties,
        clock: Clock,
        pause: float = PAUSE,
    ) -> None:
        """Connect `adapters`, each to the reception of its platform; what broke is tried again after a `pause`."""
        self.settled = asyncio.Event()
        """Set as soon as every platform is connected here, or all its connections are kept by others that live."""
        self._shares: dict[str, Share] = {}
        for adapter in adapters:
            platform = adapter.capabilities.platform
            reception = reception_of(platform)
            self._shares[platform] = Share(adapter, reception, duties, clock, self._look_whether_settled, pause)

    def states(self) -> Mapping[str, State]:
        """How each platform is connected to this process now."""
        return {platform: share.state for platform, share in self._shares.items()}

    async def work(self, enrolment: Enrolment) -> None:
        """Keep connections until cancelled; then all are left, and whoever lives takes them over.

        Raises:
            OperatorError: a platform refuses a token.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for platform, share in self._shares.items():
                    group.create_task(share.keep(enrolment), name=f"connections {platform}")
        except BaseExceptionGroup as broken:
            raise first_of(broken) from broken

    async def drain(self) -> None:
        """Leave all connections for good and let others have them at once. Events in work are finished before."""
        async with asyncio.TaskGroup() as group:
            for share in self._shares.values():
                group.create_task(share.leave())

    def _look_whether_settled(self) -> None:
        if all(share.state != "connecting" for share in self._shares.values()):
            self.settled.set()
