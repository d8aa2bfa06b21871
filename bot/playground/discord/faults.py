"""Trouble on demand: answers that fail, connections that break, dispatches that come twice or not at all."""

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "429",  # with all headers, scope "user"
    "429_shared",  # somebody else used the bucket up; does not count as an invalid request
    "429_html",  # Cloudflare's: HTML and no Via header
    "500",
    "502",
    "503",
    "504",
    "160006",  # too many active threads
    "10062",  # "Unknown interaction"; with `after`, it did take effect
    "slow",
    "cut_before",  # the connection breaks and nothing has happened
    "cut_after",  # the connection breaks after the effect
    "duplicate",  # gateway: the dispatch comes twice
    "late",  # gateway: the dispatch comes `seconds` later
    "lost",  # gateway: the dispatch never comes, not even on RESUME
    "malformed",  # gateway: the dispatch comes without most of its fields
]


@dataclass(slots=True)
class Fault:
    """Trouble for the next requests of one route, or the next dispatches of one event."""

    route: str
    kind: FaultKind
    left: int
    after: bool
    """The request takes effect before the failing answer."""
    seconds: float


class Faults:
    """The list of trouble to come."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def add(self, route: str, kind: FaultKind, count: int = 1, *, after: bool = False, seconds: float = 1.0) -> None:
        """Plan trouble.

        Args:
            route: `POST /channels/{channel_id}/messages` as the OpenAPI file writes it, a gateway event such as
                `MESSAGE_CREATE`, `GET /attachments` for downloads, or `*` for every request of the API.
            kind: What happens.
            count: How often.
            after: For statuses: the request takes effect all the same.
            seconds: How long `slow` and `late` wait, and what a 429 asks for.
        """
        self._planned.append(Fault(route, kind, count, after or kind == "cut_after", seconds))

    def clear(self) -> None:
        """Forget what was planned."""
        self._planned.clear()

    def take(self, route: str) -> Fault | None:
        """The next trouble for a request or dispatch, used up by one."""
        for fault in self._planned:
            if fault.route == route or (fault.route == "*" and " " in route):
                fault.left -= 1
                if not fault.left:
                    self._planned.remove(fault)
                return fault
        return None
