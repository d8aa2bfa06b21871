"""PostgreSQL: a small pool under READ COMMITTED, which the lanes are built on, and one connection for the heartbeat."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.connections import Engines
from bot.store.urls import DatabaseAddress

_POOL_SECONDS = 30.0
_COMMAND_SECONDS = 25.0
_SETTINGS = {"lock_timeout": "10000", "statement_timeout": "20000", "timezone": "UTC"}


def open_postgres(address: DatabaseAddress, pool_size: int) -> Engines:
    """At most `pool_size` connections to write and read, and the heartbeat's."""
    pool = postgres_engine(address, pool_size)
    autocommit = pool.execution_options(isolation_level="AUTOCOMMIT")  # the same pool, without BEGIN and ROLLBACK
    return Engines(
        writer=pool,
        reader=autocommit,
        heart=postgres_engine(address, 1),
        postgres=True,
    )


def postgres_engine(address: DatabaseAddress, count: int) -> AsyncEngine:
    """An engine with at most `count` connections, opened when they are needed and tried before they are used."""
    arguments: dict[str, Any] = {"command_timeout": _COMMAND_SECONDS, **address.connect_args}
    arguments["server_settings"] = {**_SETTINGS, **arguments["server_settings"]}
    return create_async_engine(
        address.url,
        connect_args=arguments,
        isolation_level="READ COMMITTED",
        pool_size=count,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
    )
