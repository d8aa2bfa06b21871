"""Bytes by their SHA-256: files beside a SQLite database, rows in PostgreSQL (a hosting company's disk is wiped).

Bytes and the record that names them are added so that no cleaning can come in between: PostgreSQL writes both in one
transaction that locks the row of the bytes; beside SQLite, whose only process we are, cleaning leaves out what is
being added.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from bot.errors import StoreUnavailable
from bot.store.connections import Engines, Transaction
from bot.store.schema import blobs, files
from bot.store.transactions import reading, writing

Recording = Callable[[Transaction], Awaitable[None]]
"""Writes the record that names the bytes."""


class Blobs(Protocol):
    """Where a file's bytes are."""

    async def add(self, sha256: str, content: bytes, recording: Recording) -> None:
        """Keep the bytes, and then their record; keeping bytes twice changes nothing.

        Raises:
            StoreUnavailable: they cannot be kept.
        """
        ...

    async def read(self, sha256: str) -> bytes:
        """The bytes.

        Raises:
            StoreUnavailable: they are gone or cannot be read.
        """
        ...

    async def forget(self, digests: Sequence[str]) -> int:
        """Delete those of these bytes that no record names. Returns how many."""
        ...

    async def sweep(self, limit: int) -> int:
        """Look for bytes that no record names, and delete at most `limit`. Returns how many."""
        ...


def named(sha256: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a record names the bytes."""
    return exists().where(files.c.sha256 == sha256)


class TableBlobs:
    """Rows of the table `blobs`."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @writing
    async def add(self, tx: Transaction, sha256: str, content: bytes, recording: Recording) -> None:
        """Insert both rows. Bytes that are there already are locked, so that nobody deletes them meanwhile."""
        statement = insert(blobs).values(sha256=sha256, content=content)
        same = {"sha256": statement.excluded.sha256}
        await tx.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_=same))
        await recording(tx)

    @reading
    async def read(self, tx: Transaction, sha256: str) -> bytes:
        """Read the row."""
        content = (await tx.execute(select(blobs.c.content).where(blobs.c.sha256 == sha256))).scalar_one_or_none()
        if content is None:
            raise StoreUnavailable("The content of a stored file is missing in the database.")
        return content

    @writing
    async def forget(self, tx: Transaction, digests: Sequence[str]) -> int:
        """Delete rows."""
        return await _forget(tx, select(blobs.c.sha256).where(blobs.c.sha256.in_(digests)))

    @writing
    async def sweep(self, tx: Transaction, limit: int) -> int:
        """Delete rows."""
        return await _forget(tx, select(blobs.c.sha256).where(~named(blobs.c.sha256)).limit(limit))


async def _forget(tx: Transaction, some: Select[Any]) -> int:
    """Lock first, look then: a record that was added before the lock is seen, a later one waits and adds the bytes."""
    locked = (await tx.execute(some.with_for_update(of=blobs, skip_locked=True))).scalars().all()
    statement = delete(blobs).where(blobs.c.sha256.in_(locked), ~named(blobs.c.sha256)).returning(blobs.c.sha256)
    return len((await tx.execute(statement)).all())
