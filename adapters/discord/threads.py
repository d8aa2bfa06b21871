"""Threads that answers open. A thread made from a message has the message's id, so opening it twice does no harm."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import discord
import structlog

from adapters.discord.errors import translated
from adapters.discord.places import Place
from bot.errors import Unreachable

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
        if not place.thread_name:
            return place.target
        known = self._known.get(place.target)
        if known is None:
            known = self._known[place.target] = await self._open(place)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    def where(self, place: Place) -> int:
        """Where people look now: the answer's thread if it is open, else the channel in which they spoke."""
        return self._known.get(place.target, int(place.channel)) if place.thread_name else place.target

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
