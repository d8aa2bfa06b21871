"""Writing to Slack: messages, edits, the status line."""

from collections import OrderedDict

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.blocks import Json, blocks
from adapters.slack.errors import word_of
from adapters.slack.markup import escaped, fallback
from adapters.slack.modes import Modes, edited, streamed
from adapters.slack.places import Place, Ref, conversation_key, metadata
from adapters.slack.settings import SlackConfig
from adapters.slack.statuses import Statuses
from adapters.slack.stream_calls import StreamCalls
from adapters.slack.streams import Extended, Streams, session_of
from adapters.slack.uploads import Uploads
from adapters.slack.whispers import Whispers
from bot.errors import Forbidden, Gone, PlatformError, Refused, Unreachable
from bot.relay.contract import Outbound, Posted, Terms

log = structlog.get_logger()

STILL_STREAMING = "streaming_state_conflict"
CLOSED_CHANNEL = "I cannot write in this channel. Please invite me (`/invite`) and ask again."


KEPT = 2_000
"""Messages of which this process remembers that it created them itself."""


class Writer:
    """Creates and edits messages."""

    def __init__(self, api: SlackApi, config: SlackConfig) -> None:
        """Write in the workspace of `api`."""
        self._api = api
        calls = StreamCalls(api)
        self._streams = Streams(calls, Modes(config))
        self._statuses = Statuses(calls)
        self._uploads = Uploads(api, config)
        self._whispers = Whispers(api, self._uploads)
        self._created: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message; its metadata carry the key, unless only one person is to see it."""
        if place.private:
            return await self._whispers.post(place, outbound)
        try:
            ref = await self._streams.start(place, outbound, key)
            terms = streamed(place)
            if ref is None:
                ref, terms = await self._say(place, outbound, key), edited(place)
        except (Forbidden, Gone):
            await self._tell_asker(place)
            raise
        self._created[ref.channel, ref.ts] = None
        if len(self._created) > KEPT:
            self._created.popitem(last=False)
        await self._tell_session(place, ref, outbound)
        return posted(place, ref, terms)

    async def _say(self, place: Place, outbound: Outbound, key: str) -> Ref:
        message = _message(place.channel, place, outbound) | {"unfurl_links": False, "unfurl_media": False}
        if place.thread:
            message["thread_ts"] = place.thread
        sent = await self._api.post(message | metadata(key))
        return Ref(channel=sent.channel, ts=sent.ts)

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> Terms | None:
        """Let a message show what it should, then attach its files. Returns what holds for it now, if that changed."""
        if place.private:
            await self._whispers.edit(place, ref, outbound)
            return None
        extended = await self._streams.extend(place, ref, outbound) if ref.stream else Extended(whole=True)
        if extended.whole:
            await self._replace(place, ref, outbound)
        if outbound.files:
            first = (ref.channel, ref.ts) in self._created
            await self._uploads.attach(ref, place.thread, outbound.files, first=first)
        if extended.whole:
            await self._tell_session(place, ref, outbound)
        return extended.terms

    async def _replace(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        message = _message(ref.channel, place, outbound) | {"ts": ref.ts}
        try:
            await self._api.update(message | (metadata(ref.stream) if ref.stream else {}))
        except Refused as refusal:
            if ref.stream is None or word_of(refusal) != STILL_STREAMING:
                raise
            self._streams.doubt(ref)
            raise Unreachable("Slack still streams a message that had counted as ended.") from refusal

    async def _tell_session(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Streams set their session to work by themselves; a question and its end have to be told otherwise."""
        status = session_of(outbound)
        if status == "suspended" or (status is not None and (ref.stream or self._statuses.suspended(place))):
            await self._statuses.session(place, status)

    async def status(self, place: Place, text: str | None) -> None:
        """Show or clear the status line; only threads have one, and a failure changes nothing."""
        await (self._statuses.show(place, text) if text else self._statuses.clear(place))

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


def posted(place: Place, ref: Ref, terms: Terms | None = None) -> Posted:
    """What the relay keeps of a message. One at top level begins a thread, under whose key follow-ups arrive."""
    further = None if place.thread else conversation_key(place.team, ref.channel, ref.ts)
    return Posted(ref=ref.as_dict(), conversation=further, terms=terms)
