"""Writing to Slack: messages, edits, the status line."""

from collections import OrderedDict

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.blocks import Json, blocks
from adapters.slack.markup import escaped, fallback
from adapters.slack.places import Place, Ref, conversation_key
from adapters.slack.settings import SlackConfig
from adapters.slack.uploads import Uploads
from adapters.slack.whispers import Whispers
from bot.errors import Forbidden, Gone, PlatformError
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()

EVENT_TYPE = "parley_segment"
"""Type of the metadata by which `lookup` finds a message again."""
CLOSED_CHANNEL = "I cannot write in this channel. Please invite me (`/invite`) and ask again."


KEPT = 2_000
"""Messages of which this process remembers that it created them itself."""


class Writer:
    """Creates and edits messages."""

    def __init__(self, api: SlackApi, config: SlackConfig) -> None:
        self._api = api
        self._uploads = Uploads(api, config)
        self._whispers = Whispers(api, self._uploads)
        self._created: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message; its metadata carry the key, unless only one person is to see it."""
        if place.private:
            return await self._whispers.post(place, outbound)
        message = _message(place.channel, place, outbound) | {
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
        }
        if place.thread:
            message["thread_ts"] = place.thread
        try:
            sent = await self._api.post(message)
        except (Forbidden, Gone):
            await self._tell_asker(place)
            raise
        self._created[sent.channel, sent.ts] = None
        if len(self._created) > KEPT:
            self._created.popitem(last=False)
        return posted(place, Ref(channel=sent.channel, ts=sent.ts))

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace a message, then attach its files."""
        if place.private:
            await self._whispers.edit(place, ref, outbound)
            return
        message = _message(ref.channel, place, outbound) | {"ts": ref.ts}
        await self._api.update(message)
        if outbound.files:
            first = (ref.channel, ref.ts) in self._created
            await self._uploads.attach(ref, place.thread, outbound.files, first=first)

    async def status(self, place: Place, text: str | None) -> None:
        """Show or clear the status line; only threads have one, which all see, and a failure changes nothing."""
        if place.thread is None or place.private:
            return
        try:
            await self._api.status(place.channel, place.thread, text or "")
        except PlatformError as error:
            log.debug("slack status not shown", error=str(error))

    async def _tell_asker(self, place: Place) -> None:
        """After a slash command in a channel that we are not in, nobody would see anything."""
        if place.response_url is None:
            return
        try:
            await self._api.respond(place.response_url, escaped(CLOSED_CHANNEL))
        except PlatformError as error:
            log.info("slack asker not told", error=str(error))


def _message(channel: str, place: Place, outbound: Outbound) -> Json:
    """What posts and edits share. An edit replaces all blocks, so the lead of an answer comes again each time."""
    lead = None if outbound.continuation else place.lead
    words = f"{lead}\n\n{outbound.text}" if lead else outbound.text
    return {"channel": channel, "text": fallback(words), "blocks": blocks(outbound, lead)}


def posted(place: Place, ref: Ref) -> Posted:
    """What the relay keeps of a message. One at top level begins a thread, under whose key follow-ups arrive."""
    further = None if place.thread else conversation_key(place.team, ref.channel, ref.ts)
    return Posted(ref=ref.as_dict(), conversation=further)
