"""Migrated, empty databases of both kinds for one benchmark each."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bot.store import migrate
from tests.support.databases import postgres_database, sqlite_url, why_no_postgres

Kind = Literal["sqlite", "postgres"]


@cache
def kinds() -> tuple[Kind, ...]:
    """SQLite, and PostgreSQL when there is a server."""
    return ("sqlite",) if why_no_postgres() else ("sqlite", "postgres")


@contextmanager
def database(kind: Kind) -> Generator[tuple[str, Path]]:
    """The URL of a migrated database and a folder for files; both are gone afterwards.

    Call it before an event loop runs.
    """
    with TemporaryDirectory(prefix="parley-bench-") as name:
        folder = Path(name)
        if kind == "sqlite":
            url = sqlite_url(folder)
            asyncio.run(migrate(url, folder))
            yield url, folder
        else:
            with postgres_database() as url:
                asyncio.run(migrate(url, folder))
                yield url, folder
