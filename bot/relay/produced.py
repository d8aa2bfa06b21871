"""Files that go out with an answer: what the assistant made, and an answer that is too long for messages."""

import asyncio
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.domain.files import File
from bot.domain.messages import FilePath, ImageFilePart, TextPart
from bot.ports import Store
from bot.relay.contract import Capabilities, OutboundFile, Terms
from bot.relay.text.document import inert

log = structlog.get_logger()

_WORTH_TRYING = 10
"""A file that is so many times too large is not compressed: it would not help."""


@dataclass(frozen=True, slots=True)
class Produced:
    """What a run has made."""

    files: tuple[OutboundFile, ...] = ()
    left_out: tuple[str, ...] = ()
    """A line of Markdown for each file that does not come along, with its name and the reason."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be attached to one message."""

    each: int
    """Bytes of a file."""
    together: int | None
    """Bytes of all files; None when that does not matter."""
    most: int
    """How many files."""

    @classmethod
    def at(cls, capabilities: Capabilities, terms: Terms, most: int) -> "Room":
        """What the platform takes at an address; `most` is our own limit."""
        return cls(terms.max_file_bytes or capabilities.max_file_bytes, terms.max_files_bytes, most)


def answer_file(markdown: str) -> OutboundFile:
    """The whole answer as a Markdown file."""
    return OutboundFile(name="answer.md", content=markdown.encode("utf-8", "replace"), media_type="text/markdown")


async def produced_files(store: Store, run_id: str, room: Room) -> Produced:
    """The files that the run's messages refer to, as far as there is room for them; of the others, why not."""
    files: list[OutboundFile] = []
    left_out: list[str] = []
    for file_id in await _named_in_messages(store, run_id):
        file = await store.files.get(file_id)
        if file is None:
            log.warning("file not attached", run_id=run_id, file_id=file_id, gone=True)
            left_out.append("_A file of this answer is gone._")
            continue
        fitting = await _fitting(store, file, files, room)
        if isinstance(fitting, OutboundFile):
            files.append(fitting)
            continue
        log.warning("file not attached", run_id=run_id, file_id=file_id, size=file.bytes, reason=fitting)
        left_out.append(f"_{inert(file.filename)} ({_megabytes(file.bytes)}) is not attached: {fitting}_")
    return Produced(tuple(files), tuple(left_out))


async def _fitting(store: Store, file: File, before: Sequence[OutboundFile], room: Room) -> OutboundFile | str:
    """The file, compressed if it fits only so; or why it does not come along."""
    if len(before) >= room.most:
        return f"an answer can have {room.most} files."
    used = sum(len(one.content) for one in before)
    left = room.each if room.together is None else min(room.each, room.together - used)
    if file.bytes > _WORTH_TRYING * room.each:
        return f"a file can have {_megabytes(room.each)} here."
    content = await store.files.read(file)
    if len(content) <= left:
        return OutboundFile(name=file.filename, content=content, media_type=file.media_type)
    packed = await asyncio.to_thread(_packed, file.filename, content)
    if len(packed) <= left:
        return OutboundFile(name=f"{file.filename}.zip", content=packed, media_type="application/zip")
    if left < room.each:
        return f"the files of a message can have {_megabytes(room.together or 0)} together."
    return f"a file can have {_megabytes(room.each)} here."


def _packed(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packing:
        packing.writestr(name, content)
    return archive.getvalue()


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.3g} MB"


async def _named_in_messages(store: Store, run_id: str) -> list[str]:
    ids: dict[str, None] = {}
    for message in await store.runs.messages(run_id):
        for part in () if message.superseded else message.content:
            if isinstance(part, ImageFilePart):
                ids[part.file_id] = None
            elif isinstance(part, TextPart):
                ids |= {note.file_id: None for note in part.annotations if isinstance(note, FilePath)}
    return list(ids)
