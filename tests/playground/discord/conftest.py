"""The stand-in, checked against the official description, and the real discord.py pointed at it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.playground.discord import DiscordRules, DiscordStandIn
from tests.playground.discord.client import Bot, connected
from tests.support.discord_spec import checked_against_spec

Open = Callable[..., AbstractAsyncContextManager[DiscordStandIn]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a stand-in with certain rules, under the description's eye, and points the library at it."""

    @asynccontextmanager
    async def opening(rules: DiscordRules | None = None) -> AsyncIterator[DiscordStandIn]:
        async with DiscordStandIn(rules=rules or DiscordRules.lax(), seed=7) as standin:
            monkeypatch.setattr(Route, "BASE", standin.api_url)
            monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(standin.gateway_url))
            with checked_against_spec(standin):
                yield standin

    return opening


@pytest.fixture
async def discord(opened: Open) -> AsyncIterator[DiscordStandIn]:
    """A stand-in without rate limits."""
    async with opened() as standin:
        yield standin


@pytest.fixture
async def bot(discord: DiscordStandIn) -> AsyncIterator[Bot]:
    """The library, connected with message content."""
    async with connected(discord) as client:
        yield client
