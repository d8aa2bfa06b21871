"""Taking in the files that came with a message: fetched once, looked at, stored; what is left out is said."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import structlog

from bot.domain.deliveries import STORED, RemoteFile
from bot.domain.messages import Attachment
from bot.domain.names import file_name
from bot.errors import PlatformError, Refused, first_of
from bot.ports import Files
from bot.relay.chat import Chat
from bot.relay.policy import RelayPolicy
from bot.relay.signatures import is_image, media_type_of

log = structlog.get_logger()

_PAGES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file."""

    attachment: Attachment
    is_image: bool = False

    @property
    def file_id(self) -> str | None:
        """Id of the stored file."""
        return self.attachment.file_id


class FileIntake:
    """Fetches and stores the files of one message."""

    def __init__(self, files: Files, chat: Chat, policy: RelayPolicy, run_id: str = "") -> None:
        """Fetch from `chat`, store in `files`, within the limits of `policy`; `run_id` is for the log."""
        self._log = log.bind(run_id=run_id)
        self._files = files
        self._chat = chat
        self._policy = policy
        self._slots = asyncio.Semaphore(policy.parallel_downloads)

    async def take(self, remote: Sequence[RemoteFile]) -> list[Taken]:
        """Take in what can be had, in order. Nothing that is wrong with a file is an error here: it is said instead.

        Raises:
            StoreUnavailable: a file could not be stored.
            Fenced: somebody else has the lane.
        """
        wanted, surplus = remote[: self._policy.max_files], remote[self._policy.max_files :]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._take(file)) for file in wanted]
        except BaseExceptionGroup as broken:
            raise first_of(broken) from broken
        reason = f"Only {self._policy.max_files} files are read with one message."
        return [*(task.result() for task in tasks), *(self._skipped(file, reason) for file in surplus)]

    async def _take(self, file: RemoteFile) -> Taken:
        if STORED in file.source:
            return Taken(Attachment(name=file_name(file.name), file_id=file.source[STORED]))
        if file.refused:
            return self._skipped(file, file.refused)
        if file.size is not None and file.size > self._most:
            return self._skipped(file, self._too_large)
        try:
            async with self._slots, asyncio.timeout(self._policy.download_seconds):
                content = await self._fetch(file)
        except TimeoutError:
            return self._skipped(file, "It took too long to download.")
        except Refused as refusal:
            return self._skipped(file, str(refusal))
        except PlatformError as error:
            return self._skipped(file, "It could not be downloaded.", error=type(error).__name__)
        return await self._store(file, content)

    async def _fetch(self, file: RemoteFile) -> bytes | None:
        """The content, or None when there is more of it than we take."""
        content = bytearray()
        pieces = self._chat.download(file)
        try:
            async for piece in pieces:
                content += piece
                if len(content) > self._most:
                    return None
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()  # the connection is not left to the garbage collector
        return bytes(content)

    async def _store(self, file: RemoteFile, content: bytes | None) -> Taken:
        if content is None:
            return self._skipped(file, self._too_large)
        if not content:
            return self._skipped(file, "It is empty.")
        media_type = await asyncio.to_thread(media_type_of, content)
        if media_type == "text/html" and not file.name.lower().endswith(_PAGES):
            return self._skipped(
                file, "The platform sent a web page instead; the bot may lack the permission to read files."
            )
        stored = await self._files.add(file_name(file.name), content, media_type, claimed=False)  # `attach` claims it
        return Taken(Attachment(name=stored.filename, file_id=stored.id), is_image=is_image(media_type))

    @property
    def _most(self) -> int:
        return self._chat.capabilities.max_file_bytes

    @property
    def _too_large(self) -> str:
        return f"It is larger than {self._most / 1_000_000:.3g} MB."

    def _skipped(self, file: RemoteFile, reason: str, error: str | None = None) -> Taken:
        """Leave it out, and say so: to the person, to the model, and in the log (but not what the file is called)."""
        self._log.warning("file skipped", reason=reason, claimed_bytes=file.size, error=error)
        return Taken(Attachment(name=file_name(file.name), skipped=reason))
