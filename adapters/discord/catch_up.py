"""What was said while nobody listened: Discord delivers it to no later session, so it is read."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import structlog
from discord.abc import Messageable

from adapters.discord.seen import Seen

log = structlog.get_logger()

_OLDEST = timedelta(hours=24)
"""Whoever asked earlier does not wait any more."""
_MOST = 500
"""Messages read after one pause, in all channels together."""
_PAGE = 100


async def catch_up(
    client: discord.Client, seen: Seen, receive: Callable[[discord.Message], Awaitable[None]], now: float
) -> None:
    """Hand over what was said after the mark, oldest first in each channel, and release the mark.

    The first start ever has missed nothing. When Discord does not answer, the mark stays for the next session.

    Args:
        client: ready, so that it knows channels and their last messages.
        seen: held since the session began.
        receive: takes a message; one that it knows already does no harm.
        now: Unix seconds.
    """
    mark, newest = seen.mark, newest_known(client)
    if mark is not None:
        after = max(mark, discord.utils.time_snowflake(datetime.fromtimestamp(now, UTC) - _OLDEST))
        left = _MOST
        try:
            for channel in _channels(client, seen.dms, after):
                async for message in _missed(channel, after, left):
                    left -= 1
                    newest = max(newest, message.id)
                    await receive(message)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.warning("discord not caught up", error=str(error) or type(error).__name__)
            return
        log.info("discord caught up", messages=_MOST - left)
    seen.release(newest)


def newest_known(client: discord.Client) -> int:
    """The youngest message that the session's beginning told of: Discord's own clock, whatever ours says."""
    last = [channel.last_message_id or 0 for guild in client.guilds for channel in _spoken_in(guild)]
    return max([client.application_id or 0, *last])


def _spoken_in(guild: discord.Guild) -> Sequence[discord.TextChannel | discord.Thread]:
    return [*guild.text_channels, *guild.threads]


def _channels(client: discord.Client, dms: Sequence[int], after: int) -> list[Messageable]:
    """Channels in which something was said after that; of direct messages nobody tells."""
    spoken = [channel for guild in client.guilds for channel in _spoken_in(guild)]
    return [
        *(channel for channel in spoken if (channel.last_message_id or 0) > after),
        *(client.get_partial_messageable(channel) for channel in dms),
    ]


async def _missed(channel: Messageable, after: int, limit: int) -> AsyncGenerator[discord.Message]:
    if limit <= 0:
        return
    try:
        async for message in channel.history(limit=limit, after=discord.Object(after), oldest_first=True):
            yield message
    except (discord.Forbidden, discord.NotFound) as error:
        log.info("discord channel not read", code=error.code)
