"""One answer to be brought: of which run, where to, and by which right."""

from dataclasses import dataclass

from bot.domain.deliveries import Delivery
from bot.domain.lanes import Lease
from bot.domain.runs import Run, RunStatus


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

    @property
    def untouched(self) -> bool:
        """Whether nobody has begun to work on the run: then it has no calls, no text and no messages in the chat."""
        return self.run.status is RunStatus.QUEUED and self.run.started_at is None and self.run.version == 1
