"""What a process does for as long as it is enrolled."""

from typing import Protocol

from bot.domain.workers import Present


class Enrolment(Protocol):
    """One enrolment of this process, from its first beat to its end."""

    @property
    def worker_id(self) -> str:
        """Under which lanes and duties are held."""
        ...

    @property
    def fresh(self) -> bool:
        """Whether the lease still holds, by our own clock."""
        ...

    @property
    def ending(self) -> bool:
        """Whether the process was told to stop: nothing more is begun, and `Activity.drain` follows."""
        ...

    @property
    def present(self) -> Present:
        """Who was there at the last beat."""
        ...


class Activity(Protocol):
    """One kind of work: claiming lanes, keeping connections, doing periodic jobs."""

    async def work(self, enrolment: Enrolment) -> None:
        """Work until cancelled. When that happens, everything that was begun is broken off.

        Raises:
            OperatorError: it can never work; the process ends with this message (`StoreUnavailable` only ends the
                enrolment).
        """
        ...

    async def drain(self) -> None:
        """Begin nothing more, and return when what was begun is finished. `work` goes on meanwhile."""
        ...
