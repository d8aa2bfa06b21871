"""Lanes: one worker at a time works on a thread, proved by a fencing number."""

from bot.domain.deliveries import Delivery
from bot.domain.record import Record
from bot.domain.runs import Run, RunStatus

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
    def remaining(self) -> float | None:
        """Seconds that the run had left when it was taken; None when it never expires.

        A run that waits for its turn loses no time by that: whoever is behind a long answer, or behind a question that
        somebody does not decide, still gets theirs.
        """
        run = self.run
        if run.expires_at is None:
            return None
        waiting = run.status is RunStatus.QUEUED and run.started_at is None
        return run.expires_at - (run.created_at if waiting else self.now)

    @property
    def expired(self) -> bool:
        """Whether the run's time was over when it was taken."""
        return self.remaining is not None and self.remaining <= 0
