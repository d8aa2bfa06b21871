"""PostgreSQL: a small pool under READ COMMITTED, which the lanes are built on, and one connection for the heartbeat."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.connections import Engines
from bot.store.pgbouncer import pooled_arguments
from bot.store.urls import DatabaseAddress

_POOL_SECONDS = 30.0
_COMMAND_SECONDS = 25.0
_RECYCLE_SECONDS = 240
"""A proxy in front of a hosted database may drop a connection after five minutes without work, or after ten in any
case."""
_LIMITS = {"lock_timeout": "10000", "statement_timeout": "20000"}
_SETTINGS = {"timezone": "UTC"}


def open_postgres(address: DatabaseAddress, direct: DatabaseAddress | None, pool_size: int) -> Engines:
    """At most `pool_size` connections to write and read, and the heartbeat's, on which other processes are heard.

    Args:
        address: The database, possibly through PgBouncer.
        direct: The database without PgBouncer, for the heartbeat; None when `address` is direct.
        pool_size: Connections besides the heartbeat's.
    """
    pooled = direct is not None or address.pooled
    pool = postgres_engine(address, pool_size, pooled=pooled)
    # Directly, reads need no transaction: the same pool, without BEGIN and ROLLBACK. Through PgBouncer they do: it
    # may give each half of a statement to another connection.
    reader = pool if pooled else pool.execution_options(isolation_level="AUTOCOMMIT")
    heart = postgres_engine(direct or address, 1, purpose=" heartbeat")
    return Engines(writer=pool, reader=reader, heart=heart, postgres=True, hears=direct is not None or not pooled)


def postgres_engine(
    address: DatabaseAddress, count: int, *, pooled: bool | None = None, purpose: str = ""
) -> AsyncEngine:
    """An engine with at most `count` connections, opened when they are needed and tried before they are used.

    Args:
        address: The database.
        count: So many connections.
        pooled: PgBouncer lends a connection for each transaction; None = as the address says.
        purpose: Added to the name under which PostgreSQL lists the connections.
    """
    arguments: dict[str, Any] = {"command_timeout": _COMMAND_SECONDS, **address.connect_args}
    settings: dict[str, str] = {**_SETTINGS, **arguments["server_settings"]}
    settings["application_name"] += purpose
    if address.pooled if pooled is None else pooled:
        arguments |= pooled_arguments(_LIMITS)
    else:
        settings |= _LIMITS
    return create_async_engine(
        address.url,
        connect_args={**arguments, "server_settings": settings},
        isolation_level="READ COMMITTED",
        pool_size=count,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        hide_parameters=True,  # they are what people said, and errors end up in logs
    )
