"""SQLite: one writer, whose pool is the queue in front of the file, readers, and the heartbeat's own connection."""

import sqlite3
from typing import cast

from sqlalchemy import AdaptedConnection, AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolResetState

from bot.errors import OperatorError
from bot.store.connections import Engines
from bot.store.urls import DatabaseAddress

_OLDEST = (3, 35, 0)
"""RETURNING and MATERIALIZED."""
_BUSY_SECONDS = 10.0


def open_sqlite(address: DatabaseAddress) -> Engines:
    """One writer, two readers, and the heartbeat's connection.

    Raises:
        OperatorError: this Python was built with a SQLite that is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise OperatorError(f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}.")
    writer = sqlite_engine(address, 1)
    if address.file is None:  # every connection to :memory: would be a database of its own
        return Engines(writer, writer, writer, postgres=False)
    reader = sqlite_engine(address, 2, read_only=True)
    return Engines(writer, reader, sqlite_engine(address, 1), postgres=False)


def sqlite_engine(
    address: DatabaseAddress, count: int, *, read_only: bool = False, foreign_keys: bool = True
) -> AsyncEngine:
    """An engine with at most `count` connections, given out first come, first served.

    Args:
        address: The database.
        count: So many connections, each with its thread.
        read_only: Refuse to write, and open no transactions.
        foreign_keys: Off for migrations, which rebuild tables.
    """
    engine = create_async_engine(
        address.url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=count,
        max_overflow=0,
        pool_reset_on_return=None,  # `on_reset` does it
        hide_parameters=True,  # they are what people said, and errors end up in logs
        # Without an isolation level the driver begins nothing by itself. It would begin no transaction for a SELECT,
        # and read-change-write transactions would lose updates.
        connect_args={"isolation_level": None, "timeout": _BUSY_SECONDS},
    )
    pragmas = (
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;"  # NORMAL would survive a killed process but not a power cut
        f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'};"
        f"PRAGMA query_only={'ON' if read_only else 'OFF'};"
    )

    def on_connect(connection: AdaptedConnection, _record: object) -> None:
        connection.run_async(lambda driver: driver.executescript(pragmas))

    def on_begin(connection: Connection) -> None:
        adapted = cast("AdaptedConnection", connection.connection.dbapi_connection)
        adapted.run_async(lambda driver: driver.execute("BEGIN IMMEDIATE"))  # one wait instead of three

    def on_reset(connection: AdaptedConnection, _record: object, state: PoolResetState) -> None:
        # Open only after a COMMIT that failed: else a ROLLBACK would be one more wait for nothing.
        if not state.terminate_only and connection.driver_connection.in_transaction:
            connection.run_async(lambda driver: driver.rollback())

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "reset", on_reset)
    if not read_only:
        event.listen(engine.sync_engine, "begin", on_begin)
    return engine
