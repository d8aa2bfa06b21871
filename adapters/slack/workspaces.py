"""Where the app is installed: one workspace, or an organisation that shares one installation."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import structlog
from pydantic import SecretStr

from adapters.slack.api import SlackApi
from adapters.slack.errors import refused
from adapters.slack.outbound import Writer
from adapters.slack.payloads import Head
from adapters.slack.places import PLATFORM
from adapters.slack.replies import Identity
from adapters.slack.settings import BOT_TOKEN, SlackConfig
from adapters.slack.users import Users
from adapters.slack.web import Web
from bot.errors import OperatorError, PlatformError, Unauthorised
from bot.relay.waiting import patiently

log = structlog.get_logger()

RECHECK = 5.0
"""Seconds between two attempts to find out whether a bot token is good."""


class Workspace:
    """One installation: what its bot token opens, who its people are, and what is written there."""

    def __init__(self, web: Web, token: SecretStr, config: SlackConfig) -> None:
        self.prompts = config.prompts
        self.api = SlackApi(web, token)
        self.users = Users(self.api)
        self.writer = Writer(self.api, config)

    async def identity(self) -> Identity:
        """Who we are there. Waits for Slack.

        Raises:
            OperatorError: the configured token is refused.
        """
        try:
            return await patiently(self.api.identity, PLATFORM)
        except PlatformError as error:
            raise refused(BOT_TOKEN, error) from error


class Workspaces(Protocol):
    """All installations that this process serves."""

    async def name(self) -> str:
        """By which the connections of the deployment are known. Waits for Slack, or the store, and proves what we have.

        Raises:
            OperatorError: a token or key does not work; the text names the setting.
        """
        ...

    async def all(self) -> Sequence[Workspace]:
        """Every installation there is now."""
        ...

    async def find(self, head: Head) -> Workspace | None:
        """For which installation a delivery is. None: the app is not installed there (any more).

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        ...

    def at(self, team: str) -> AbstractAsyncContextManager[Workspace]:
        """The installation behind an address (`Place.team`), for calls.

        Raises:
            Forbidden: the app is not installed there any more.
            Unreachable: nobody knows just now.
        """
        ...

    async def keep(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Look after the installations until cancelled; `changed` is called when there may be others.

        Raises:
            OperatorError: nothing can be received or written any more.
        """
        ...


class ConfiguredWorkspace:
    """Implements `Workspaces` with the one token of the settings, whichever team or enterprise it belongs to."""

    def __init__(self, web: Web, token: SecretStr, config: SlackConfig) -> None:
        self._only = Workspace(web, token, config)

    async def name(self) -> str:
        """The workspace's id."""
        return (await self._only.identity()).team_id

    async def all(self) -> Sequence[Workspace]:
        """The one."""
        return (self._only,)

    async def find(self, head: Head) -> Workspace | None:
        """The one."""
        del head
        return self._only

    @asynccontextmanager
    async def at(self, team: str) -> AsyncGenerator[Workspace]:
        """The one."""
        del team
        yield self._only

    async def keep(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Wait until a call finds that Slack does not accept the bot token, and be sure of it."""
        del changed
        api = self._only.api
        while True:
            await api.refused.wait()
            try:
                await api.identity()
            except Unauthorised as error:
                raise refused(BOT_TOKEN, error) from error
            except PlatformError as error:
                log.warning("slack token not checked", error=str(error))
                await asyncio.sleep(RECHECK)


def configured(web: Web, config: SlackConfig) -> ConfiguredWorkspace:
    """The workspace of the settings.

    Raises:
        OperatorError: there is no token.
    """
    if config.bot_token is None:
        raise OperatorError(f"{BOT_TOKEN} is missing.")
    return ConfiguredWorkspace(web, config.bot_token, config)
