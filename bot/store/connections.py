"""Connections as the aggregates see them: a transaction that executes statements, the same on both databases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Transaction(Protocol):
    """One transaction, or one connection that only reads."""

    async def execute(self, statement: Executable, parameters: Parameters | None = None, /) -> CursorResult[Any]:
        """Run a statement. The result is read already: it may be kept beyond the next statement."""
        ...


if TYPE_CHECKING:
    Body = Callable[[Transaction], CoroutineType[Any, Any, T]]


class Connections(Protocol):
    """Some connections with one purpose."""

    async def run(self, body: "Body[T]") -> T:
        """Run the body in a transaction, committed when it returns and rolled back when it raises.

        The body awaits nothing but its transaction: with SQLite it runs in the database's thread, in one go.
        """
        ...

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """The same for work that is written without `await`."""
        ...

    async def close(self) -> None:
        """Close them."""
        ...


@dataclass(frozen=True, slots=True)
class Engines:
    """All connections of one process to one database."""

    writer: Connections
    reader: Connections
    heart: Connections
    """A connection of its own for the heartbeat."""
    postgres: bool

    async def close(self) -> None:
        """Close all connections."""
        for connections in {id(one): one for one in (self.reader, self.heart, self.writer)}.values():
            await connections.close()
