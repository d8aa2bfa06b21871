"""Files on their way out: reserve, send, share, and see that they arrived; each step repeatable."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.markup import fallback
from adapters.slack.places import Ref
from adapters.slack.replies import FileInfo, Listed
from adapters.slack.settings import SlackConfig
from bot.domain.names import file_name
from bot.errors import Forbidden, Gone, Refused
from bot.relay.contract import OutboundFile

log = structlog.get_logger()

EVENT_TYPE = "parley_files"
"""Type of the metadata of a message that stands for files which are not shown."""
KEPT = 500
"""Messages whose uploads are remembered, so that a repeated final edit does not attach its files twice."""
_URL = "%/:=&?~#+,;@-._"
"""What stays as it is in an address; what could end it is encoded."""
_PAGES = 5
"""Pages of 200 messages in which earlier files are looked for at most."""


@dataclass(slots=True)
class _Upload:
    """How far this process has come with the files of one message."""

    ids: dict[int, str] = field(default_factory=dict[int, str])
    """By position."""
    shared: bool = False
    """Sharing was asked for, with whatever outcome."""
    done: bool = False


class Uploads:
    """Attaches files to the thread of a message.

    Nobody knows whether sharing the same file twice shows it twice. So nothing is shared, or said instead, before the
    thread was looked into, unless this process knows that it is the first to try.
    """

    def __init__(self, api: SlackApi, config: SlackConfig) -> None:
        """Wait and look as often as `config` says."""
        self._api = api
        self._share_waits = config.share_waits
        self._look_waits = config.look_waits
        self._uploads: OrderedDict[tuple[str, str], _Upload] = OrderedDict()

    async def attach(self, ref: Ref, thread: str | None, files: tuple[OutboundFile, ...], *, first: bool) -> None:
        """Upload and share, and wait until it is seen; what Slack does not take or show is said in the thread.

        Args:
            ref: the message.
            thread: that it is in; None when it would open one.
            files: what to attach.
            first: no other process can have attached them before.

        Raises:
            RateLimited, Unreachable, Unauthorised, Gone: worth another attempt, or the end of the conversation.
        """
        root = thread or ref.ts
        upload = self._uploads.get((ref.channel, ref.ts))
        if upload is None:
            if not first and await self._attached(ref, root, files, self._look_waits):
                upload = self._remember(ref, _Upload(done=True))
            upload = upload or self._remember(ref, _Upload())
        elif not upload.done:
            upload.done = await self._attached(ref, root, files, (0.0,))
        if not upload.done:
            await self._bring(ref, root, files, upload)
            upload.done = True

    def _remember(self, ref: Ref, upload: _Upload) -> _Upload:
        self._uploads[ref.channel, ref.ts] = upload
        if len(self._uploads) > KEPT:
            self._uploads.popitem(last=False)
        return upload

    async def _bring(self, ref: Ref, root: str, files: Sequence[OutboundFile], upload: _Upload) -> None:
        try:
            unseen = await self._share(ref, root, files, upload)
        except (Forbidden, Refused) as error:
            log.warning("slack files not attached", error=str(error), files=len(files))
            names = ", ".join(file_name(file.name) for file in files)
            await self._say(ref, root, fallback(f"Slack did not let me attach {names}. {_why(error)}".rstrip()))
            return
        if unseen:
            log.warning("slack files not shown", files=len(unseen))
            await self._say(ref, root, _links(unseen, files))

    async def _share(self, ref: Ref, root: str, files: Sequence[OutboundFile], upload: _Upload) -> list[FileInfo]:
        """Returns the files that Slack took and still does not show."""
        for position, file in enumerate(files):
            if position not in upload.ids:
                slot = await self._api.upload_slot(file.name, len(file.content))
                await self._api.send_bytes(slot.upload_url, file.content)
                upload.ids[position] = slot.file_id
        if upload.shared and await self._missing(ref.channel, upload) == []:
            return []
        upload.shared = True
        titles = {upload.ids[position]: file.name for position, file in enumerate(files)}
        await self._api.share(titles, ref.channel, root)
        return await self._missing(ref.channel, upload) or []

    async def _missing(self, channel: str, upload: _Upload) -> list[FileInfo] | None:
        """Wait until Slack shows the files. Returns those that it does not, and None when we may not look."""
        missing: list[FileInfo] = []
        for wait in self._share_waits:
            await asyncio.sleep(wait)
            try:
                known = [await self._info(file_id) for file_id in upload.ids.values()]
            except (Forbidden, Refused) as error:
                log.info("slack files not looked up", error=str(error))
                return None
            missing = [info for info in known if not info.shown_in(channel)]
            if not missing:
                break
        return missing

    async def _info(self, file_id: str) -> FileInfo:
        try:
            return await self._api.file(file_id)
        except Gone:  # an upload that was never completed is not known
            return FileInfo()

    async def _attached(self, ref: Ref, root: str, files: Sequence[OutboundFile], waits: Sequence[float]) -> bool:
        """Whether the thread shows our files already, or says why not."""
        for wait in waits:
            await asyncio.sleep(wait)
            if await self._in_thread(ref, root, Counter((file.name, len(file.content)) for file in files)):
                log.info("slack files found", channel=ref.channel, ts=ref.ts)
                return True
        return False

    async def _in_thread(self, ref: Ref, root: str, wanted: Counter[tuple[str, int]]) -> bool:
        ours, cursor = (await self._api.me()).user_id, ""
        for _ in range(_PAGES):
            try:
                page = await self._api.replies(ref.channel, root, ref.ts, cursor)
            except (Forbidden, Gone, Refused) as error:
                log.info("slack files not looked for", error=str(error))
                return False
            if any(message.user == ours and _brings(message, ref, wanted) for message in page.messages):
                return True
            cursor = page.response_metadata.next_cursor
            if not cursor:
                return False
        return False

    async def _say(self, ref: Ref, root: str, text: str) -> None:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"of": ref.ts}}
        message = {"channel": ref.channel, "text": text, "thread_ts": root, "metadata": metadata}
        await self._api.post({**message, "unfurl_links": False, "unfurl_media": False})


def _why(error: Forbidden | Refused) -> str:
    """What somebody can do about files that Slack does not take."""
    if "missing_scope" in str(error):
        return "The app lacks the permission `files:write`."
    if "not_in_channel" in str(error):
        return "I am not in this channel: please invite me (`/invite`)."
    return ""


def _brings(message: Listed, ref: Ref, wanted: Counter[tuple[str, int]]) -> bool:
    """Whether a message of ours carries the files, or stands for them."""
    carried = Counter((file.name or "", file.size or 0) for file in message.files)
    instead = message.metadata.event_type == EVENT_TYPE and message.metadata.event_payload.get("of") == ref.ts
    return instead or wanted <= carried


def _links(unseen: Sequence[FileInfo], files: Sequence[OutboundFile]) -> str:
    names = ", ".join(file_name(file.name) for file in files)
    links = " ".join(f"<{quote(info.permalink, safe=_URL)}>" for info in unseen if info.permalink)
    return f"{fallback(f'Slack took {names} but does not show it here yet.')} {links}".rstrip()
