"""Requests that a platform or a browser sends to the bot: what an adapter answers, in words of no web framework.

One server of the process takes every request, reads it within bounds and hands it to the route that knows its path.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from bot.domain.record import Record
from bot.relay.contract.reception import Reception


class WebRequest(Record):
    """A request that was read to its end."""

    method: str
    path: str
    query: Mapping[str, str] = Field(default_factory=dict)
    """The first value of each name."""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Names in lower case; values of one that came several times are joined by a comma, so none can be smuggled in."""
    body: bytes = Field(default=b"", repr=False)


class WebReply(Record):
    """An answer."""

    status: int = 200
    body: str = Field(default="", repr=False)
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = Field(default=(), repr=False)
    """Further ones, several of one name if need be (`Set-Cookie`)."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers one path.

    What is larger or comes slower is refused before it gets here. An error that leaves `handle` becomes a 500 with a
    short incident id, and its traceback is in the log.
    """

    method: Literal["GET", "POST"]
    path: str
    """Exactly."""
    handle: Callable[[WebRequest], Awaitable[WebReply]]
    largest: int = 1_048_576
    """Bytes of a body."""
    within: float = 3.0
    """Seconds for a body to arrive."""


@runtime_checkable
class Webhooks(Protocol):
    """What an adapter offers besides `Adapter` when its platform sends requests. Every receiving process serves it."""

    def webhooks(self, reception: Reception) -> AbstractAsyncContextManager[Sequence[Route]]:
        """Take requests and hand what they say to `reception`, until the context is left. No routes: nothing comes so.

        Entered when requests can be dealt with; until then the server asks to come again. On leaving, requests in work
        have been answered already.

        Raises:
            OperatorError: a token is refused; the text names the variable.
        """
        ...
