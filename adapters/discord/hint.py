"""Said once a thread where Discord keeps from us what does not mention us: how one goes on."""

import aiohttp
import discord
import structlog

from adapters.discord.keys import key_of
from adapters.discord.meant import Listener
from bot.ports import Notes

log = structlog.get_logger()

_HINT = "I only hear messages here that mention me: write {name} in your message, or use `/ask`."


class Hint:
    """Remembers durably in which threads it was given."""

    def __init__(self, notes: Notes) -> None:
        """Write down in `notes`."""
        self._notes = notes

    async def give(self, message: discord.Message, listener: Listener) -> None:
        """Give it to somebody whose message in a thread of ours was withheld, unless it was meant for somebody else.

        Raises:
            StoreUnavailable: nobody knows whether it was given.
        """
        if (
            message.guild is None
            or not isinstance(message.channel, discord.Thread)
            or _is_for_others(message, listener)
        ):
            return
        key = key_of(message.guild.id, message.channel.id)
        parent = key_of(message.guild.id, message.channel.parent_id)
        if listener.reception.policy(parent).mentions == "required" or not await listener.reception.takes_part(key):
            return
        note = f"discord hint {key}"
        if await self._notes.read(note) is None and await _said(message, listener):
            await self._notes.write(note, "given")


def _is_for_others(message: discord.Message, listener: Listener) -> bool:
    """Whether it speaks to somebody else: by name, or as a reply."""
    others = [user for user in message.mentions if user.id != listener.own_id]
    return bool(others or message.role_mentions or message.mention_everyone or message.reference)


async def _said(message: discord.Message, listener: Listener) -> bool:
    """Say it. The nonce is for two processes that hear the same message."""
    name = f"`@{listener.client.user.display_name}`" if listener.client.user else "my name"
    try:
        await message.channel.send(
            _HINT.format(name=name), nonce=f"hint{message.channel.id}"[:25], silent=True, suppress_embeds=True
        )
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("hint not given", error=type(error).__name__)
        return isinstance(error, discord.Forbidden)  # it would not be allowed the next time either
    return True
