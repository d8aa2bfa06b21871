"""Bringing the schema up to date, with Alembic on our connections; the migrations are in `bot/store/migrations/`."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.errors import OperatorError
from bot.store.transactions import translated

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 7_291_846_530
"""Any number of our own: PostgreSQL's advisory lock that lets one process migrate at a time."""


def newest_revision() -> str:
    """The revision that this code is written for. Reads files."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if head is None:
        raise RuntimeError("There is no migration.")
    return head


async def upgrade(engine: AsyncEngine, revision: str | None = None) -> str:
    """Run the migrations that are missing, in one transaction. Returns the revision.

    Args:
        engine: The database.
        revision: Only up to this one.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    wanted = revision or await asyncio.to_thread(newest_revision)
    with translated():
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, wanted)
    return wanted


async def require_newest(engine: AsyncEngine) -> None:
    """Refuse to work on another schema than the newest.

    Raises:
        OperatorError: the migrations have not been run, or newer code has run its own.
        StoreUnavailable: the database cannot be reached.
    """
    newest = await asyncio.to_thread(newest_revision)
    with translated():
        async with engine.begin() as connection:
            found = await connection.run_sync(_revision)
    if found != newest:
        state = "has no tables yet" if found is None else f"is at revision {found}, not {newest}"
        raise OperatorError(f"The database {state}: run `python -m bot migrate`.")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, wanted: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if _revision(connection) == wanted:
        return
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, wanted)
