"""What was said while nobody listened: Discord delivers it to no later session, so it is read."""

import time
from asyncio import sleep
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import discord
import structlog

from adapters.discord.keys import NO_CHANNEL, channel_in, kind_of
from adapters.discord.shards import Shard
from bot.errors import StoreUnavailable
from bot.relay.contract import Reception
from bot.relay.seen import Seen

log = structlog.get_logger()

_OLDEST = timedelta(hours=24)
"""Whoever asked earlier does not wait any more."""
_LIVE = timedelta(days=30)
"""Conversations in which nothing was said to us for longer are read only if Discord tells of something new in them."""
_PAGE = 100
"""Messages in a page, Discord's most."""
_REQUESTS = 200
"""Requests without a pause."""
_MESSAGES = 500
"""Messages for us without a pause."""
_PAUSE = 20.0
"""Seconds until reading goes on: others need the same limits."""

Spoken = discord.TextChannel | discord.VoiceChannel | discord.Thread
Readable = Spoken | discord.PartialMessageable
Place = tuple[int | None, int]
"""Server and channel; no server for direct messages."""


@dataclass(slots=True)
class Missed:
    """What one shard may have missed since one of its sessions began."""

    client: discord.Client
    """Ready, so that it knows channels and their last messages."""
    shard: Shard
    reception: Reception
    receive: Callable[[discord.Message], Awaitable[bool]]
    """Takes a message; one that it knows already does no harm. Returns whether it was for us."""
    read_to: dict[int, int]
    """The last message that was read, by channel, since the mark is held: another session goes on from there."""
    superseded: Callable[[], bool]
    """Whether another session has begun: it reads everything, for it knows of more."""
    _requests: int = field(default=0, init=False)
    _messages: int = field(default=0, init=False)
    _most: tuple[int, int] = field(default=(0, 0), init=False)
    """Requests and messages at which the next pause is due."""
    _known: dict[int, Readable] = field(default_factory=dict[int, Readable], init=False)
    """Channels that Discord has told of."""

    async def read(self, seen: Seen) -> bool:
        """Hand over what was said after the mark, oldest first in each channel, and release the mark at the end.

        The first start ever has missed nothing.

        Args:
            seen: held since the session began.

        Returns:
            False when Discord or the store did not answer. Then the mark stays, and reading can go on.
        """
        newest, first = newest_known(self.client), seen.mark is None
        if seen.mark is not None:
            try:
                await self._hand_over(seen.mark)
            except (discord.DiscordException, aiohttp.ClientError, OSError, StoreUnavailable) as error:
                log.warning("discord not caught up", shard=self.shard.name, error=str(error) or type(error).__name__)
                return False
        if first or not self.superseded():
            seen.release(max([newest, *self.read_to.values()]))
            self.read_to.clear()
        if self.superseded():
            seen.hold()  # for the session that has begun: there was no mark yet that it could have held
        return True

    # --- what -------------------------------------------------------------------------------------------------

    async def _hand_over(self, mark: int) -> None:
        """Read in rounds, a page of each channel, so that no channel keeps us from another."""
        self._requests = self._messages = 0
        self._most = (_REQUESTS, _MESSAGES)
        unread = await self._channels(mark)
        while unread and not self.superseded():
            place = unread.popleft()
            channel = await self._found(place)
            if channel and _has_news(channel, self._after(channel.id, mark)) and await self._page(channel, mark):
                unread.append(place)
        log.info(
            "discord caught up",
            shard=self.shard.name,
            messages=self._messages,
            requests=self._requests,
            complete=not unread,
        )

    async def _page(self, channel: Readable, mark: int) -> bool:
        """Hand a page over. Returns whether there may be more."""
        await self._request()
        after, read = discord.Object(self._after(channel.id, mark)), 0
        try:
            async for message in channel.history(limit=_PAGE, after=after, oldest_first=True):
                self._messages += await self._take(message)
                self.read_to[channel.id] = message.id
                read += 1
        except (discord.Forbidden, discord.NotFound) as error:
            log.info("discord channel not read", code=error.code)
            return False
        return read == _PAGE

    async def _take(self, message: discord.Message) -> bool:
        try:
            return await self.receive(message)
        except StoreUnavailable:
            raise
        except Exception:  # one message that cannot be understood must not keep all the others from being answered
            log.exception("message not caught up", message_id=message.id)
            return True

    async def _request(self) -> None:
        """Before a request: wait when enough was asked for, or handed over, at once."""
        requests, messages = self._most
        if self._requests >= requests or self._messages >= messages:
            told = {"messages": self._messages, "requests": self._requests, "complete": False}
            log.info("discord caught up in part", shard=self.shard.name, goes_on_in=_PAUSE, **told)
            await sleep(_PAUSE)
            self._most = (self._requests + _REQUESTS, self._messages + _MESSAGES)
        self._requests += 1

    def _after(self, channel: int, mark: int) -> int:
        """The last message of a channel that is known, or too old."""
        oldest = discord.utils.time_snowflake(datetime.fromtimestamp(time.time(), UTC) - _OLDEST)
        return max(mark, oldest, self.read_to.get(channel, 0))

    # --- where ------------------------------------------------------------------------------------------------

    async def _channels(self, mark: int) -> deque[Place]:
        """Channels in which something may have been said after the mark, live conversations first.

        Of direct messages and archived threads Discord tells nothing; the database knows them.
        """
        told = [channel for guild in self.client.guilds for channel in spoken_in(guild)]
        self._known = {channel.id: channel for channel in told}
        places: list[Place] = [*await self._live(), *((channel.guild.id, channel.id) for channel in told)]
        silent = {channel.id for channel in told if not _has_news(channel, self._after(channel.id, mark))}
        return deque(place for place in dict.fromkeys(places) if place[1] not in silent)

    async def _live(self) -> list[Place]:
        """Places of live conversations, direct messages first."""
        servers = [kind_of(guild.id) for guild in self.client.guilds if self.shard.holds(guild.id)]
        kinds = [kind_of(None), *servers] if self.shard.holds(None) else servers
        since = time.time() - _LIVE.total_seconds()
        live = await self.reception.live_conversations(since, kinds, NO_CHANNEL)
        return [place for place in map(channel_in, live) if place]

    async def _found(self, place: Place) -> Readable | None:
        """The channel of a place. One that Discord did not tell of is asked for, once."""
        guild, channel = place
        if guild is None:
            return self.client.get_partial_messageable(channel)
        if channel not in self._known:
            await self._request()
            try:
                found = await self.client.fetch_channel(channel)
            except (discord.Forbidden, discord.NotFound, discord.InvalidData):  # deleted, closed, or never opened
                return None
            if not isinstance(found, Spoken):
                return None
            self._known[channel] = found
        return self._known[channel]


def newest_known(client: discord.Client) -> int:
    """The youngest message that the session's beginning told of: Discord's own clock, whatever ours says."""
    last = [channel.last_message_id or 0 for guild in client.guilds for channel in spoken_in(guild)]
    return max([client.application_id or 0, *last])


def spoken_in(guild: discord.Guild) -> Sequence[Spoken]:
    """Where people write in a server, as far as Discord tells at the beginning of a session."""
    return [*guild.text_channels, *guild.voice_channels, *guild.threads]


def _has_news(channel: Readable, after: int) -> bool:
    """Whether something was said after that; nobody tells of direct messages, so they have to be read."""
    return not isinstance(channel, Spoken) or (channel.last_message_id or 0) > after
