"""The real discord.py against the stand-in server, with a relay that only writes down."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr

from adapters.discord import DiscordAdapter, DiscordConfig
from bot.playground.discord import DiscordStandIn
from bot.ports import Store
from tests.support.reception import RecordingReception


class Bench:
    """One server, one adapter, one recording relay."""

    def __init__(self, server: DiscordStandIn, adapter: DiscordAdapter, reception: RecordingReception) -> None:
        self.server = server
        self.adapter = adapter
        self.reception = reception

    def channel(self, name: str) -> str:
        """Id of a channel by its name."""
        return next(channel.id for channel in self.server.view().channels if channel.name == name)

    def dm(self, person: str) -> str:
        """Id of a person's direct message with the bot."""
        return next(channel.id for channel in self.server.view().channels if channel.person == person)


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    """discord.py keeps its addresses in class attributes: put them back."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@pytest.fixture
async def bench(sqlite_store: Store) -> AsyncIterator[Bench]:
    """A connected bench."""
    async with connected(sqlite_store) as made:
        yield made


@asynccontextmanager
async def connected(store: Store, *, message_content: bool = True) -> AsyncIterator[Bench]:
    """Start everything and wait for the connection."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DiscordStandIn())
        config = DiscordConfig(
            token=SecretStr(server.token),
            api_url=server.api_url,
            gateway_url=server.gateway_url,
            guild_id=int(server.guild_id),
            message_content=message_content,
        )
        adapter = DiscordAdapter(config, store.notes)
        stack.push_async_callback(adapter.close)
        reception = RecordingReception()
        await stack.enter_async_context(adapter.running(reception))
        await server.wait_for(lambda: server.view().commands)
        yield Bench(server, adapter, reception)
