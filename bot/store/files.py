"""File records, and the way to their bytes."""

import asyncio
import hashlib
import time
from collections.abc import Iterable

from sqlalchemy import select

from bot.domain.files import File
from bot.domain.ids import new_id
from bot.domain.messages import Attachment, FilePath, ImageFilePart, Part, TextPart
from bot.store.blobs import Blobs
from bot.store.connections import Engines, Transaction
from bot.store.rows import record, store
from bot.store.schema import files
from bot.store.text import clean
from bot.store.transactions import reading


class Files:
    """`bot.ports.Files` on both databases."""

    def __init__(self, engines: Engines, blobs: Blobs) -> None:
        """Use these connections, and keep the bytes there."""
        self.engines = engines
        self._blobs = blobs

    async def add(
        self, filename: str, content: bytes, media_type: str, purpose: str = "assistants", *, claimed: bool = True
    ) -> File:
        """Store content under its SHA-256 and a file record that names it."""
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
        await self._blobs.add(file.sha256, content, lambda tx: store(tx, files, file, unclaimed=not claimed))
        return file

    @reading
    async def get(self, tx: Transaction, file_id: str) -> File | None:
        """One file record."""
        row = (await tx.execute(select(files).where(files.c.id == file_id))).mappings().first()
        return None if row is None else record(File, row)

    async def read(self, file: File) -> bytes:
        """The file's bytes."""
        return await self._blobs.read(file.sha256)


def named_files(attachments: Iterable[Attachment], parts: Iterable[Part]) -> set[str]:
    """The ids of the files that a message names: what came with it, its images, and what the assistant made."""
    named = {attachment.file_id for attachment in attachments if attachment.file_id is not None}
    for part in parts:
        if isinstance(part, ImageFilePart):
            named.add(part.file_id)
        elif isinstance(part, TextPart):
            named |= {note.file_id for note in part.annotations if isinstance(note, FilePath)}
    return named
