"""Bytes as files in a directory with two levels, `ab/abcdef…`; a file is complete or not there."""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import select

from bot.errors import StoreUnavailable
from bot.store.blobs import Recording
from bot.store.connections import Engines, Transaction
from bot.store.schema import files
from bot.store.transactions import reading, writing

_NEW = ".new-"
_ABANDONED_SECONDS = 86400.0
"""A temporary file that old was left by a process that died."""


class DirectoryBlobs:
    """Files beside a SQLite database."""

    def __init__(self, engines: Engines, directory: Path) -> None:
        """Keep the files under `directory`, and their records there."""
        self.engines = engines
        self._directory = directory
        self._adding: Counter[str] = Counter()
        self._cleaning = asyncio.Lock()
        self._rest: Iterator[Path] = iter(())

    async def add(self, sha256: str, content: bytes, recording: Recording) -> None:
        """Write the file through a temporary one, down to the disk; then the record, so that none is ever empty."""
        async with self._cleaning:
            self._adding[sha256] += 1
        try:
            await asyncio.to_thread(self._put, sha256, content)
            await self._record(recording)
        except OSError as error:
            raise StoreUnavailable(f"A file cannot be stored: {error}") from error
        finally:
            self._adding[sha256] -= 1

    @writing
    async def _record(self, tx: Transaction, recording: Recording) -> None:
        await recording(tx)

    async def read(self, sha256: str) -> bytes:
        """Read the file."""
        try:
            return await asyncio.to_thread(self._path(sha256).read_bytes)
        except OSError as error:
            raise StoreUnavailable(f"A stored file cannot be read: {error}") from error

    async def forget(self, digests: Sequence[str]) -> int:
        """Delete files."""
        return await self._unlink_unnamed([self._path(sha256) for sha256 in digests])

    async def sweep(self, limit: int) -> int:
        """Go on where the last call ended, and delete files."""
        return await self._unlink_unnamed(await asyncio.to_thread(self._next, limit))

    async def _unlink_unnamed(self, paths: Sequence[Path]) -> int:
        async with self._cleaning:  # nobody begins to add the same bytes now
            self._adding = +self._adding  # without those that are through
            adding = set(self._adding)  # before looking for records: whoever is through then has its own
            kept = adding | await self._named([path.name for path in paths])
            return await asyncio.to_thread(_unlink, [path for path in paths if path.name not in kept])

    @reading
    async def _named(self, tx: Transaction, digests: Sequence[str]) -> set[str]:
        return set((await tx.execute(select(files.c.sha256).where(files.c.sha256.in_(digests)))).scalars())

    def _path(self, sha256: str) -> Path:
        return self._directory / sha256[:2] / sha256

    def _next(self, limit: int) -> list[Path]:
        paths = list(islice(self._rest, limit))
        if not paths:
            self._rest = self._candidates()
            paths = list(islice(self._rest, limit))
        return paths

    def _candidates(self) -> Iterator[Path]:
        """All complete files, and the temporary ones that nobody will complete."""
        abandoned = time.time() - _ABANDONED_SECONDS
        for path in self._directory.glob("??/*"):
            if not path.name.startswith(_NEW) or _modified(path) < abandoned:
                yield path

    def _put(self, sha256: str, content: bytes) -> None:
        path = self._path(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_NEW)
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


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # completed or deleted meanwhile
        return time.time()


def _unlink(paths: Sequence[Path]) -> int:
    count = 0
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreUnavailable(f"A stored file cannot be deleted: {error}") from error
        count += 1
    return count


def _sync_directory(directory: Path) -> None:
    """Make a new name survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
