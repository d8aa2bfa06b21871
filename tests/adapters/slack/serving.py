"""Slack over HTTP in a test: an adapter behind the bot's own web server, and Slack told where it is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from adapters.slack.http import EVENTS
from bot.playground.slack import SlackStandIn
from bot.relay.contract import Adapter, Reception, Webhooks
from bot.web import WebLimits, WebServer

LIMITS = WebLimits(linger=0.2, farewell=2.0)


@asynccontextmanager
async def serving(
    adapter: Adapter, reception: Reception, slack: SlackStandIn, limits: WebLimits = LIMITS
) -> AsyncGenerator[WebServer]:
    """The adapter's routes on a free port, which Slack has verified."""
    assert isinstance(adapter, Webhooks)
    async with WebServer("127.0.0.1", 0, limits) as server, adapter.webhooks(reception) as routes:
        server.open(routes)
        await slack.subscribe(f"http://127.0.0.1:{server.port}{EVENTS}")
        try:
            yield server
        finally:
            server.shut("ending")
            await server.idle()
