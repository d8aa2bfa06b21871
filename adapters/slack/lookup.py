"""Finding a message again that may or may not have been created."""

from collections.abc import AsyncIterator, Mapping, Sequence

from adapters.slack.api import SlackApi
from adapters.slack.modes import edited
from adapters.slack.outbound import posted
from adapters.slack.places import EVENT_TYPE, Place, Ref
from adapters.slack.replies import History, Listed
from bot.relay.contract import Posted

PAGES = 10
"""Pages of 200 messages that are read at most."""


async def find(
    api: SlackApi, place: Place, key: str, since: float, known: Sequence[Mapping[str, str]] = ()
) -> Posted | None:
    """The message that carries `key`, or None.

    A message that was begun as a stream carries nothing before its end. One of ours that streams, or has streamed,
    without a key, and is none of the `known` ones, is the one that is looked for: in a thread answers are written one
    after the other, and what has ended carries its key.

    Nothing that only one person sees is in any history: it is never found, and shown again.
    It is looked for from the message on that it answers; `since` (Unix seconds by our clock) only counts without one.
    """
    if place.private:
        return None
    others = {ref.get("ts") for ref in known}
    streamed: Listed | None = None
    async for message in _messages(api, place, place.asked or f"{max(0.0, since):.6f}"):
        if _carries(message, key):
            stream = key if message.streaming_state else None
            return posted(place, Ref(channel=place.channel, ts=message.ts, stream=stream), edited(place))
        nameless = message.streaming_state is not None and message.metadata.event_type != EVENT_TYPE
        if nameless and message.ts not in others:
            streamed = message
    if streamed is None or streamed.user != (await api.me()).user_id:
        return None
    return posted(place, Ref(channel=place.channel, ts=streamed.ts, stream=key), edited(place))


async def _messages(api: SlackApi, place: Place, oldest: str) -> AsyncIterator[Listed]:
    """All messages of the place from there on, page by page."""
    cursor = ""
    for _ in range(PAGES):
        page = await _page(api, place, oldest, cursor)
        for message in page.messages:
            yield message
        cursor = page.response_metadata.next_cursor
        if not cursor:
            return


async def _page(api: SlackApi, place: Place, oldest: str, cursor: str) -> History:
    if place.thread:
        return await api.replies(place.channel, place.thread, oldest, cursor)
    return await api.history(place.channel, oldest, cursor)


def _carries(message: Listed, key: str) -> bool:
    return message.metadata.event_type == EVENT_TYPE and message.metadata.event_payload.get("key") == key
