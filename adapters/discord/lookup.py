"""Finding messages that exist at Discord although nobody here knows their ids.

A nonce is told to the author once and is not kept with the message, so history has none. What stays is a button's
identity, which carries the key; and what a message answers, which says whose answer it belongs to.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime

import discord

from adapters.discord.buttons import keys_of
from adapters.discord.errors import translated
from adapters.discord.places import Place, Ref
from adapters.discord.threads import Threads
from bot.errors import Forbidden, Gone

_LOOK_BACK = 500
"""Messages read when looking for one that may have been created, oldest first; five of Discord's pages."""
_KEPT = 1_000


class Lookup:
    """Reads the history after what is answered."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]], threads: Threads) -> None:
        """Read through `client`."""
        self._client = client
        self._threads = threads
        self._originals: OrderedDict[str, int] = OrderedDict()

    async def find(self, place: Place, key: str, since: float, known: Sequence[Ref]) -> Ref | None:
        """A message of ours that was created with the key, after what is answered, or else since then by our clock.

        Args:
            place: where the answer goes.
            key: of the create.
            since: Unix seconds.
            known: the other messages of the answer. A message without buttons is the one when it is the first that
                belongs to this answer, is none of these and carries no other key.
        """
        likely: Ref | None = None
        original: int | None = None
        for channel in await self._channels(place):
            async for message in self._own(channel, place.asked or _snowflake(since)):
                ref = Ref(channel=str(channel), message=str(message.id), key=key)
                keys = keys_of(message)
                if key in keys:
                    return ref
                if _is_original(place, message):
                    original = message.id
                if likely is not None or keys:
                    continue
                if _belongs(place, channel, message, original) and not _known(message, known, original):
                    likely = ref
        return likely

    async def _channels(self, place: Place) -> Iterable[int]:
        """Where the answer may be, each once: a thread that is gone, or closed, has driven it into its channel."""
        parent = [int(place.parent)] if place.parent else []
        return dict.fromkeys((await self._threads.open(place), int(place.channel), *parent))

    async def original(self, place: Place) -> int | None:
        """Id of the message that Discord made for a command, when it is to be seen in the channel."""
        known = self._originals.get(place.interaction)
        if known is not None or not place.interaction:
            return known
        try:
            async for message in self._own(int(place.channel), int(place.interaction), limit=100):
                if _is_original(place, message):
                    self._originals[place.interaction] = message.id
                    if len(self._originals) > _KEPT:
                        self._originals.popitem(last=False)
                    return message.id
        except Forbidden:  # it cannot be seen by us
            pass
        return None

    async def _own(self, channel: int, after: int, limit: int = _LOOK_BACK) -> AsyncGenerator[discord.Message]:
        client = await self._client()
        history = client.get_partial_messageable(channel).history(limit=limit, after=discord.Object(after))
        try:
            with translated():
                async for message in history:
                    if client.user and message.author.id == client.user.id:
                        yield message
        except Gone:  # a channel that was deleted holds nothing
            return


def _snowflake(since: float) -> int:
    return discord.utils.time_snowflake(datetime.fromtimestamp(since, UTC))


def _is_original(place: Place, message: discord.Message) -> bool:
    about = message.interaction_metadata
    return bool(place.interaction) and about is not None and about.id == int(place.interaction)


def _belongs(place: Place, channel: int, message: discord.Message, original: int | None) -> bool:
    """Whether it is a part of the answer: every part is a reply to what is answered, as far as Discord allows that."""
    replied_to = message.reference.message_id if message.reference else None
    if place.parent and channel == int(place.parent):  # it could not be given in the thread, which it answers then
        return replied_to == int(place.channel)
    if place.interaction:
        return original is not None and original in (message.id, replied_to) and not message.flags.loading
    if place.thread_name and channel == place.target:  # opened for this answer: its question is in another channel
        return replied_to is None and message.interaction_metadata is None
    return replied_to is not None and replied_to == int(place.message or 0)


def _known(message: discord.Message, known: Sequence[Ref], original: int | None) -> bool:
    return any(message.id == original if ref.original else str(message.id) == ref.message for ref in known)
