"""The way to Slack: its address, and one pool of connections for the app and all its workspaces."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the SDK's replies are untyped; what is read from them is checked here)

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.settings import SlackConfig

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5, sock_read=20)
"""For API calls; with an own session the SDK's `timeout` does nothing."""
SLACK_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.slack\.com")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class OneLine(logging.Filter):
    """Keeps the SDK's reports of lost connections to a line: their tracebacks show only the SDK itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass, without its traceback."""
        record.exc_info = None
        return True


def sdk_logger() -> logging.Logger:
    """The logger of all parts of the SDK. Never below INFO: at DEBUG the SDK writes whole messages into the log."""
    logger = logging.getLogger("adapters.slack.sdk")
    logger.setLevel(logging.INFO)
    if not logger.filters:
        logger.addFilter(OneLine())
    return logger


class Client(AsyncWebClient):
    """The SDK's client, which may have its token renewed once when Slack says that it has expired.

    Slack refuses such a call before it does anything, so any call can be made again then. Nothing else is repeated.
    """

    renew: Callable[[SecretStr], Awaitable[SecretStr | None]] | None = None
    """Gives another token than the one that has expired, or None."""

    async def api_call(
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        files: dict[str, Any] | None = None,
        data: dict[str, Any] | aiohttp.FormData | None = None,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        auth: dict[str, Any] | None = None,
    ) -> AsyncSlackResponse:
        """Make a call."""

        async def call() -> AsyncSlackResponse:
            return await super(Client, self).api_call(
                api_method,
                http_verb=http_verb,
                files=files,
                data=data,
                params=dict(params) if params else params,
                json=dict(json) if json else json,
                headers=dict(headers) if headers else headers,
                auth=auth,
            )

        try:
            return await call()
        except SlackApiError as error:
            if self.renew is None or auth is not None or not _expired(error):
                raise
            token = await self.renew(SecretStr(self.token))
            if token is None:
                raise
            self.token = token.get_secret_value()
        return await call()


def _expired(error: SlackApiError) -> bool:
    response: object = error.response
    body: object = response.data if isinstance(response, AsyncSlackResponse) else None
    return isinstance(body, dict) and body.get("error") == "token_expired"


class Web:
    """Clients for Slack's Web API that share their connections and repeat nothing."""

    def __init__(self, config: SlackConfig) -> None:
        """Go where `config` says; nothing is opened yet."""
        self._url = config.base_url
        self._base = urlsplit(config.base_url)
        self._session: aiohttp.ClientSession | None = None
        self.loopback = self._base.hostname in LOOPBACK

    def client(self, token: SecretStr | None = None) -> Client:
        """A client for one token. Give it the `session` before it is used."""
        client = Client(
            token=token.get_secret_value() if token else None,
            base_url=self._url,
            retry_handlers=[],
            logger=sdk_logger(),
        )
        if self.loopback:
            client.proxy = None  # the SDK would send even loopback requests through the environment's proxy
        return client

    def session(self) -> aiohttp.ClientSession:
        """The connection pool, opened at its first use."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session

    async def close(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()

    def trusts(self, url: str) -> bool:
        """Whether a bot token may be sent there: https to Slack itself, or the host that the operator named."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if (parts.scheme, parts.netloc) == (self._base.scheme, self._base.netloc):
            return True
        return parts.scheme == "https" and SLACK_HOST.fullmatch(parts.netloc.lower()) is not None
