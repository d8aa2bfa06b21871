"""Direct messages with people, where an answer goes that its interaction does not take any more."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import discord
from pydantic import ValidationError

from adapters.discord.errors import translated
from adapters.discord.places import Place
from bot.domain.record import Record
from bot.errors import Gone, Unreachable

_KEPT = 1_000


class _Opened(Record, extra="ignore"):
    id: int


class Directs:
    """The channels of direct messages."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], patience: float) -> None:
        """Open them through `client`; after `patience` seconds Discord does not answer."""
        self._client = client
        self._patience = patience
        self._known: OrderedDict[str, int] = OrderedDict()

    async def with_asker(self, place: Place) -> int:
        """The channel with the asker; the same however often it is opened.

        Raises:
            Gone: nobody knows who asked.
            Forbidden: Discord does not let us write to them.
        """
        if not place.person:
            raise Gone("Nobody is known to whom this could be written.")
        known = self._known.get(place.person)
        if known is None:
            known = self._known[place.person] = await self._open(int(place.person))
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known

    async def _open(self, person: int) -> int:
        client = await self._client()
        with translated():
            async with asyncio.timeout(self._patience):
                opened = await client.http.start_private_message(person)
        try:
            return _Opened.model_validate(opened).id
        except ValidationError as error:
            raise Unreachable("Discord did not say which channel it opened.") from error
