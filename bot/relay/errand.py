"""One answer to be brought: of which run, where to, and by which right."""

from dataclasses import dataclass

from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease
from bot.domain.runs import Run


@dataclass(frozen=True, slots=True)
class Errand:
    """A run that came from a chat, with the delivery that it owes."""

    run: Run
    """As it was when the work on it began."""
    delivery: Delivery
    lease: Lease

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.run.id
