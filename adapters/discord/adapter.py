"""The Discord adapter."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from adapters.discord.check_up import CheckUp
from adapters.discord.client import Traffic, channel_bucket, person_bucket, token_bucket
from adapters.discord.connection import Connection
from adapters.discord.context import Context
from adapters.discord.errors import refused
from adapters.discord.files import Downloads
from adapters.discord.identifies import Identifies
from adapters.discord.markup import DiscordDialect
from adapters.discord.outbound import Writer
from adapters.discord.places import REQUEST_LIMIT, Place, Ref
from adapters.discord.rest import Rest
from adapters.discord.settings import DiscordConfig
from adapters.discord.shards import Shard
from bot.domain.deliveries import Address, Heard, RemoteFile
from bot.errors import Unauthorised
from bot.ports import Notes
from bot.relay.contract import Capabilities, Finding, Outbound, Pacing, Posted, RateSignal, Reception, Terms
from bot.relay.waiting import patiently
from bot.unbroken import unbroken

CAPABILITIES = Capabilities(
    platform="discord",
    label="Discord",
    soft_limit=1_900,
    hard_limit=2_000,
    measure="utf16",
    max_segments=5,
    chooses=True,
    pacing=Pacing(limit=5, window=5.0, reserve=1, min_interval=0.7),
    max_file_bytes=10 * 1024 * 1024,
    status_refresh=8.0,
)
"""Limits as Discord documents them (2,000 characters, 10 MiB). The bucket of 5 per 5 s is folklore, only the start."""
_GUEST_MESSAGES = 5


class DiscordAdapter:
    """One Discord application. Writing works without a connection, so worker processes need no gateway."""

    capabilities = CAPABILITIES
    dialect = DiscordDialect()

    def __init__(self, config: DiscordConfig, notes: Notes) -> None:
        """Prepare; nothing is connected yet. `notes` remembers commands and how far messages have been dealt with."""
        self._config = config
        self._notes = notes
        self._tell: Callable[[RateSignal], None] = lambda _: None
        self._identifies = Identifies(config.identify_interval)
        self._traffic = Traffic(signal=lambda signal: self._tell(signal))
        self._rest = Rest(config, self._traffic)
        self._writer = Writer(self._rest.client, config.request_patience)
        self._context = Context(self._rest.client)
        self._downloads = Downloads(self._rest.client, config.api_url)

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        """From now on tell what replies to messages and edits say about limits."""
        self._tell = tell

    def divide_among(self, processes: Callable[[], int]) -> None:
        """So many processes share the global limit of the token."""
        self._traffic.ceiling.among = processes

    async def connections(self) -> tuple[str, ...]:
        """One a shard, as many as Discord recommends. Waits while Discord is away.

        Raises:
            OperatorError: the token is refused.
        """
        try:
            gateway = await patiently(self._rest.gateway, "discord")
        except Unauthorised as error:
            raise refused() from error
        self._identifies.max_concurrency = gateway.session_start_limit.max_concurrency
        count = gateway.shards
        return tuple(Shard(application=gateway.application, index=index, count=count).name for index in range(count))

    @asynccontextmanager
    async def connected(self, name: str, reception: Reception) -> AsyncGenerator[asyncio.Future[None]]:
        """Connect one shard, stay connected, hand its events over.

        Raises:
            OperatorError: the token is refused. The future raises the same when that happens later.
        """
        connection = Connection(
            self._config, self._notes, Shard.named(name), self._identifies, self._traffic, reception
        )
        supervisor = asyncio.create_task(connection.stay(), name=name)
        ready = asyncio.create_task(connection.ready.wait())
        try:
            await asyncio.wait({supervisor, ready}, return_when=asyncio.FIRST_COMPLETED)
            if supervisor.done():
                supervisor.result()
            yield supervisor
        finally:
            await unbroken(_ended(ready, supervisor))

    async def close(self) -> None:
        """Close the REST connection, after the last edit."""
        await self._rest.close()

    def terms(self, address: Address) -> Terms:
        """One bucket a channel; an interaction's own message has its own."""
        place = Place.model_validate(address.place)
        elsewhere = person_bucket(place.person) if place.audience else channel_bucket(place.target)
        own = self._writer.tokens.good(place)
        return Terms(
            bucket=token_bucket(place.token) if own else elsewhere,
            max_segments=_most(place),
            max_file_bytes=place.max_file_bytes,
            max_files_bytes=REQUEST_LIMIT,
        )

    async def context(self, address: Address, most: int) -> tuple[Heard, ...]:
        """What was said before in the thread, or up the chain of replies, or in a channel that is one conversation."""
        return await self._context.before(Place.model_validate(address.place), most)

    async def check_up(self) -> tuple[Finding, ...]:
        """Examine the application at Discord."""
        return await CheckUp(self._rest.client, self._config).findings()

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message."""
        return await self._writer.post(Place.model_validate(address.place), outbound, key)

    async def find(self, address: Address, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        """Look for a message that may have been created."""
        others = [Ref.model_validate(ref) for ref in known]
        return await self._writer.find(Place.model_validate(address.place), key, since, others)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> Terms | None:
        """Replace a message. While Discord refuses too much, what is not its end is left out."""
        if self._traffic.invalid.enough and _is_interim(outbound):
            return None
        await self._writer.edit(Place.model_validate(address.place), Ref.model_validate(ref), outbound)
        return None

    async def status(self, address: Address, text: str | None) -> None:
        """Show typing; a command's "is thinking…" is shown by Discord itself, and typing ends by itself."""
        place = Place.model_validate(address.place)
        if text and not place.token and not place.audience:
            await self._writer.typing(place)

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces."""
        return self._downloads.pieces(file)


def _is_interim(outbound: Outbound) -> bool:
    """Whether another edit of the same message will certainly come: its answer can still be stopped."""
    ends = outbound.final or outbound.asking or outbound.complete
    return not ends and any(button.op == "stop" for button in outbound.buttons)


def _most(place: Place) -> int | None:
    """Messages of an interaction where we are no member: its own and five more; one is kept for a lost one."""
    return _GUEST_MESSAGES if place.audience == "guest" else None


async def _ended(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
