"""The Discord adapter."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import discord
import structlog
from discord.gateway import DiscordWebSocket

from adapters.discord.buttons import RunButton
from adapters.discord.client import channel_bucket, make_client, token_bucket
from adapters.discord.files import download
from adapters.discord.inbound import from_message
from adapters.discord.interactions import Interactions
from adapters.discord.markup import DiscordDialect
from adapters.discord.outbound import Writer
from adapters.discord.places import Place, Ref
from adapters.discord.settings import DiscordConfig
from bot.domain.deliveries import Address, RemoteFile
from bot.errors import OperatorError, StoreUnavailable
from bot.ports import Notes
from bot.relay.contract import Capabilities, Outbound, Pacing, Posted, RateSignal, Reception, Verdict

log = structlog.get_logger()

CAPABILITIES = Capabilities(
    platform="discord",
    label="Discord",
    soft_limit=1_900,
    hard_limit=2_000,
    measure="utf16",
    max_segments=5,
    pacing=Pacing(limit=5, window=5.0, reserve=1, min_interval=0.7),
    max_file_bytes=10 * 1024 * 1024,
    status_refresh=8.0,
)
"""Limits as Discord documents them (2,000 characters, 10 MiB). The bucket of 5 per 5 s is folklore, only the start."""

_RESTART_PAUSE = 5.0
"""Seconds before a client that ended with an error is made anew; 1,000 IDENTIFYs a day are allowed."""


class DiscordAdapter:
    """Implements `bot.relay.contract.Adapter`."""

    def __init__(self, config: DiscordConfig, notes: Notes) -> None:
        """Prepare; nothing is connected yet. `notes` remembers which commands are registered."""
        self.capabilities = CAPABILITIES
        self.dialect = DiscordDialect()
        self._config = config
        self._notes = notes
        self._content = config.message_content
        self._client: discord.Client | None = None
        self._writer = Writer(self._connected, time.time)

    @asynccontextmanager
    async def running(self, reception: Reception) -> AsyncGenerator[None]:
        """Connect, stay connected, hand events over.

        Raises:
            OperatorError: the token is refused.
        """
        ready = asyncio.Event()
        supervisor = asyncio.create_task(self._stay_connected(reception, ready), name="discord")
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({supervisor, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if supervisor.done():
                supervisor.result()
            yield
        finally:
            waiting.cancel()
            supervisor.cancel()
            await asyncio.gather(supervisor, waiting, return_exceptions=True)

    async def close(self) -> None:
        """Close the REST connection, after the last edit."""
        if self._client:
            await self._client.close()

    def bucket(self, address: Address) -> str:
        """One bucket a channel; an interaction's own message has its own."""
        place = Place.model_validate(address.place)
        return token_bucket(place.token) if place.token_lives(time.time()) else channel_bucket(place.target)

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message."""
        return await self._writer.post(Place.model_validate(address.place), outbound, key)

    async def find(self, address: Address, key: str, since: float) -> Posted | None:
        """Look for a message that may have been created."""
        return await self._writer.find(Place.model_validate(address.place), key, since)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> None:
        """Replace a message."""
        await self._writer.edit(Place.model_validate(address.place), Ref.model_validate(ref), outbound)

    async def status(self, address: Address, text: str | None) -> None:
        """Show typing; a command's "is thinking…" is shown by Discord itself, and typing ends by itself."""
        place = Place.model_validate(address.place)
        if text and not place.token:
            await self._writer.typing(place)

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces."""
        return download(file, self._config.api_url)

    # --- connection ---------------------------------------------------------------------------------------------

    def _connected(self) -> discord.Client:
        if self._client is None:
            raise RuntimeError("the Discord adapter is not running")
        return self._client

    async def _stay_connected(self, reception: Reception, ready: asyncio.Event) -> None:
        while True:
            await self.close()
            client = self._client = self._listening(reception, ready)
            try:
                await client.login(self._config.token.get_secret_value())
                await client.connect(reconnect=True)
            except discord.LoginFailure as error:
                raise OperatorError(
                    "DISCORD_TOKEN is not accepted by Discord: copy it again from the Bot page."
                ) from error
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
                await _hang_up(client)
            await asyncio.sleep(_RESTART_PAUSE)

    def _listening(self, reception: Reception, ready: asyncio.Event) -> discord.Client:
        """A client with all handlers, not connected yet."""

        def signal(rate: RateSignal) -> None:
            reception.rate(rate)

        client = make_client(self._config, signal, message_content=self._content)
        client.add_dynamic_items(RunButton)
        interactions = Interactions(client, reception, time.time)

        async def on_ready() -> None:
            ready.set()
            changed = await interactions.sync(self._notes, self._config.guild_id)
            log.info("discord connected", commands_registered=changed)

        async def on_message(message: discord.Message) -> None:
            await self._receive(client, reception, message)

        async def on_run_button(interaction: discord.Interaction, op: str, run_id: str) -> None:
            await interactions.press(interaction, op, run_id)

        for handler in (on_ready, on_message, on_run_button):
            client.event(handler)
        return client

    async def _receive(self, client: discord.Client, reception: Reception, message: discord.Message) -> None:
        inbound = from_message(message, client.user.id if client.user else 0)
        if inbound is None:
            return
        try:
            verdict = await reception.receive(inbound)
        except StoreUnavailable:
            # Discord sends nothing twice: the person has to know.
            log.exception("message not accepted", message_id=message.id)
            await self._mark(message, "⚠️")
            return
        if verdict is Verdict.QUEUED:
            await self._mark(message, "⏳")

    async def _mark(self, message: discord.Message, emoji: str) -> None:
        try:
            await message.add_reaction(emoji)
        except discord.HTTPException as error:
            log.info("reaction refused", code=error.code)


async def _hang_up(client: discord.Client) -> None:
    """End the gateway session only: edits of answers that are being written still go out over REST."""
    socket = cast("DiscordWebSocket | None", client.ws)  # None until the first connection
    if socket is not None and socket.open:
        await socket.close(code=1000)
