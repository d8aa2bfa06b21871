"""File records, and the way to their bytes."""

import asyncio
import hashlib
import time

from sqlalchemy import select

from bot.domain.files import File
from bot.domain.ids import new_id
from bot.store.blobs import Blobs
from bot.store.connections import Engines, Transaction
from bot.store.rows import record, store
from bot.store.schema import files
from bot.store.text import clean
from bot.store.transactions import reading, writing


class Files:
    """`bot.ports.Files` on both databases."""

    def __init__(self, engines: Engines, blobs: Blobs) -> None:
        """Use these connections, and keep the bytes there."""
        self.engines = engines
        self._blobs = blobs

    async def add(self, filename: str, content: bytes, media_type: str, purpose: str = "assistants") -> File:
        """Store content under its SHA-256 and a file record that names it. Bytes first: a record is never empty."""
        digest = await asyncio.to_thread(hashlib.sha256, content)
        fields = {
            "id": new_id("file-"),
            "created_at": int(time.time()),
            "filename": clean(filename),
            "bytes": len(content),
            "sha256": digest.hexdigest(),
            "media_type": media_type,
            "purpose": purpose,
        }
        file = File.model_validate(fields)
        await self._blobs.put(file.sha256, content)
        await self._store(file)
        return file

    @writing
    async def _store(self, tx: Transaction, file: File) -> None:
        await store(tx, files, file)

    @reading
    async def get(self, tx: Transaction, file_id: str) -> File | None:
        """One file record."""
        row = (await tx.execute(select(files).where(files.c.id == file_id))).mappings().first()
        return None if row is None else record(File, row)

    async def read(self, file: File) -> bytes:
        """The file's bytes."""
        return await self._blobs.read(file.sha256)
