"""What was said while nobody listened: Discord delivers it to no later session, so it is read."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import structlog
from discord.abc import Messageable

from adapters.discord.inbound import channel_in
from adapters.discord.shards import Shard
from bot.errors import StoreUnavailable
from bot.relay.contract import Reception
from bot.relay.seen import Seen

log = structlog.get_logger()

_OLDEST = timedelta(hours=24)
"""Whoever asked earlier does not wait any more."""
_LIVE = timedelta(days=30)
"""Conversations in which nothing was said to us for longer are read only if Discord tells of something new in them."""
_MOST_CONVERSATIONS = 200
_MOST = 500
"""Messages read after one pause, in all channels together."""

Spoken = discord.TextChannel | discord.VoiceChannel | discord.Thread


@dataclass(frozen=True, slots=True)
class Missed:
    """What one shard may have missed."""

    client: discord.Client
    """Ready, so that it knows channels and their last messages."""
    shard: Shard
    reception: Reception
    receive: Callable[[discord.Message], Awaitable[None]]
    """Takes a message; one that it knows already does no harm."""

    async def read(self, seen: Seen, now: float) -> bool:
        """Hand over what was said after the mark, oldest first in each channel, and release the mark.

        The first start ever has missed nothing.

        Args:
            seen: held since the session began.
            now: Unix seconds.

        Returns:
            False when Discord or the store did not answer. Then the mark stays, and all can be read again.
        """
        newest = newest_known(self.client)
        if seen.mark is not None:
            after = max(seen.mark, discord.utils.time_snowflake(datetime.fromtimestamp(now, UTC) - _OLDEST))
            try:
                newest = max(newest, await self._hand_over(after, now))
            except (discord.DiscordException, aiohttp.ClientError, OSError, StoreUnavailable) as error:
                log.warning("discord not caught up", shard=self.shard.name, error=str(error) or type(error).__name__)
                return False
        seen.release(newest)
        return True

    async def _hand_over(self, after: int, now: float) -> int:
        """Returns the youngest message."""
        left, newest = _MOST, 0
        async for channel in self._channels(after, now):
            if left <= 0:
                log.warning("discord caught up in part, the rest is given up", shard=self.shard.name, messages=_MOST)
                break
            async for message in _said_in(channel, after, left):
                left -= 1
                newest = max(newest, message.id)
                await self._take(message)
        log.info("discord caught up", shard=self.shard.name, messages=_MOST - left)
        return newest

    async def _take(self, message: discord.Message) -> None:
        try:
            await self.receive(message)
        except StoreUnavailable:
            raise
        except Exception:  # one message that cannot be understood must not keep all the others from being answered
            log.exception("message not caught up", message_id=message.id)

    async def _channels(self, after: int, now: float) -> AsyncGenerator[Messageable]:
        """Channels in which something was said after that, live conversations first.

        Of direct messages and archived threads Discord tells nothing; the database knows them.
        """
        told = {channel.id: channel for guild in self.client.guilds for channel in spoken_in(guild)}
        asked: set[int] = set()
        live = await self.reception.live_conversations(now - _LIVE.total_seconds())
        for guild, channel in [place for place in map(channel_in, live) if place][:_MOST_CONVERSATIONS]:
            if channel in asked or not self.shard.holds(guild):
                continue
            asked.add(channel)
            found = told.get(channel) or await self._untold(guild, channel)
            if found is not None and _has_news(found, after):
                yield found
        for channel in told.values():
            if channel.id not in asked and _has_news(channel, after):
                yield channel

    async def _untold(self, guild: int | None, channel: int) -> Messageable | None:
        if guild is None:
            return self.client.get_partial_messageable(channel)
        try:
            found = await self.client.fetch_channel(channel)
        except (discord.Forbidden, discord.NotFound, discord.InvalidData):  # deleted, closed to us, or never opened
            return None
        return found if isinstance(found, Spoken) else None


def newest_known(client: discord.Client) -> int:
    """The youngest message that the session's beginning told of: Discord's own clock, whatever ours says."""
    last = [channel.last_message_id or 0 for guild in client.guilds for channel in spoken_in(guild)]
    return max([client.application_id or 0, *last])


def spoken_in(guild: discord.Guild) -> Sequence[Spoken]:
    """Where people write in a server, as far as Discord tells at the beginning of a session."""
    return [*guild.text_channels, *guild.voice_channels, *guild.threads]


def _has_news(channel: Messageable, after: int) -> bool:
    """Whether something was said after that; nobody tells of direct messages, so they have to be read."""
    return not isinstance(channel, Spoken) or (channel.last_message_id or 0) > after


async def _said_in(channel: Messageable, after: int, limit: int) -> AsyncGenerator[discord.Message]:
    try:
        async for message in channel.history(limit=limit, after=discord.Object(after), oldest_first=True):
            yield message
    except (discord.Forbidden, discord.NotFound) as error:
        log.info("discord channel not read", code=error.code)
