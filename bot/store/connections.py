"""Connections as the aggregates see them: the same `AsyncConnection` on both databases."""

import secrets
from dataclasses import dataclass, field

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
    hears: bool = False
    """Whether the heartbeat's connection can hear what other processes tell."""
    teller: str = field(default_factory=lambda: secrets.token_hex(4))
    """How this process signs what it tells the others."""

    async def close(self) -> None:
        """Close all connections; with SQLite this ends the driver's threads."""
        for engine in (self.reader, self.heart, self.writer):
            await engine.dispose()
