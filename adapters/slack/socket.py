"""Socket Mode that comes back: the SDK's client, watched from outside."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the SDK types its tasks and listeners only in part)

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.slack.api import SlackApi, sdk_logger
from adapters.slack.patience import patiently

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """How closely a connection is watched, in seconds."""

    ping: float = 3.0
    """Between pings; the SDK calls a connection stale after four of them without a pong."""
    tick: float = 1.0
    """Between two looks."""
    renew_after: float = 10.0
    """Down for so long: throw away the address, which is good for one use and which the SDK tries for ever."""
    replace_after: float = 60.0
    """Down for so long: throw away the client."""
    goodbye: float = 3.0
    """For events in work, and for the closing handshake, which Slack does not always finish."""


class Socket:
    """One connection, replaced for as long as `run` is not cancelled."""

    def __init__(self, api: SlackApi, app: AsyncApp, app_token: str, watch: Watch) -> None:
        self._api = api
        self._app = app
        self._app_token = app_token
        self._watch = watch
        self._in_work = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.ready = asyncio.Event()

    async def run(self, url: str | None = None) -> None:
        """Stay connected; `url` is a fresh address for the first connection."""
        while True:
            client = self._client(url)
            url = None
            try:
                await self._serve(client)
            finally:
                await self._discard(client)
            log.warning("slack connection replaced")

    def _client(self, url: str | None) -> SocketModeClient:
        client = SocketModeClient(
            app_token=self._app_token,
            web_client=self._api.client,
            ping_interval=self._watch.ping,
            logger=sdk_logger(),
        )
        client.wss_uri = url
        client.proxy = self._api.client.proxy
        client.message_listeners.append(self._greeted)
        client.socket_mode_request_listeners.append(self._handle)
        return client

    async def _serve(self, client: SocketModeClient) -> None:
        """Connect and watch. Returns when the client is beyond hope."""
        connecting = asyncio.create_task(client.connect())
        try:
            down_since: float | None = None
            while True:
                await asyncio.sleep(self._watch.tick)
                if await client.is_connected():
                    down_since = None
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
        with suppress(TimeoutError, aiohttp.ClientError, OSError):  # it is thrown away in any case
            async with asyncio.timeout(self._watch.goodbye):
                await client.close()
        left = [task for task in tasks if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await client.aiohttp_client_session.close()

    async def _greeted(
        self, _client: AsyncBaseSocketModeClient, message: dict[str, object], _raw: str | None = None
    ) -> None:
        if message.get("type") == "hello":
            log.info("slack connected")
            self.ready.set()

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self._in_work += 1
        self.idle.clear()
        try:
            response = await run_async_bolt_app(self._app, request)
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
    api: SlackApi, app: AsyncApp, app_token: str, connections: int, watch: Watch | None = None
) -> AsyncGenerator[None]:
    """Hand events to `app` until the block is left. Entered when Slack has greeted the first connection.

    Raises:
        PlatformError: Slack refused the app token.
    """
    watch = watch or Watch()
    url = await patiently(api.socket_url)
    sockets = [Socket(api, app, app_token, watch) for _ in range(connections)]
    tasks = [
        asyncio.create_task(socket.run(url if number == 0 else None), name=f"slack socket {number}")
        for number, socket in enumerate(sockets)
    ]
    try:
        await _first(sockets[0], tasks[0])
        yield
        with suppress(TimeoutError):  # whatever is not acknowledged by then, Slack sends again
            async with asyncio.timeout(watch.goodbye):
                await asyncio.gather(*(socket.idle.wait() for socket in sockets))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first(socket: Socket, task: asyncio.Task[None]) -> None:
    """Wait for the greeting, or for the failure that keeps it from coming."""
    greeting = asyncio.create_task(socket.ready.wait())
    try:
        await asyncio.wait({greeting, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        greeting.cancel()
