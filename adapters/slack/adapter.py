"""Slack behind `bot.relay.contract.Adapter`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.courtesies import courtesies
from adapters.slack.downloads import download
from adapters.slack.errors import refused
from adapters.slack.inbound import Reader
from adapters.slack.ingress import Ingress
from adapters.slack.lookup import find
from adapters.slack.markup import SlackDialect
from adapters.slack.outbound import Writer
from adapters.slack.patience import patiently
from adapters.slack.places import PLATFORM, Place, Ref
from adapters.slack.settings import SlackConfig
from adapters.slack.socket import BOT_TOKEN, Watch, listening
from adapters.slack.users import Users
from bot.domain.deliveries import Address, RemoteFile
from bot.errors import PlatformError
from bot.relay.contract import Capabilities, Outbound, Pacing, Posted, Reception

log = structlog.get_logger()

CAPABILITIES = Capabilities(
    platform=PLATFORM,
    label="Slack",
    # A markdown block holds 12,000 characters, all blocks together about 13,200; counted in bytes to be sure.
    soft_limit=9_000,
    hard_limit=11_500,
    measure="utf8",
    max_segments=20,
    # `chat.update` allows 50 a minute for the whole workspace; four fifths of that, a quarter kept for last edits.
    pacing=Pacing(limit=40, window=60.0, reserve=10, min_interval=1.2, max_interval=10.0),
    # `chat.postMessage` allows about one a second in a channel, with short bursts.
    posts=Pacing(limit=3, window=3.0, reserve=0, min_interval=0),
    max_file_bytes=20 * 1_048_576,
    # A status line vanishes after two minutes.
    status_refresh=100.0,
)


class SlackAdapter:
    """One Slack workspace. Writing works without `running`, so worker processes need no socket.

    Call `close` at the very end: answers may still be written after `running` has been left.
    """

    capabilities = CAPABILITIES
    dialect = SlackDialect()

    def __init__(self, config: SlackConfig, watch: Watch | None = None) -> None:
        self._config = config
        self._watch = watch
        self._api = SlackApi(config)
        self._writer = Writer(self._api)

    @asynccontextmanager
    async def running(self, reception: Reception) -> AsyncGenerator[asyncio.Future[None]]:
        """Receive events over Socket Mode. Waits for Slack when it cannot be reached.

        Raises:
            OperatorError: Slack refused one of the tokens. The future raises the same when that happens later.
        """
        try:
            identity = await patiently(self._api.identity)
        except PlatformError as error:
            raise refused(BOT_TOKEN, error) from error
        reader = Reader(identity, Users(self._api))
        async with courtesies() as small_things:
            app = Ingress(self._api, identity, reader, reception, small_things).app()
            token = self._config.app_token.get_secret_value()
            async with listening(self._api, app, token, self._config.connections, self._watch) as connected:
                log.info("slack running", team=identity.team_id, bot_user=identity.user_id)
                yield connected

    async def close(self) -> None:
        """Close the connections to the Web API."""
        await self._api.close()

    def bucket(self, address: Address) -> str:
        """Edits share one limit in the whole workspace."""
        return f"{PLATFORM}:{Place.of(address).team}"

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message, in one request that is never repeated here."""
        return await self._writer.post(Place.of(address), outbound, key)

    async def find(self, address: Address, key: str, since: float, known: object = None) -> Posted | None:
        """Look for a message by the key in its metadata, which each of them carries."""
        del known
        return await find(self._api, Place.of(address), key, since)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> None:
        """Replace a message and attach its files."""
        await self._writer.edit(Place.of(address), Ref.model_validate(ref), outbound)

    async def status(self, address: Address, text: str | None) -> None:
        """Show or clear the status line of the thread."""
        await self._writer.status(Place.of(address), text)

    def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces."""
        return download(self._api, file)
