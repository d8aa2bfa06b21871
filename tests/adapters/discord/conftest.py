"""The real discord.py against the stand-in server, with a relay that only writes down."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from pydantic import SecretStr

from adapters.discord import DiscordAdapter, DiscordConfig
from bot.domain.deliveries import RemoteFile
from bot.playground.discord import DiscordRules, DiscordStandIn
from bot.ports import Store
from bot.relay.contract import Adapter, Posted
from tests.contract.adapter import Subject, Writing
from tests.contract.adapter import connected as all_connected
from tests.support.discord_spec import checked_against_spec
from tests.support.reception import RecordingReception


class Bench:
    """One server, one adapter, one recording relay."""

    def __init__(
        self, server: DiscordStandIn, adapter: DiscordAdapter, reception: RecordingReception, store: Store
    ) -> None:
        self.server = server
        self.adapter = adapter
        self.reception = reception
        self.store = store

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
async def opened(rules: DiscordRules | None = None) -> AsyncIterator[DiscordStandIn]:
    """A server under the official description's eye."""
    async with DiscordStandIn(rules=rules) as server:
        with checked_against_spec(server):
            yield server


@asynccontextmanager
async def keeping(
    server: DiscordStandIn, store: Store, reception: RecordingReception, *, everywhere: bool = False
) -> AsyncIterator[DiscordAdapter]:
    """A process of its own that keeps all shards, until the context is left."""
    adapter = adapter_of(server, store, everywhere=everywhere)
    try:
        async with all_connected(adapter, reception):
            yield adapter
    finally:
        await adapter.close()


@asynccontextmanager
async def connected(
    store: Store, rules: DiscordRules | None = None, *, everywhere: bool = False, withheld: int = 0
) -> AsyncIterator[Bench]:
    """Start everything and wait for the connection. The commands are those of the server, or registered everywhere.

    The permissions `withheld` nobody has but administrators.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(opened(rules))
        server.world.withheld = withheld
        reception = RecordingReception()
        adapter = await stack.enter_async_context(keeping(server, store, reception, everywhere=everywhere))
        adapter.on_limits(reception.rates.append)
        await server.wait_for(lambda: server.view().commands)
        yield Bench(server, adapter, reception, store)


def adapter_of(
    server: DiscordStandIn,
    store: Store,
    *,
    token: str = "",
    interval: float = 0.0,
    everywhere: bool = False,
    user_installs: bool = True,
) -> DiscordAdapter:
    """An adapter that is not connected yet; the token is the right one unless given."""
    config = DiscordConfig(
        token=SecretStr(token or server.token),
        api_url=server.api_url,
        gateway_url=server.gateway_url,
        guild_id=None if everywhere else int(server.guild_id),
        user_installs=user_installs,
        restart_pause=0.05,
        identify_interval=interval,
        store_patience=1.0,
    )
    return DiscordAdapter(config, store.notes)


class DiscordSubject(Subject):
    """Discord for the contract suite: mentions in a channel, answered in threads of their own."""

    def __init__(self, server: DiscordStandIn, store: Store) -> None:
        self.server = server
        self.store = store
        self.adapter = adapter_of(server, store)
        self.reception = RecordingReception()

    async def ask(self, text: str) -> None:
        await self.server.speak("ada", self.server.channel_id("general"), f"@Parley {text}")

    async def follow_up(self, posted: Posted, text: str) -> None:
        await self.server.speak("ben", posted.ref["channel"], text)

    def person(self) -> str:
        return f"<@{self.server.user_id('ben')}>"

    def shown(self) -> Sequence[str]:
        messages = [message for message in self.server.view().messages if message.author == "bot"]
        return [f"{message.html} {[button.label for button in message.buttons]}" for message in messages]

    def pinged(self) -> bool:
        return any(ping.because != "reply" for ping in self.server.pings)

    def deliver_twice(self) -> None:
        self.server.faults.add("MESSAGE_CREATE", "duplicate")

    def limit(self, writing: Writing, seconds: float) -> None:
        post, edit = "POST /channels/{channel_id}/messages", "PATCH /channels/{channel_id}/messages/{message_id}"
        self.server.faults.add(post if writing == "post" else edit, "429", seconds=seconds)

    def send_limits(self) -> None:
        """It always does."""

    def lose_answer(self) -> None:
        self.server.faults.add("POST /channels/{channel_id}/messages", "cut_after")

    def lost(self, posted: Posted) -> dict[str, str]:
        return {**posted.ref, "message": "1"}

    def remote_file(self, url: str) -> RemoteFile:
        return RemoteFile(name="x", source={"url": url})

    def peer(self) -> Adapter:
        return adapter_of(self.server, self.store)

    def connected(self) -> bool:
        return self.server.gateway.connected

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.server.wait_for(condition)

    def refused(self) -> Sequence[tuple[str, Adapter]]:
        return [("DISCORD_TOKEN", adapter_of(self.server, self.store, token="wrong.token.x"))]

    async def revoke(self) -> str:
        scene = self.server._scene  # the stand-in has no word for this
        scene.token = scene.greeting.token = "another"
        self.server.gateway.close(4004)
        return "DISCORD_TOKEN"


@pytest.fixture
async def subject(sqlite_store: Store) -> AsyncIterator[Subject]:
    async with opened() as server:
        yield DiscordSubject(server, sqlite_store)
