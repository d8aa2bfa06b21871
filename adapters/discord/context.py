"""What was said before a question, for an assistant that is called in the middle of a conversation.

In a thread, that is the thread, with the message that it began from; in a channel that is one conversation, the
channel. To a question in a plain channel belong only the messages that it replies to, one after the other: what else
was said there is other people's talk. In direct messages nothing is said that the assistant does not hear.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable

import discord

from adapters.discord.errors import translated
from adapters.discord.material import heard
from adapters.discord.places import Place
from bot.domain.deliveries import Heard
from bot.errors import Forbidden, Gone

_LONGEST_CHAIN = 20
"""Messages of a chain of replies that are read, each with a request of its own."""
_READ = 100
"""Messages of a thread that are looked at for some that are not ours; one of Discord's pages."""
_THREADS = (discord.ChannelType.public_thread, discord.ChannelType.private_thread, discord.ChannelType.news_thread)
_MATERIAL = (
    discord.MessageType.default,
    discord.MessageType.reply,
    discord.MessageType.chat_input_command,
    discord.MessageType.context_menu_command,
)
"""Messages with something to read: those of other bots too, unlike joins, pins and the like."""


class Context:
    """Reads what was said before."""

    def __init__(self, client: Callable[[], Awaitable[discord.Client]]) -> None:
        """Read through `client`."""
        self._client = client

    async def before(self, place: Place, most: int) -> tuple[Heard, ...]:
        """The newest `most` messages that belong to a question, oldest first, without ours.

        None where we may not read, or the asker may not.

        Raises:
            PlatformError: Discord did not answer.
        """
        if not place.guild or not place.history or most < 1:
            return ()
        try:
            with translated():
                return await self._before(place, most)
        except (Forbidden, Gone):
            return ()

    async def _before(self, place: Place, most: int) -> tuple[Heard, ...]:
        client = await self._client()
        if place.style == "channel":
            return await self._said(client, place, most)
        if place.thread_name or place.style == "reply":
            return await self._chain(client, place, most)
        channel = await client.http.get_channel(int(place.channel))
        kind, parent = discord.utils.get(_THREADS, value=channel["type"]), channel.get("parent_id")
        if kind is None:
            return await self._chain(client, place, most) if place.message else ()
        said = await self._said(client, place, most)
        first = await self._starter(client, place, parent)
        if first is None or first.key in {one.key for one in said}:
            return said
        return (first, *said[max(0, len(said) + 1 - most) :])

    async def _said(self, client: discord.Client, place: Place, most: int) -> tuple[Heard, ...]:
        """The last messages of a channel before the question."""
        before = discord.Object(place.asked or 0)
        found: list[Heard] = []
        history = client.get_partial_messageable(int(place.channel)).history(limit=_READ, before=before)
        async for message in history:
            if (one := _material(message, client)) is not None:
                found.append(one)
                if len(found) == most:
                    break
        return tuple(reversed(found))

    async def _starter(self, client: discord.Client, place: Place, parent: object) -> Heard | None:
        """The message that a thread began from. It stands in the channel, and has the thread's id."""
        if parent is None:
            return None
        channel = client.get_partial_messageable(int(str(parent)))
        try:
            return _material(await channel.fetch_message(int(place.channel)), client)
        except (discord.Forbidden, discord.NotFound):  # a thread without one, or it was deleted
            return None

    async def _chain(self, client: discord.Client, place: Place, most: int) -> tuple[Heard, ...]:
        """The messages that the question replies to, one after the other."""
        found: list[Heard] = []
        async for message in self._upwards(client, place):
            if len(found) == most:
                break
            if (one := _material(message, client)) is not None:
                found.append(one)
        return tuple(reversed(found))

    async def _upwards(self, client: discord.Client, place: Place) -> AsyncGenerator[discord.Message]:
        """From the question to the beginning of its chain, without the question."""
        channel = client.get_partial_messageable(int(place.channel))
        at = await channel.fetch_message(int(place.message))
        for _ in range(_LONGEST_CHAIN):
            reference = at.reference
            if reference is None or reference.type is not discord.MessageReferenceType.reply:
                return
            try:
                at = await channel.fetch_message(reference.message_id or 0)
            except discord.NotFound:
                return
            yield at


def _material(message: discord.Message, client: discord.Client) -> Heard | None:
    own_id = client.user.id if client.user else 0
    return None if message.author.id == own_id or message.type not in _MATERIAL else heard(message, own_id)
