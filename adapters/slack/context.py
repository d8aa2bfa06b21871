"""What was said in a thread before the assistant was called into it."""

import asyncio
from collections import deque

import structlog

from adapters.slack.inbound import Reader
from adapters.slack.places import Place
from adapters.slack.replies import Listed
from adapters.slack.surface import Surface
from bot.domain.deliveries import Heard
from bot.errors import Forbidden, Gone, RateLimited, Refused

log = structlog.get_logger()

PAGE = 200
PAGES = 10
"""Pages that are read at most: Slack gives a thread from its beginning only."""
SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "bot_message", "me_message"})
"""Kinds of messages in which somebody says something."""


async def heard_before(surface: Surface, reader: Reader, place: Place, ours: str, most: int) -> tuple[Heard, ...]:
    """The newest `most` messages of the thread before the question, oldest first.

    Nothing when the question began the thread, or when it may not be read. What `ours` (our user id) said is left out;
    other bots are heard. Apps that Slack gives 15 messages at a time, once a minute, get the first 15.

    Raises:
        RateLimited, Unreachable, Unauthorised: nothing could be read just now.
    """
    if place.thread is None or place.thread == place.asked:
        return ()
    try:
        listed = await _read(surface, place.channel, place.thread, place.asked or "", ours, most)
    except (Forbidden, Gone, Refused) as error:
        log.info("slack thread not read", error=str(error))
        return ()
    return tuple(await asyncio.gather(*(reader.heard(place.team, place.channel, message) for message in listed)))


async def _read(surface: Surface, channel: str, thread: str, latest: str, ours: str, most: int) -> deque[Listed]:
    newest: deque[Listed] = deque(maxlen=most)
    cursor = ""
    for page_number in range(PAGES):
        try:
            page = await surface.thread_until(channel, thread, latest, cursor, PAGE)
        except RateLimited:
            if page_number == 0:
                raise
            log.info("slack thread read in part", messages=len(newest))
            break
        newest.extend(one for one in page.messages if _is_material(one, latest, ours))
        cursor = page.response_metadata.next_cursor
        if not cursor:
            break
    return newest


def _is_material(message: Listed, latest: str, ours: str) -> bool:
    """Slack names a thread's first message whatever was asked for, so the question is left out here as well."""
    return message.subtype in SUBTYPES and message.user != ours and message.ts != latest and not message.hidden
