"""A workspace on loopback, the real Web API client, and the real Bolt application in Socket Mode."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import SlackRules, SlackStandIn

QUICK = SlackRules(ack_seconds=5.0, retry_delays=(0.0, 0.0, 0.0), share_seconds=0.01, pace=0)
"""Compressed clocks, no rate limits; tests that are about those say so."""
HASTY = QUICK.model_copy(update={"ack_seconds": 0.3})
"""For tests in which an acknowledgement has to be missed."""

Connect = Callable[..., AbstractAsyncContextManager[AsyncSocketModeHandler]]


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rules=QUICK, seed=7) as stand_in:
        yield stand_in


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as opened:
        yield opened


@pytest.fixture
def client(slack: SlackStandIn, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=client)


@pytest.fixture
def connect(slack: SlackStandIn, app: AsyncApp) -> Connect:
    """Enter the result to have the application connected."""

    @asynccontextmanager
    async def connected(ping_interval: float = 0.5) -> AsyncIterator[AsyncSocketModeHandler]:
        before = slack.connections
        handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=ping_interval)
        await handler.client.connect()
        await slack.wait_for(lambda: slack.connections > before)
        try:
            yield handler
        finally:
            await handler.client.close()

    return connected
