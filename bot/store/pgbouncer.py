"""PostgreSQL behind PgBouncer in transaction mode, which lends a server's connection for one transaction at a time.

What outlives a transaction is therefore left out: named statements, and settings of the connection. PgBouncer refuses a
connection that asks for time limits when it begins; so every transaction sets them itself, and since they go out
together with its BEGIN, they cost nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:

    class _Connection:  # asyncpg has no types
        async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...

else:
    _Connection = asyncpg.Connection


def pooled_arguments(limits: Mapping[str, str]) -> dict[str, Any]:
    """Arguments for the driver.

    Args:
        limits: Settings that every transaction has.
    """
    settings = " ".join(f"SET LOCAL {name} = '{value}';" for name, value in limits.items())

    class PooledConnection(_Connection):
        async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
            if query.startswith("BEGIN"):
                query = f"{query} {settings}"
            return await super().execute(query, *args, timeout=timeout)

    return {
        "connection_class": PooledConnection,
        "statement_cache_size": 0,  # as numbers: in a URL they would be text, which the driver refuses
        "prepared_statement_cache_size": 0,
    }
