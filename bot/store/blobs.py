"""Bytes by their SHA-256: files beside a SQLite database, rows in PostgreSQL (a hosting company's disk is wiped)."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from bot.errors import StoreUnavailable
from bot.store.connections import Engines, Transaction
from bot.store.schema import blobs
from bot.store.transactions import reading, writing


class Blobs(Protocol):
    """Where a file's bytes are."""

    async def put(self, sha256: str, content: bytes) -> None:
        """Keep the bytes; keeping them twice changes nothing."""
        ...

    async def read(self, sha256: str) -> bytes:
        """The bytes.

        Raises:
            StoreUnavailable: they are gone or cannot be read.
        """
        ...


class DirectoryBlobs:
    """A directory with two levels, `ab/abcdef…`; a file is complete or not there."""

    def __init__(self, directory: Path) -> None:
        """Keep the files under `directory`."""
        self._directory = directory

    async def put(self, sha256: str, content: bytes) -> None:
        """Write the file through a temporary one, down to the disk."""
        try:
            await asyncio.to_thread(self._put, sha256, content)
        except OSError as error:
            raise StoreUnavailable(f"A file cannot be stored: {error}") from error

    async def read(self, sha256: str) -> bytes:
        """Read the file."""
        try:
            return await asyncio.to_thread(self._path(sha256).read_bytes)
        except OSError as error:
            raise StoreUnavailable(f"A stored file cannot be read: {error}") from error

    def _path(self, sha256: str) -> Path:
        return self._directory / sha256[:2] / sha256

    def _put(self, sha256: str, content: bytes) -> None:
        path = self._path(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make a new name survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class TableBlobs:
    """Rows of the table `blobs`."""

    def __init__(self, engines: Engines) -> None:
        """Use these connections."""
        self.engines = engines

    @writing
    async def put(self, tx: Transaction, sha256: str, content: bytes) -> None:
        """Insert the row."""
        await tx.execute(insert(blobs).values(sha256=sha256, content=content).on_conflict_do_nothing())

    @reading
    async def read(self, tx: Transaction, sha256: str) -> bytes:
        """Read the row."""
        content = (await tx.execute(select(blobs.c.content).where(blobs.c.sha256 == sha256))).scalar_one_or_none()
        if content is None:
            raise StoreUnavailable("The content of a stored file is missing in the database.")
        return content
