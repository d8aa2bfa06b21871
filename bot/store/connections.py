"""Connections as the aggregates see them: the same `AsyncConnection` on both databases."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Transaction = AsyncConnection
"""One transaction, or one connection that only reads."""


@dataclass(frozen=True, slots=True)
class Engines:
    """All connections of one process to one database."""

    writer: AsyncEngine
    reader: AsyncEngine
    heart: AsyncEngine
    """A connection of its own for the heartbeat."""
    postgres: bool

    async def close(self) -> None:
        """Close all connections; with SQLite this ends the driver's threads."""
        for engine in (self.reader, self.heart, self.writer):
            await engine.dispose()
