"""Who works on what: processes with a heartbeat, the lanes of threads, and duties."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.duties import Duty
from bot.domain.lanes import Lease, Work
from bot.domain.workers import Present, Role


class Workers(Protocol):
    """The heartbeat rows of all processes, on the database's clock. One row per enrolment, under an id of its own."""

    async def enrol(self, worker_id: str, role: Role) -> Present:
        """Write this process's heartbeat row."""
        ...

    async def beat(self, worker_id: str) -> Present:
        """Renew the heartbeat and free the lanes of dead processes. Returns who is there.

        Raises:
            Fenced: the row is gone; the process must start again under a new id.
        """
        ...

    async def retire(self, worker_id: str) -> None:
        """Say that this process is about to end: it claims nothing more and counts no longer as present."""
        ...

    async def leave(self, worker_id: str) -> int:
        """Free all lanes and duties of this worker, wake whoever can go on with them, and remove its row.

        Returns how many lanes it had.
        """
        ...


class Lanes(Protocol):
    """Who works on which thread."""

    async def claim(self, worker_id: str, limit: int, platforms: Sequence[str] | None = None) -> tuple[Lease, ...]:
        """Take at most `limit` lanes that are ready and due. A worker without a living row gets none.

        With `platforms`, only lanes of chats on these, and those that came from no chat: an answer that cannot be
        brought home is better left to somebody who can.
        """
        ...

    async def next_work(self, lease: Lease) -> Work | None:
        """The lane's first unfinished run in order of acceptance; None, and the lane is free, when none is due.

        A run that waits for a person or for its caller (`requires_action`) is not due before it expires.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give a lane back though there may be something to do in it, and wake whoever can go on with it.

        Nothing happens when it is not ours any more.
        """
        ...

    async def wait(self, seconds: float) -> None:
        """Return as soon as there may be something to claim, whichever process made it so, or after `seconds`."""
        ...


class Duties(Protocol):
    """Who keeps which connection and does which periodic job."""

    async def take(self, worker_id: str, names: Sequence[str], limit: int) -> tuple[Duty, ...]:
        """Take at most `limit` of these that are due and that no living process has. Unknown names come into being.

        A worker without a living row, or one that retires, gets none.
        """
        ...

    async def give_up(self, duty: Duty, rest: float = 0.0) -> None:
        """Let go of a duty that is still ours; it is due again `rest` seconds from now."""
        ...
