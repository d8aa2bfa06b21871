"""Opening the store: address, lock, engines, schema, aggregates."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot import ports
from bot.errors import StoreUnavailable
from bot.store.accounts import Accounts
from bot.store.assistants import Assistants
from bot.store.bells import Bells
from bot.store.blob_files import DirectoryBlobs
from bot.store.blobs import Blobs, TableBlobs
from bot.store.collections import Collections
from bot.store.connections import Engines
from bot.store.corrections import Corrections
from bot.store.deliveries import Deliveries
from bot.store.duties import Duties
from bot.store.feedback import Feedback
from bot.store.files import Files
from bot.store.history import History
from bot.store.installations import Installations
from bot.store.intake import Intake
from bot.store.lanes import Lanes
from bot.store.listening import listen
from bot.store.lockfile import only_process
from bot.store.notes import Notes
from bot.store.places import blob_directory, make_places
from bot.store.postgres import open_postgres, postgres_engine
from bot.store.runs import Runs
from bot.store.same import require_same
from bot.store.sqlite import open_sqlite, sqlite_engine
from bot.store.upgrades import require_usable, upgrade
from bot.store.upkeep import Upkeep
from bot.store.urls import DatabaseAddress, parse_direct_url, parse_url
from bot.store.workers import Workers


@dataclass(slots=True)
class OpenStore:
    """`bot.ports.Store` on one database."""

    intake: ports.Intake
    workers: ports.Workers
    lanes: ports.Lanes
    duties: ports.Duties
    runs: ports.Runs
    history: ports.History
    corrections: ports.Corrections
    deliveries: ports.Deliveries
    assistants: ports.Assistants
    files: ports.Files
    collections: ports.Collections
    notes: ports.Notes
    installations: ports.Installations
    feedback: ports.Feedback
    accounts: ports.Accounts
    upkeep: ports.Upkeep


@asynccontextmanager
async def open_store(
    url: str, data_dir: Path, *, pool_size: int = 4, direct_url: str | None = None
) -> AsyncGenerator[ports.Store, None]:
    """Open the database until the context is left.

    SQLite: takes the lock file, migrates by itself, and frees all lanes, since nobody else can be alive.

    Args:
        url: As in `DATABASE_URL`.
        data_dir: Where files are kept with SQLite.
        pool_size: Connections of this process to PostgreSQL, besides the one for the heartbeat.
        direct_url: As in `DATABASE_DIRECT_URL`: `url` goes through PgBouncer, this one does not.

    Raises:
        SettingsError: the URL is wrong.
        OperatorError: a folder or the file cannot be made, another process uses the SQLite database, the PostgreSQL
            schema is older than this code, or newer code has left a schema on which this one cannot work.
        StoreUnavailable: the database cannot be reached.
    """
    address = parse_url(url)
    direct = parse_direct_url(direct_url, address)
    await asyncio.to_thread(make_places, address, data_dir)
    with only_process(address.file):
        engines = open_postgres(address, direct, pool_size) if address.kind == "postgres" else open_sqlite(address)
        try:
            with first_connection("DATABASE_URL"):
                store = await _prepare(address, engines, data_dir)
            if direct is not None:
                with first_connection("DATABASE_DIRECT_URL"):
                    await require_same(engines)
            yield store
        finally:
            await engines.close()


async def migrate(url: str, data_dir: Path, *, direct_url: str | None = None) -> str:
    """Bring the schema up to date. Returns its revision.

    Args:
        url: As in `DATABASE_URL`.
        data_dir: Where files are kept with SQLite.
        direct_url: As in `DATABASE_DIRECT_URL`; it is then the one that is used.

    Raises:
        SettingsError: the URL is wrong.
        OperatorError: a folder or the file cannot be made, or another process uses the SQLite database.
        StoreUnavailable: the database cannot be reached.
    """
    address = parse_url(url)
    direct = parse_direct_url(direct_url, address)
    await asyncio.to_thread(make_places, address, data_dir)
    with only_process(address.file), first_connection("DATABASE_DIRECT_URL" if direct else "DATABASE_URL"):
        return await _migrate(direct or address)


async def _migrate(address: DatabaseAddress) -> str:
    if address.kind == "postgres":
        engine = postgres_engine(address, 1)
    else:
        engine = sqlite_engine(address, 1, foreign_keys=False)
    try:
        return await upgrade(engine)
    finally:
        await engine.dispose()


async def _prepare(address: DatabaseAddress, engines: Engines, data_dir: Path) -> OpenStore:
    bells = Bells()
    workers = Workers(engines, bells)
    if engines.hears:
        listen(engines, bells)
    if not engines.postgres:
        await (upgrade(engines.writer) if address.file is None else _migrate(address))
    await require_usable(engines.reader)
    if engines.postgres:
        blobs: Blobs = TableBlobs(engines)
    else:
        await workers.dismiss_all()
        blobs = DirectoryBlobs(engines, blob_directory(data_dir))
    return OpenStore(
        intake=Intake(engines, bells),
        workers=workers,
        lanes=Lanes(engines, bells),
        duties=Duties(engines),
        runs=Runs(engines, bells),
        history=History(engines),
        corrections=Corrections(engines, bells),
        deliveries=Deliveries(engines),
        assistants=Assistants(engines),
        files=Files(engines, blobs),
        collections=Collections(engines),
        notes=Notes(engines),
        installations=Installations(engines),
        feedback=Feedback(engines),
        accounts=Accounts(engines),
        upkeep=Upkeep(engines, bells, blobs),
    )


@contextmanager
def first_connection(setting: str) -> Generator[None, None, None]:
    """Name the setting that has to be looked at when the very first connection fails."""
    try:
        yield
    except StoreUnavailable as error:
        raise type(error)(f"{setting}: {error}") from error
