"""Files that go out with an answer: what the assistant made, and an answer that is too long for messages."""

import structlog

from bot.domain.messages import FilePath, ImageFilePart, TextPart
from bot.ports import Store
from bot.relay.contract import Capabilities, OutboundFile

log = structlog.get_logger()


def answer_file(markdown: str) -> OutboundFile:
    """The whole answer as a Markdown file."""
    return OutboundFile(name="answer.md", content=markdown.encode("utf-8", "replace"), media_type="text/markdown")


async def produced_files(store: Store, run_id: str, capabilities: Capabilities, most: int) -> tuple[OutboundFile, ...]:
    """The files that the run's messages refer to, as far as the platform takes them; at most `most`."""
    if not capabilities.files_out:
        return ()
    found: list[OutboundFile] = []
    for file_id in await _named_in_messages(store, run_id):
        file = await store.files.get(file_id)
        if file is None or file.bytes > capabilities.max_file_bytes:
            log.warning("file not attached", run_id=run_id, file_id=file_id, gone=file is None)
            continue
        content = await store.files.read(file)
        found.append(OutboundFile(name=file.filename, content=content, media_type=file.media_type))
    return tuple(found[:most])


async def _named_in_messages(store: Store, run_id: str) -> list[str]:
    ids: dict[str, None] = {}
    for message in await store.runs.messages(run_id):
        for part in () if message.superseded else message.content:
            if isinstance(part, ImageFilePart):
                ids[part.file_id] = None
            elif isinstance(part, TextPart):
                ids |= {note.file_id: None for note in part.annotations if isinstance(note, FilePath)}
    return list(ids)
