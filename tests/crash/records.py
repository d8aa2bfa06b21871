"""What the database says at the end, read beside the bot's own store."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import asyncpg
from sqlalchemy import make_url

_OPEN = """
    SELECT runs.id, runs.status, deliveries.state FROM runs LEFT JOIN deliveries ON deliveries.run_id = runs.id
    WHERE runs.status <> 'completed' OR deliveries.state <> 'delivered'
"""


async def unfinished(database_url: str) -> Sequence[tuple[str, ...]]:
    """Runs that are not completed and delivered, with their status and the delivery's."""
    return await rows(database_url, _OPEN)


async def begins(database_url: str) -> dict[str, int]:
    """How often each call was begun on record, by its idempotency key."""
    calls = await rows(database_url, "SELECT run_id, turn, position, begins FROM tool_calls")
    return {f"{run}:{turn}:{position}": int(times) for run, turn, position, times in calls}


async def rows(database_url: str, query: str) -> Sequence[tuple[str, ...]]:
    """All rows of a query."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    postgres = await asyncpg.connect(database_url)
    try:
        return [tuple(row) for row in await postgres.fetch(query)]
    finally:
        await postgres.close()
