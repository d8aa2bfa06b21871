"""Finding a message again that may or may not have been created."""

from adapters.slack.api import SlackApi
from adapters.slack.outbound import EVENT_TYPE, posted
from adapters.slack.places import Place, Ref
from adapters.slack.replies import History, Listed
from bot.relay.contract import Posted

PAGES = 10
"""Pages of 200 messages that are read at most."""


async def find(api: SlackApi, place: Place, key: str, since: float) -> Posted | None:
    """The message that carries `key`, or None.

    Nothing that only one person sees is in any history: it is never found, and shown again.
    It is looked for from the message on that it answers; `since` (Unix seconds by our clock) only counts without one.
    """
    if place.private:
        return None
    oldest = place.asked or f"{max(0.0, since):.6f}"
    cursor = ""
    for _ in range(PAGES):
        page = await _page(api, place, oldest, cursor)
        for message in page.messages:
            if _carries(message, key):
                return posted(place, Ref(channel=place.channel, ts=message.ts))
        cursor = page.response_metadata.next_cursor
        if not cursor:
            return None
    return None


async def _page(api: SlackApi, place: Place, oldest: str, cursor: str) -> History:
    if place.thread:
        return await api.replies(place.channel, place.thread, oldest, cursor)
    return await api.history(place.channel, oldest, cursor)


def _carries(message: Listed, key: str) -> bool:
    return message.metadata.event_type == EVENT_TYPE and message.metadata.event_payload.get("key") == key
