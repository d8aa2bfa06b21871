"""The gateway: connected for as long as it is wanted, whatever ends a client in between."""

import asyncio
import time
from collections.abc import Coroutine
from typing import cast

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket

from adapters.discord.buttons import RunButton
from adapters.discord.catch_up import catch_up
from adapters.discord.client import make_client
from adapters.discord.errors import refused
from adapters.discord.handlers import Handlers
from adapters.discord.inbound import from_message
from adapters.discord.interactions import Interactions
from adapters.discord.recent import Recent
from adapters.discord.seen import Seen
from adapters.discord.settings import DiscordConfig
from bot.errors import StoreUnavailable
from bot.ports import Notes
from bot.relay.contract import Operation, Reception, Verdict

log = structlog.get_logger()

_NOT_TAKEN = "I could not take that down just now. Please try again in a moment."
GOODBYE = 3.0
"""Seconds for events in work when a client ends: nothing that Discord delivered is delivered again."""


class Connection:
    """Receives. Nothing that belongs to an answer is written through its clients, so they may end at any time."""

    def __init__(self, config: DiscordConfig, notes: Notes, reception: Reception) -> None:
        """Hand events to `reception`; `notes` remembers which commands are registered."""
        self._config = config
        self._notes = notes
        self._reception = reception
        self._content = config.message_content
        self._handlers = Handlers()
        self._recent = Recent()
        self._seen = Seen(notes)
        self._catching_up = asyncio.Lock()
        self.ready = asyncio.Event()
        """Set when Discord delivers events for the first time."""

    async def stay(self) -> None:
        """Stay connected, and remember how far messages have been dealt with.

        Raises:
            OperatorError: the token is refused, now or later.
        """
        keeping = asyncio.create_task(self._seen.keep())
        try:
            await self._serve()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await _to_the_end(self._seen.write())

    async def _serve(self) -> None:
        """Stay connected: a client that ends is replaced.

        Raises:
            OperatorError: the token is refused, now or later.
        """
        while True:
            client = self._listening()
            try:
                await client.login(self._config.token.get_secret_value())
                await self._seen.load(client.application_id or 0)
                await client.connect(reconnect=True)
            except discord.LoginFailure as error:
                raise refused() from error
            except discord.PrivilegedIntentsRequired:
                self._content = False
                log.warning(
                    "message content intent refused; follow-ups in threads need a mention. Enable it on the Bot page, "
                    "or set DISCORD_MESSAGE_CONTENT=false"
                )
                continue
            except Exception:  # a frame that discord.py cannot parse ends it with any error; the bot must come back
                log.exception("discord client ended")
            finally:
                await _to_the_end(self._end(client))
            await asyncio.sleep(self._config.restart_pause)

    async def _end(self, client: discord.Client) -> None:
        """End a client for good: its session, so that Discord knows at once, then the events in work, then the rest."""
        socket = cast("DiscordWebSocket | None", client.ws)  # None until the first connection
        if socket is not None and socket.open:
            await socket.close(code=1000)
        await self._handlers.finish(GOODBYE)
        await client.close()

    async def _catch_up(self, client: discord.Client) -> None:
        async with self._catching_up:
            await catch_up(client, self._seen, lambda message: self._receive(client, message), time.time())

    def _listening(self) -> discord.Client:
        """A client with all handlers, not connected yet."""
        client = make_client(self._config, message_content=self._content)
        client.add_dynamic_items(RunButton)
        interactions = Interactions(client, self._reception, self._handlers, self._recent, time.time)

        async def on_connect() -> None:
            self._seen.hold()  # a session begins: before its first message, so that none hides what was missed

        async def on_ready() -> None:
            with self._handlers.one():
                if (
                    self._seen.mark is None
                ):  # the very first start: from here on nothing is missed, so keep that at once
                    await self._catch_up(client)
                    await self._seen.write()
                    self.ready.set()
                    await self._register(interactions)
                    return
                self.ready.set()
                await self._register(interactions)
                await self._catch_up(client)

        async def on_message(message: discord.Message) -> None:
            with self._handlers.one(), self._seen.taking(message.id, _dm(message)):
                await self._receive(client, message)

        async def on_run_button(interaction: discord.Interaction, op: Operation, run_id: str) -> None:
            with self._handlers.one():
                await interactions.press(interaction, op, run_id)

        for handler in (on_connect, on_ready, on_message, on_run_button):
            client.event(handler)
        return client

    async def _register(self, interactions: Interactions) -> None:
        try:
            changed = await interactions.sync(self._notes, self._config.guild_id)
        except (discord.DiscordException, aiohttp.ClientError, OSError, StoreUnavailable) as error:
            log.warning("discord commands not registered", error=str(error) or type(error).__name__)
        else:
            log.info("discord connected", commands_registered=changed)

    async def _receive(self, client: discord.Client, message: discord.Message) -> None:
        inbound = from_message(message, client.user.id if client.user else 0)
        if inbound is None:
            return
        try:
            verdict = await self._reception.receive(inbound)
        except StoreUnavailable:
            # Discord sends nothing twice: the person has to know.
            log.exception("message not accepted", message_id=message.id)
            await _tell(message, told=inbound.addressed)
            return
        event = inbound.event
        if verdict in (Verdict.ACCEPTED, Verdict.QUEUED):
            self._recent.note(str(message.channel.id), event.author.id, event.conversation)
        if verdict is Verdict.QUEUED:
            await _mark(message, "⏳")


def _dm(message: discord.Message) -> int | None:
    return None if message.guild or message.author.bot else message.channel.id


async def _tell(message: discord.Message, *, told: bool) -> None:
    """Say that a message was not taken; a mark where we may not be meant, or where we cannot speak."""
    try:
        if told:
            await message.reply(_NOT_TAKEN)
            return
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("reply refused", error=str(error) or type(error).__name__)
    await _mark(message, "⚠️")


async def _mark(message: discord.Message, emoji: str) -> None:
    try:
        await message.add_reaction(emoji)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("reaction refused", error=str(error) or type(error).__name__)


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Do it all, also when cancelled meanwhile: half an end leaves connections open."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
