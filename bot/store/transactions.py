"""Transactions around the store's methods, and the one place where driver errors become ours.

A unit of work is never torn apart by cancellation: the caller learns of its cancellation when the unit is through.
So no connection is left in the middle of a statement, and a status that was written stays written.
"""

from __future__ import annotations  # CoroutineType takes type arguments for the type checker only

import re
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import asyncpg
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.errors import StoreRefused, StoreUnavailable
from bot.store.connections import Engines, Transaction
from bot.unbroken import unbroken

P = ParamSpec("P")
T = TypeVar("T")


class Aggregate(Protocol):
    """Anything with the store's engines."""

    engines: Engines


A = TypeVar("A", bound=Aggregate)

if TYPE_CHECKING:
    Method = Callable[Concatenate[A, Transaction, P], CoroutineType[Any, Any, T]]
    Bound = Callable[Concatenate[A, P], CoroutineType[Any, Any, T]]


def writing(method: Method[A, P, T]) -> Bound[A, P, T]:
    """Run the method in one transaction that writes; it is committed when the method returns."""
    return _through(method, lambda engines: engines.writer)


def reading(method: Method[A, P, T]) -> Bound[A, P, T]:
    """Run the method on a connection that only reads; each of its statements sees the newest committed state."""
    return _through(method, lambda engines: engines.reader)


def beating(method: Method[A, P, T]) -> Bound[A, P, T]:
    """Like `writing`, on the connection kept for the heartbeat: a busy pool must not cost the lease."""
    return _through(method, lambda engines: engines.heart)


def _through(method: Method[A, P, T], choose: Callable[[Engines], AsyncEngine]) -> Bound[A, P, T]:
    @wraps(method)
    async def run(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        async def unit() -> T:
            with translated():
                async with choose(self.engines).begin() as tx:
                    return await method(self, tx, *args, **kwargs)

        return await unbroken(unit())

    return run


@contextmanager
def translated() -> Generator[None, None, None]:
    """Turn trouble with the connection into `StoreUnavailable`; mistakes in our SQL stay what they are.

    Raises:
        StoreUnavailable: the database cannot be reached, is overloaded, or gave up the transaction.
    """
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):  # our mistake, not the operator's
        raise
    except DBAPIError as error:
        raise _unavailable("The database could not do its work", error.orig) from error
    except sqlite3.Error as error:  # of BEGIN, which goes to the driver directly
        raise StoreUnavailable(f"The database could not do its work: {error}") from error
    except PoolTimeout as error:
        raise StoreUnavailable("All database connections of this process are busy.") from error
    except asyncpg.PostgresError as error:
        raise _unavailable("The database refused the connection", error) from error
    except (OSError, asyncpg.InterfaceError) as error:
        raise StoreUnavailable(f"The database cannot be reached: {error or type(error).__name__}") from error


_FOR_GOOD = re.compile("28...|3D000")
"""PostgreSQL's states for a wrong user, password or database name (Appendix A, "Error Codes")."""


def _unavailable(what: str, error: BaseException | None) -> StoreUnavailable:
    state: object = getattr(error, "sqlstate", None)
    if "unsupported startup parameter" in str(error):
        return StoreRefused(f"{what}: this is PgBouncer. Set DATABASE_DIRECT_URL, too, past it.")
    kind = StoreRefused if isinstance(state, str) and _FOR_GOOD.fullmatch(state) else StoreUnavailable
    return kind(f"{what}: {error}")
