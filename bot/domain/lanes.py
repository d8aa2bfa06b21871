"""Lanes: one worker at a time works on a thread, proved by a fencing number."""

from bot.domain.deliveries import Delivery
from bot.domain.record import Record
from bot.domain.runs import Run

LEASE_SECONDS = 6.0
"""A process whose last heartbeat is older has lost its lanes."""


class Lease(Record):
    """The right to write a thread's runs, valid until somebody else claims the lane with a higher fence."""

    thread_id: str
    worker_id: str
    fence: int


class Work(Record):
    """The next thing to do in a lane: a run to execute, or one that ended but whose answer is not delivered yet."""

    run: Run
    delivery: Delivery | None
    """None for runs that did not come from a chat."""
    now: float
    """Unix seconds by the database's clock when the work was taken; `Run.expires_at` is by the same clock."""

    @property
    def expired(self) -> bool:
        """Whether the run's time was over when it was taken."""
        return self.run.expires_at is not None and self.now >= self.run.expires_at
