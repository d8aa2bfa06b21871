"""The Discord adapter."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from adapters.discord.client import channel_bucket, token_bucket
from adapters.discord.connection import Connection
from adapters.discord.files import download
from adapters.discord.markup import DiscordDialect
from adapters.discord.outbound import Writer
from adapters.discord.places import Place, Ref
from adapters.discord.rest import Rest
from adapters.discord.settings import DiscordConfig
from bot.domain.deliveries import Address, RemoteFile
from bot.ports import Notes
from bot.relay.contract import Capabilities, Outbound, Pacing, Posted, RateSignal, Reception

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


class DiscordAdapter:
    """One Discord application. Writing works without `running`, so worker processes need no gateway."""

    capabilities = CAPABILITIES
    dialect = DiscordDialect()

    def __init__(self, config: DiscordConfig, notes: Notes) -> None:
        """Prepare; nothing is connected yet. `notes` remembers which commands are registered."""
        self._config = config
        self._notes = notes
        self._reception: Reception | None = None
        self._rest = Rest(config, self._signal)
        self._writer = Writer(self._rest.client, time.time)

    @asynccontextmanager
    async def running(self, reception: Reception) -> AsyncGenerator[asyncio.Future[None]]:
        """Connect, stay connected, hand events over.

        Raises:
            OperatorError: the token is refused. The future raises the same when that happens later.
        """
        self._reception = reception
        connection = Connection(self._config, self._notes, reception)
        supervisor = asyncio.create_task(connection.stay(), name="discord")
        ready = asyncio.create_task(connection.ready.wait())
        try:
            await asyncio.wait({supervisor, ready}, return_when=asyncio.FIRST_COMPLETED)
            if supervisor.done():
                supervisor.result()
            yield supervisor
        finally:
            ready.cancel()
            supervisor.cancel()
            await asyncio.gather(supervisor, ready, return_exceptions=True)

    async def close(self) -> None:
        """Close the REST connection, after the last edit."""
        await self._rest.close()

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

    def _signal(self, signal: RateSignal) -> None:
        if self._reception is not None:
            self._reception.rate(signal)
