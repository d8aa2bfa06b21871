"""PostgreSQL: a small pool under READ COMMITTED, which the lanes are built on, and one connection for the heartbeat."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.connections import Engines
from bot.store.urls import DatabaseAddress

if TYPE_CHECKING:
    from bot.store.connections import Body

_POOL_SECONDS = 30.0
_COMMAND_SECONDS = 25.0
_SETTINGS = {"lock_timeout": "10000", "statement_timeout": "20000", "timezone": "UTC"}
T = TypeVar("T")


def open_postgres(address: DatabaseAddress, pool_size: int) -> Engines:
    """At most `pool_size` connections to write and read, and the heartbeat's."""
    pool = postgres_engine(address, pool_size)
    autocommit = pool.execution_options(isolation_level="AUTOCOMMIT")  # the same pool, without BEGIN and ROLLBACK
    return Engines(
        writer=PostgresConnections(pool),
        reader=PostgresConnections(autocommit),
        heart=PostgresConnections(postgres_engine(address, 1)),
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


class PostgresConnections:
    """`bot.store.connections.Connections` to one PostgreSQL database."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use this engine's pool."""
        self._engine = engine

    async def run(self, body: "Body[T]") -> T:
        """Run the body in a transaction."""
        async with self._engine.begin() as connection:
            return await body(connection)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """Run the work in a transaction."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()
