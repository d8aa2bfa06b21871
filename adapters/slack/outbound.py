"""Writing to Slack: messages, edits, the status line."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.blocks import Json, blocks
from adapters.slack.markup import escaped, fallback
from adapters.slack.places import Place, Ref, conversation_key
from adapters.slack.uploads import Uploads
from bot.errors import Forbidden, Gone, PlatformError, RateLimited
from bot.relay.contract import Outbound, Posted

log = structlog.get_logger()

EVENT_TYPE = "parley_segment"
"""Type of the metadata by which `lookup` finds a message again."""
CLOSED_CHANNEL = "I cannot write in this channel. Please invite me (`/invite`) and ask again."


class Writer:
    """Creates and edits messages. `limited` is told the seconds of every 429 that hits them."""

    def __init__(self, api: SlackApi, limited: Callable[[Place, float], None]) -> None:
        self._api = api
        self._limited = limited
        self._uploads = Uploads(api)

    async def post(self, place: Place, outbound: Outbound, key: str) -> Posted:
        """Create a message; its metadata carry the key."""
        lead = None if outbound.silent else place.lead
        message = self._message(place.channel, outbound, lead) | {
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
        }
        if place.thread:
            message["thread_ts"] = place.thread
        with self._watched(place):
            try:
                sent = await self._api.post(message)
            except (Forbidden, Gone):
                await self._tell_asker(place)
                raise
        ref = Ref(channel=sent.channel, ts=sent.ts, lead=lead)
        if outbound.files:
            # The message exists: whatever happens to its files must not make the caller post it again.
            await self._uploads.attach_or_say(ref, place.thread, outbound.files)
        return posted(place, ref)

    async def edit(self, place: Place, ref: Ref, outbound: Outbound) -> None:
        """Replace a message, then attach its files."""
        message = self._message(ref.channel, outbound, ref.lead) | {"ts": ref.ts}
        with self._watched(place):
            await self._api.update(message)
            if outbound.files:
                await self._uploads.attach(ref, place.thread, outbound.files)

    async def status(self, place: Place, text: str | None) -> None:
        """Show or clear the status line; only threads have one, and a failure changes nothing."""
        if place.thread is None:
            return
        try:
            await self._api.status(place.channel, place.thread, text or "")
        except PlatformError as error:
            log.debug("slack status not shown", error=str(error))

    @staticmethod
    def _message(channel: str, outbound: Outbound, lead: str | None) -> Json:
        words = f"{lead}\n\n{outbound.text}" if lead else outbound.text
        return {"channel": channel, "text": fallback(words), "blocks": blocks(outbound, lead)}

    async def _tell_asker(self, place: Place) -> None:
        """After a slash command in a channel that we are not in, nobody would see anything."""
        if place.response_url is None:
            return
        try:
            await self._api.respond(place.response_url, escaped(CLOSED_CHANNEL))
        except PlatformError as error:
            log.info("slack asker not told", error=str(error))

    @contextmanager
    def _watched(self, place: Place) -> Generator[None]:
        try:
            yield
        except RateLimited as error:
            self._limited(place, error.retry_after)
            raise


def posted(place: Place, ref: Ref) -> Posted:
    """What the relay keeps of a message. One at top level begins a thread, under whose key follow-ups arrive."""
    further = None if place.thread else conversation_key(place.team, ref.channel, ref.ts)
    return Posted(ref=ref.as_dict(), conversation=further)
