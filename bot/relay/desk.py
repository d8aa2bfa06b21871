"""Everything that writing one answer needs, in one record."""

from dataclasses import dataclass

from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease
from bot.domain.runs import Run
from bot.ports import Clock, Store
from bot.relay.contract import Adapter
from bot.relay.governor import Governor
from bot.relay.policy import RelayPolicy


@dataclass(frozen=True, slots=True)
class Desk:
    """One run, where its answer goes, and with what."""

    run: Run
    """As it was when the work on it began."""
    delivery: Delivery
    lease: Lease
    store: Store
    adapter: Adapter
    governor: Governor
    clock: Clock
    policy: RelayPolicy

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.run.id
