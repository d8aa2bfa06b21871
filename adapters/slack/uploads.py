"""Files on their way out: reserve, send, share, each step repeatable."""

from collections import OrderedDict

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.markup import fallback
from adapters.slack.places import Ref
from bot.domain.names import file_name
from bot.errors import Forbidden, Refused
from bot.relay.contract import OutboundFile

log = structlog.get_logger()

KEPT = 500
"""Messages whose uploads are remembered, so that a repeated final edit does not attach its files twice."""


class Uploads:
    """Attaches files to the thread of a message.

    Sharing the same uploaded file twice shows it once, so only the ids have to be remembered between attempts.
    """

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._sent: OrderedDict[tuple[str, str], dict[int, str]] = OrderedDict()
        self._shared: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def attach(self, ref: Ref, thread: str | None, files: tuple[OutboundFile, ...]) -> None:
        """Upload and share; what Slack does not take is said in the thread.

        Raises:
            RateLimited, Unreachable, Unauthorised, Gone: worth another attempt, or the end of the conversation.
        """
        place = (ref.channel, ref.ts)
        if place in self._shared:
            return
        try:
            await self._share(ref, thread, files)
        except (Forbidden, Refused) as error:
            log.warning("slack files not attached", error=str(error), files=len(files))
            await self._say(ref, thread, files)
        self._shared[place] = None
        self._sent.pop(place, None)
        if len(self._shared) > KEPT:
            self._shared.popitem(last=False)

    async def _share(self, ref: Ref, thread: str | None, files: tuple[OutboundFile, ...]) -> None:
        sent = self._sent.setdefault((ref.channel, ref.ts), {})
        if len(self._sent) > KEPT:
            self._sent.popitem(last=False)
        for position, file in enumerate(files):
            if position not in sent:
                slot = await self._api.upload_slot(file.name, len(file.content))
                await self._api.send_bytes(slot.upload_url, file.content)
                sent[position] = slot.file_id
        titles = {sent[position]: file.name for position, file in enumerate(files)}
        await self._api.share(titles, ref.channel, thread or ref.ts)

    async def _say(self, ref: Ref, thread: str | None, files: tuple[OutboundFile, ...]) -> None:
        names = ", ".join(file_name(file.name) for file in files)
        text = fallback(f"Slack did not let me attach {names}. The app may lack the permission `files:write`.")
        await self._api.post(
            {"channel": ref.channel, "text": text, "thread_ts": thread or ref.ts, "unfurl_links": False}
        )
