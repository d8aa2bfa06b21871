"""Threads that answers open. A thread made from a message has the message's id, so opening it twice does no harm."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import discord
import structlog

from adapters.discord.errors import translated
from adapters.discord.places import Place
from bot.errors import Forbidden, Gone, Refused, Unreachable

log = structlog.get_logger()

THREAD_EXISTS = 160004
_PATIENCE = 3.0
"""Seconds for opening a thread; a person who waits longer gets the answer in the channel."""
_ARCHIVE_AFTER = 1_440
"""Minutes of silence; one of the four values that Discord takes."""
_KEPT = 1_000
"""Answers remembered with where they went; a forgotten one asks Discord again."""


class Threads:
    """Where answers go: into a thread of their own where there should be one and Discord lets us, or the channel."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]]) -> None:
        """Open threads through `client`."""
        self._client = client
        self._known: OrderedDict[int, int] = OrderedDict()

    async def open(self, place: Place) -> int:
        """The channel that the answer goes to, opening the thread when there should be one."""
        known = self._known.get(_answer(place))
        if known is None and not place.thread_name:
            return place.target
        if known is None:
            known = await self._open(place)
            self._remember(place, known)
        return known

    def where(self, place: Place) -> int:
        """Where people look now: the answer's thread if it is open, else the channel in which they spoke."""
        return self._known.get(_answer(place), int(place.channel))

    async def reopen(self, thread: int) -> bool:
        """Open a closed thread again. Returns False when we may not: it is locked, or there are too many open ones."""
        try:
            client = await self._client()
            with translated():
                await client.http.edit_channel(thread, archived=False)
        except (Forbidden, Gone, Refused) as error:
            log.info("thread not opened again", thread=thread, reason=type(error).__name__)
            return False
        return True

    def refuge(self, place: Place, channel: int) -> int | None:
        """Where the answer goes that a thread does not take: into the channel that it is in, from now on."""
        if place.thread_name and channel == place.target:
            refuge = int(place.channel)
        elif place.parent and channel == int(place.channel):
            refuge = int(place.parent)
        else:
            return None
        self._remember(place, refuge)
        return refuge

    def _remember(self, place: Place, channel: int) -> None:
        self._known[_answer(place)] = channel
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    async def _open(self, place: Place) -> int:
        # The plain request: a Thread object needs the server in the cache, which a client without a gateway lacks.
        start = (await self._client()).http.start_thread_with_message
        try:
            with translated():
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await start(
                            int(place.channel),
                            int(place.message),
                            name=place.thread_name,
                            auto_archive_duration=_ARCHIVE_AFTER,
                        )
                except discord.HTTPException as error:
                    if error.code == THREAD_EXISTS:
                        return place.target
                    if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
                        return int(place.channel)
                    raise
        except Unreachable:
            log.warning("thread not opened", channel=place.channel)
            return int(place.channel)
        return place.target


def _answer(place: Place) -> int:
    """What an answer is known by: a thread that did not take one may take the next."""
    return place.asked or place.target
