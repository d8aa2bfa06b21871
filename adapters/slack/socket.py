"""Socket Mode that comes back: the SDK's client, watched from outside."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the SDK types its tasks and listeners only in part)

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.api import read
from adapters.slack.errors import refused, slack_errors
from adapters.slack.living_sockets import LivingSockets
from adapters.slack.places import PLATFORM
from adapters.slack.replies import SocketUrl
from adapters.slack.session import Session
from adapters.slack.settings import APP_TOKEN
from adapters.slack.watch import Watch
from adapters.slack.web import Web, sdk_logger
from bot.errors import Forbidden, OperatorError, PlatformError, Unauthorised
from bot.relay.waiting import patiently

log = structlog.get_logger()


class Client(SocketModeClient):
    """The SDK's client. It would ask for an address for ever with a token that was revoked: this one remembers why."""

    refusal: OperatorError | None = None

    @property
    def silent_for(self) -> float:
        """Seconds since the last ping that was answered was sent; 0 before the first answer."""
        return max(0.0, time.time() - self.last_ping_pong_time) if self.last_ping_pong_time else 0.0

    async def issue_new_wss_url(self) -> str:
        """Ask for a fresh address."""
        try:
            with slack_errors():
                return await super().issue_new_wss_url()
        except (Unauthorised, Forbidden) as error:
            self.refusal = refused(APP_TOKEN, error)
            raise


class Socket:
    """One connection, replaced for as long as `run` is not cancelled."""

    def __init__(
        self, name: str, web: Web, app: AsyncApp, app_token: str, watch: Watch, sockets: LivingSockets
    ) -> None:
        self.name = name
        self._sockets = sockets
        self._web = web
        self._app = app
        self._app_token = app_token
        self._watch = watch
        self._in_work = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.ready = asyncio.Event()

    async def run(self, url: str | None = None) -> None:
        """Stay connected; `url` is a fresh address for the first connection.

        Raises:
            OperatorError: Slack does not accept the app token any more.
        """
        while True:
            client = self._client(url)
            url = None
            try:
                await self._serve(client)
            finally:
                await self._discard(client)
            log.warning("slack connection replaced", connection=self.name)

    def _client(self, url: str | None) -> Client:
        asking = self._web.client()
        asking.session = self._web.session()
        client = Client(
            app_token=self._app_token,
            web_client=asking,
            ping_interval=self._watch.ping,
            logger=sdk_logger(),
        )
        client.wss_uri = url
        client.proxy = asking.proxy
        client.message_listeners.append(self._greeted)
        client.socket_mode_request_listeners.append(self._handle)
        return client

    async def _serve(self, client: Client) -> None:
        """Connect and watch. Returns when the client is beyond hope."""
        connecting = asyncio.create_task(client.connect())
        try:
            down_since: float | None = None
            while True:
                await asyncio.sleep(self._watch.tick)
                if client.refusal is not None:
                    raise client.refusal
                if await client.is_connected():
                    down_since = None
                    self._sockets.alive(self.name, client.silent_for)
                    continue
                now = time.monotonic()
                down_since = now if down_since is None else down_since
                if now - down_since >= self._watch.replace_after:
                    return
                if now - down_since >= self._watch.renew_after:
                    client.wss_uri = None
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    async def _discard(self, client: SocketModeClient) -> None:
        tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
        try:
            with suppress(TimeoutError, aiohttp.ClientError, OSError):  # it is thrown away in any case
                async with asyncio.timeout(self._watch.goodbye):
                    await client.close()
        finally:
            left = [task for task in tasks if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await client.aiohttp_client_session.close()

    async def _greeted(
        self, _client: AsyncBaseSocketModeClient, message: dict[str, object], _raw: str | None = None
    ) -> None:
        if message.get("type") == "hello":
            log.info("slack connected", connection=self.name)
            self._sockets.greeted(self.name)  # before the first event, so that none hides what was missed
            self.ready.set()

    async def _response(self, request: SocketModeRequest) -> BoltResponse:
        try:
            return await run_async_bolt_app(self._app, request)
        except Exception as error:  # noqa: BLE001 - Bolt failed to read the frame, and would fail again
            log.warning("slack frame not understood", type=request.type, error=type(error).__name__)
            return BoltResponse(status=200, body="")

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self._in_work += 1
        self.idle.clear()
        try:
            response = await self._response(request)
            await send_async_response(client, request, response, time.time())
        except (ConnectionError, aiohttp.ClientError) as error:
            # The connection went away before the acknowledgement: Slack sends again, the dedupe keys notice.
            log.info("slack acknowledgement lost", error=type(error).__name__)
        finally:
            self._in_work -= 1
            if self._in_work == 0:
                self.idle.set()


@asynccontextmanager
async def listening(
    name: str, web: Web, app_token: str, session: Session, watch: Watch
) -> AsyncGenerator[asyncio.Task[None]]:
    """Keep one socket until the block is left. Entered when Slack has greeted it.

    Gives the task that keeps it; it ends by itself only when Slack refuses a token.

    Raises:
        OperatorError: Slack refused a token.
    """
    try:
        url = await patiently(partial(socket_url, web, app_token), PLATFORM)
    except PlatformError as error:
        raise refused(APP_TOKEN, error) from error
    socket = Socket(name, web, session.app, app_token, watch, session.sockets)
    keeper = asyncio.create_task(_stay_connected(socket, url, session.revoked), name=name)
    try:
        await _first(socket, keeper)
        try:
            yield keeper
        finally:
            with suppress(TimeoutError):  # whatever is not acknowledged by then, Slack sends again
                async with asyncio.timeout(watch.goodbye):
                    await socket.idle.wait()
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        session.sockets.left(name)


async def socket_url(web: Web, app_token: str) -> str:
    """A fresh address; also the proof that the app token is good.

    Raises:
        PlatformError: Slack gives none.
    """
    client = web.client()
    client.session = web.session()
    with slack_errors():
        return read(SocketUrl, await client.apps_connections_open(app_token=app_token)).url


async def _stay_connected(socket: Socket, url: str, revoked: asyncio.Task[None]) -> None:
    """Keep a socket until it cannot go on or the bot token is refused."""
    running = asyncio.create_task(socket.run(url), name=f"{socket.name} client")
    try:
        done, _ = await asyncio.wait((running, revoked), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _first(socket: Socket, keeper: asyncio.Task[None]) -> None:
    """Wait for the greeting, or for the failure that keeps it from coming."""
    greeting = asyncio.create_task(socket.ready.wait())
    try:
        await asyncio.wait({greeting, keeper}, return_when=asyncio.FIRST_COMPLETED)
        if keeper.done():
            keeper.result()
    finally:
        greeting.cancel()
