"""The real SDK against the stand-in server."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from adapters.slack import SlackAdapter, SlackConfig
from adapters.slack.socket import Watch
from bot.playground.slack import SlackRules, SlackStandIn
from bot.playground.view import CommandView
from tests.support.reception import RecordingReception

QUICK = Watch(ping=0.2, tick=0.05, renew_after=0.4, replace_after=600.0, goodbye=1.0)
RULES = SlackRules(
    commands=tuple(CommandView(name=name, description=name) for name in ("ask", "new", "stop")),
    ack_seconds=1.0,
    retry_delays=(0.05, 0.1, 0.1),
    share_seconds=0.05,
    pace=0.0,
)


@asynccontextmanager
async def connected(
    slack: SlackStandIn, reception: RecordingReception, connections: int = 1, watch: Watch = QUICK
) -> AsyncGenerator[SlackAdapter]:
    """An adapter that runs."""
    adapter = adapter_of(slack, connections, watch)
    try:
        async with adapter.running(reception):
            yield adapter
    finally:
        await adapter.close()


def adapter_of(slack: SlackStandIn, connections: int = 1, watch: Watch = QUICK) -> SlackAdapter:
    config = SlackConfig.model_validate(
        {
            "bot_token": slack.bot_token,
            "app_token": slack.app_token,
            "api_url": slack.api_url,
            "connections": connections,
        }
    )
    return SlackAdapter(config, watch)


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStandIn]:
    async with SlackStandIn(rules=RULES) as server:
        yield server


@pytest.fixture
def reception() -> RecordingReception:
    return RecordingReception()


@pytest.fixture
async def adapter(slack: SlackStandIn, reception: RecordingReception) -> AsyncGenerator[SlackAdapter]:
    """A running adapter with one connection."""
    async with connected(slack, reception) as running:
        yield running
