"""Slack behind `bot.relay.contract.Adapter`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from adapters.slack.check_up import check_up
from adapters.slack.context import heard_before
from adapters.slack.downloads import download
from adapters.slack.http import Door
from adapters.slack.inbound import Reader
from adapters.slack.installations import Installed
from adapters.slack.lookup import find
from adapters.slack.many import Many
from adapters.slack.markup import SlackDialect
from adapters.slack.modes import POSTS, UPDATES, terms
from adapters.slack.places import PLATFORM, Place, Ref
from adapters.slack.session import Sessions
from adapters.slack.settings import APP_TOKEN, SlackConfig
from adapters.slack.socket import listening
from adapters.slack.surface import Surface
from adapters.slack.watch import Watch
from adapters.slack.web import Web
from adapters.slack.whispers import terms as whispered
from adapters.slack.workspaces import Workspaces, configured
from bot.domain.deliveries import Address, Heard, RemoteFile
from bot.errors import OperatorError, PlatformError
from bot.ports import Notes
from bot.relay.contract import Capabilities, Finding, Outbound, Posted, RateSignal, Reception, Route, Terms

log = structlog.get_logger()

CAPABILITIES = Capabilities(
    platform=PLATFORM,
    label="Slack",
    # A markdown block holds 12,000 characters, all blocks together about 13,200, a native stream about 11,000 bytes.
    soft_limit=9_000,
    hard_limit=10_500,
    measure="utf8",
    max_segments=20,
    pacing=UPDATES,
    posts=POSTS,
    tasks=True,
    max_file_bytes=20 * 1_048_576,
    # A status line vanishes after two minutes; it is renewed a fifth earlier.
    status_refresh=120.0,
)


class SlackAdapter:
    """One Slack workspace, or all that have installed the app.

    Writing works without a connection, so worker processes need no socket and no app token. Call `close` at the very
    end: answers may still be written after the last connection was left.
    """

    capabilities = CAPABILITIES
    dialect = SlackDialect()

    def __init__(
        self, config: SlackConfig, notes: Notes, watch: Watch | None = None, installed: Installed | None = None
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            config: tokens, or the app's own credentials.
            notes: remembers how far messages have been dealt with.
            watch: how closely connections are watched.
            installed: where the app is installed, with `config.oauth`.
        """
        self._config = config
        self._watch = watch or Watch()
        self._web = Web(config)
        self._many = None if installed is None else Many(self._web, config, installed, notes, self._watch)
        self._workspaces: Workspaces = self._many.workspaces if self._many else configured(self._web, config)
        requests = config.signing_secret is not None
        self._sessions = Sessions(self._web, self._workspaces, notes, self._watch, requests=requests)

    def on_limits(self, tell: Callable[[RateSignal], None]) -> None:
        """Nothing is ever told: Slack's replies say nothing about limits before they are exceeded."""

    async def connections(self) -> tuple[str, ...]:
        """Sockets of the workspace that the bot token belongs to, or of the app. Waits for whoever cannot be reached.

        When Slack sends requests there are none, and one duty: reading what was said while nobody listened.

        Raises:
            OperatorError: Slack refused the bot token, or the key does not open what is kept of installations.
        """
        name = await self._workspaces.name()
        if self._config.signing_secret is not None:
            return (f"{PLATFORM}:{name}:catch-up",)
        return tuple(f"{PLATFORM}:{name}:socket {number}" for number in range(1, self._config.connections + 1))

    @asynccontextmanager
    async def connected(self, name: str, reception: Reception) -> AsyncGenerator[asyncio.Future[None]]:
        """Keep one socket and receive its events, or catch up, once. Waits for Slack when it cannot be reached.

        Raises:
            OperatorError: Slack refused one of the tokens, or there is no app token. The future raises the same when a
                token is refused later.
        """
        if self._config.signing_secret is not None:
            async with self._sessions.joined(reception) as session, session.catching_up():
                yield session.revoked
            return
        token = self._config.app_token
        if token is None:
            raise OperatorError(f"{APP_TOKEN} is missing: without it nothing can be received from Slack.")
        async with (
            self._sessions.joined(reception) as session,
            listening(name, self._web, token.get_secret_value(), session, self._watch) as gone,
        ):
            yield gone

    @asynccontextmanager
    async def webhooks(self, reception: Reception) -> AsyncGenerator[Sequence[Route]]:
        """Take what Slack sends to our web server, and people who install the app. Waits for Slack.

        Raises:
            OperatorError: Slack refused the bot token.
        """
        installing = self._many.installing(reception) if self._many else ()
        secret = self._config.signing_secret
        if secret is None:
            yield installing
            return
        async with self._sessions.joined(reception) as session:
            door = Door(secret.get_secret_value(), session.take, reception.first_time)
            yield (*door.routes(), *installing)

    async def close(self) -> None:
        """Close the connections to the Web API."""
        await self._web.close()

    def terms(self, address: Address) -> Terms:
        """Streams and edits share limits in the workspace; what only one person sees comes when it is complete."""
        place = Place.of(address)
        return whispered(place) if place.private else terms(self._config, place)

    async def context(self, address: Address, most: int) -> tuple[Heard, ...]:
        """What was said in the thread before the question, by people and other bots."""
        place = Place.of(address)
        async with self._workspaces.at(place.team) as workspace:
            me = await workspace.api.me()
            return await heard_before(Surface(workspace.api), Reader(me, workspace.users), place, me.user_id, most)

    async def check_up(self) -> tuple[Finding, ...]:
        """Examine the app at Slack: tokens, scopes, the clock, and whether it is in any channel."""
        return await check_up(self._web, self._workspaces, self._config)

    async def post(self, address: Address, outbound: Outbound, key: str) -> Posted:
        """Create a message, in one request that is never repeated here."""
        place = Place.of(address)
        async with self._workspaces.at(place.team) as workspace:
            return await workspace.writer.post(place, outbound, key)

    async def find(self, address: Address, key: str, since: float, known: Sequence[dict[str, str]]) -> Posted | None:
        """Look for a message by the key in its metadata, or by its being a stream that nothing is known of."""
        place = Place.of(address)
        async with self._workspaces.at(place.team) as workspace:
            return await find(workspace.api, place, key, since, known)

    async def edit(self, address: Address, ref: dict[str, str], outbound: Outbound) -> Terms | None:
        """Let a message show what it should, and attach its files."""
        place = Place.of(address)
        async with self._workspaces.at(place.team) as workspace:
            return await workspace.writer.edit(place, Ref.model_validate(ref), outbound)

    async def status(self, address: Address, text: str | None) -> None:
        """Show or clear the status line of the thread."""
        place = Place.of(address)
        try:
            async with self._workspaces.at(place.team) as workspace:
                await workspace.writer.status(place, text)
        except PlatformError as error:
            log.debug("slack status not shown", error=str(error))

    async def download(self, file: RemoteFile) -> AsyncIterator[bytes]:
        """The file's bytes in pieces, with the token of the workspace that it came from."""
        async with self._workspaces.at(file.source.get("team", "")) as workspace:
            async for piece in download(workspace.api, file):
                yield piece
