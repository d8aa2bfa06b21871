"""Bringing the schema up to date, with Alembic on our connections; the migrations are in `bot/store/migrations/`.

While a new version is deployed, processes of the old one still run. So a migration only adds, and what it leaves unused
is taken away one version later, when nobody needs it. Such a contracting migration says so: it writes the oldest
revision whose code can still work into the note `SCHEMA_FLOOR`. Code starts on any schema that is not older than its
own and whose floor it knows.
"""

import asyncio
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.errors import OperatorError
from bot.store.schema import notes
from bot.store.transactions import translated

SCHEMA_FLOOR: Final = "schema floor"
"""Name of the note; without it, all code can work that ever could."""

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 7_291_846_530
"""Any number of our own: PostgreSQL's advisory lock that lets one process migrate at a time."""
_SIGNS_OF_LIFE = {"workers", "duties"}
"""Tables that are not locked beforehand: whoever cannot write there for long counts as dead."""
_WAIT = "500ms"
"""How long the tables are waited for at a time: less than the second after which PostgreSQL looks for circles."""
_TRIES = 240
_CANCELLED = "57014"
"""PostgreSQL's code of a statement that took too long."""


def newest_revision() -> str:
    """The revision that this code is written for. Reads files."""
    return _revisions()[0]


async def upgrade(engine: AsyncEngine, revision: str | None = None) -> str:
    """Run the migrations that are missing, in one transaction. A schema of newer code stays as it is.

    Args:
        engine: The database.
        revision: Only up to this one.

    Returns:
        The schema's revision.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    revisions = await asyncio.to_thread(_revisions)
    with translated():
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade, revision or revisions[0], revisions)


async def require_usable(engine: AsyncEngine) -> None:
    """Refuse to work on a schema that this code does not fit.

    Raises:
        OperatorError: the migrations have not been run, or newer code has taken away what this one needs.
        StoreUnavailable: the database cannot be reached.
    """
    _, reason = await state_of(engine)
    if reason is not None:
        raise OperatorError(reason)


async def state_of(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """The schema's revision, if there is a schema, and why this code cannot work on it, if it cannot.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    revisions = await asyncio.to_thread(_revisions)
    with translated():
        async with engine.begin() as connection:
            found = await connection.run_sync(_revision)
            return found, await connection.run_sync(_why_not, revisions)


def _revisions() -> tuple[str, ...]:
    """All revisions that this code knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions())


def _why_not(connection: Connection, revisions: tuple[str, ...]) -> str | None:
    """Why this code cannot work here, or None when it can."""
    found = _revision(connection)
    if found is None:
        return "The database has no tables yet: run `python -m bot migrate`."
    if found == revisions[0]:
        return None
    if not _newer(found, revisions):
        return f"The database is at revision {found}, not {revisions[0]}: run `python -m bot migrate`."
    floor = connection.execute(select(notes.c.value).where(notes.c.name == SCHEMA_FLOOR)).scalar_one_or_none()
    if floor is None or floor in revisions:
        return None
    return f"The database is at revision {found}, for which this version of Parley is too old: deploy the newer one."


def _newer(found: str, revisions: tuple[str, ...]) -> bool:
    """Whether newer code has been here. Revisions are numbers of four digits."""
    return found not in revisions and found > revisions[0]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, wanted: str, revisions: tuple[str, ...]) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = _revision(connection)
    if found is not None and (found == wanted or _newer(found, revisions)):
        return found
    if connection.dialect.name == "postgresql":
        _lock_tables(connection)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, wanted)
    return wanted


def _lock_tables(connection: Connection) -> None:
    """Lock what there is before anything is changed, so that no migration meets a transaction half-way.

    Others take the same tables in other orders. So whoever would be waited for in a circle is let pass: all that was
    locked is given back, and tried again.
    """
    quoted = connection.dialect.identifier_preparer.quote
    names = sorted(set(inspect(connection).get_table_names()) - _SIGNS_OF_LIFE)
    if not names:
        return
    lock = text(f"LOCK TABLE {', '.join(quoted(name) for name in names)} IN ACCESS EXCLUSIVE MODE")
    limit = text("SELECT set_config('statement_timeout', :limit, true)")
    usual = connection.execute(text("SHOW statement_timeout")).scalar_one()
    for left in reversed(range(_TRIES)):
        try:
            with connection.begin_nested():
                connection.execute(limit, {"limit": _WAIT})
                connection.execute(lock)
                connection.execute(limit, {"limit": usual})
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED or not left:
                raise
        else:
            return
