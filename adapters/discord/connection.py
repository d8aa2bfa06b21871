"""One shard's gateway connection: there for as long as it is wanted, whatever ends a client in between."""

import asyncio
import time
from typing import cast

import discord
import structlog
from discord import app_commands
from discord.gateway import DiscordWebSocket

from adapters.discord.buttons import RunButton
from adapters.discord.catch_up import Missed
from adapters.discord.client import GatewayClient, Traffic
from adapters.discord.errors import refused
from adapters.discord.handlers import Handlers
from adapters.discord.hint import Hint
from adapters.discord.identifies import Identifies
from adapters.discord.interactions import Interactions
from adapters.discord.marks import seen_of
from adapters.discord.messages import Messages
from adapters.discord.registration import register
from adapters.discord.settings import DiscordConfig
from adapters.discord.shards import Shard
from bot.errors import StoreUnavailable, Unauthorised
from bot.ports import Notes
from bot.relay.contract import Reception
from bot.relay.queues import Queues
from bot.relay.seen import Seen
from bot.unbroken import unbroken

log = structlog.get_logger()

GOODBYE = 3.0
"""Seconds for events in work when a client ends: nothing that Discord delivered is delivered again."""
_LONGEST_PAUSE = 120.0
"""Seconds between two clients that end soon. So there are no more than Discord's 1,000 IDENTIFYs a day."""
_LIVED = 60.0
"""A client that ends after so many seconds did not end soon."""
_SERVERS_WITHIN = 10.0
"""Seconds to wait until Discord has told of every server."""


class Connection:
    """Receives. Nothing that belongs to an answer is written through its clients, so they may end at any time."""

    def __init__(
        self,
        config: DiscordConfig,
        notes: Notes,
        shard: Shard,
        identifies: Identifies,
        traffic: Traffic,
        reception: Reception,
    ) -> None:
        """Hand the events of `shard` to `reception`; `notes` remembers commands and how far messages are dealt with."""
        self._config = config
        self._notes = notes
        self._shard = shard
        self._identifies = identifies
        self._traffic = traffic
        self._reception = reception
        self._content = config.message_content
        self._handlers = Handlers()
        self._queues = Queues()
        self._catching_up = asyncio.Lock()
        self._read_to: dict[int, int] = {}
        self._sessions = 0
        self.ready = asyncio.Event()
        """Set when Discord delivers events for the first time."""

    async def stay(self) -> None:
        """Stay connected, and remember how far messages have been dealt with.

        Raises:
            OperatorError: the token is refused, now or later.
        """
        seen = await self._seen()
        keeping = asyncio.create_task(seen.keep())
        try:
            await self._serve(seen)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await unbroken(seen.write())

    async def _seen(self) -> Seen:
        """The mark as the last keeper left it."""
        while True:
            try:
                return await seen_of(self._notes, self._shard)
            except StoreUnavailable as error:
                log.warning("discord mark not read", shard=self._shard.name, error=str(error))
                await asyncio.sleep(self._config.restart_pause)

    async def _serve(self, seen: Seen) -> None:
        """Stay connected: a client that ends is replaced.

        Raises:
            OperatorError: the token is refused, now or later.
        """
        pause = self._config.restart_pause
        while True:
            client, began = self._listening(seen), time.monotonic()
            try:
                await client.login(self._config.token.get_secret_value())
                await client.connect(reconnect=True)
            except (discord.LoginFailure, Unauthorised) as error:
                raise refused() from error
            except discord.PrivilegedIntentsRequired:
                self._content = False
                log.warning(
                    "message content intent refused; follow-ups in threads need a mention. Enable it on the Bot page, "
                    "or set DISCORD_MESSAGE_CONTENT=false"
                )
                continue
            except Exception:  # a frame that discord.py cannot parse ends it with any error; the bot must come back
                log.exception("discord client ended", shard=self._shard.name)
            finally:
                await unbroken(self._end(client))
            if time.monotonic() - began > _LIVED:
                pause = self._config.restart_pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _end(self, client: discord.Client) -> None:
        """End a client for good: its session, so that Discord knows at once, then the events in work, then the rest."""
        socket = cast("DiscordWebSocket | None", client.ws)  # None until the first connection
        if socket is not None and socket.open:
            await socket.close(code=1000)
        await self._handlers.finish(GOODBYE)
        await client.close()

    def _listening(self, seen: Seen) -> discord.Client:
        """A client with all handlers, not connected yet."""
        client = GatewayClient(
            self._config, self._shard, self._identifies, self._traffic, message_content=self._content
        )
        client.add_dynamic_items(RunButton)
        tree = app_commands.CommandTree(client)
        interactions = Interactions(client, tree, self._reception, self._handlers, self._config)
        messages = Messages(client, self._reception, self._queues, self._config.store_patience, Hint(self._notes))
        messages.follow(self._handlers)
        interactions.follow()
        server = asyncio.Event()

        async def on_connect() -> None:
            self._sessions += 1
            seen.hold()  # a session begins: before its first message, so that none hides what was missed

        async def on_guild_available(_: discord.Guild) -> None:
            server.set()

        async def on_ready() -> None:
            with self._handlers.one():
                await self._begun(client, seen, server, tree, messages)

        async def on_message(message: discord.Message) -> None:
            with self._handlers.one(), seen.taking(message.id):
                await messages.said(message)

        async def on_guild_remove(guild: discord.Guild) -> None:
            log.warning("discord server left: the bot was removed, or the server deleted", server_id=guild.id)

        for handler in (
            on_connect,
            on_guild_available,
            on_ready,
            on_message,
            on_guild_remove,
        ):
            client.event(handler)
        return client

    async def _begun(
        self,
        client: discord.Client,
        seen: Seen,
        server: asyncio.Event,
        tree: app_commands.CommandTree,
        messages: Messages,
    ) -> None:
        """A session has begun: say so, register the commands, read what was missed.

        The very first one ever has missed nothing. Before it is called ready that is written down: whatever is said
        from then on is not missed any more.
        """
        first = seen.mark is None
        if not first:
            self.ready.set()
        await _all_told(client, server)
        if first:
            await self._catch_up(client, seen, messages)
            await seen.write()
            self.ready.set()
        if self._shard.index == 0:
            await self._register(tree)
        if not first:
            await self._catch_up(client, seen, messages)

    async def _catch_up(self, client: discord.Client, seen: Seen, messages: Messages) -> None:
        """Read what was missed, until it has been read or another session has begun, which then reads it."""
        session, pause = self._sessions, self._config.restart_pause
        missed = Missed(
            client=client,
            shard=self._shard,
            reception=self._reception,
            receive=messages.accept,
            read_to=self._read_to,
            superseded=lambda: self._sessions != session,
        )
        async with self._catching_up:
            while not await missed.read(seen):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _register(self, tree: app_commands.CommandTree) -> None:
        changed = await register(tree, self._notes, self._config.guild_id)
        log.info("discord connected", commands_registered=changed)


async def _all_told(client: discord.Client, server: asyncio.Event) -> None:
    """Wait until Discord has told of every server: of the others nobody knows what was said last."""
    try:
        async with asyncio.timeout(_SERVERS_WITHIN):
            while any(guild.unavailable for guild in client.guilds):
                server.clear()
                await server.wait()
    except TimeoutError:
        log.warning("discord has not told of every server")
