"""Writing needs no gateway: a client that is logged in at its first use and lives until the last answer."""

import asyncio

import discord
from discord.http import Route
from pydantic import Field, ValidationError

from adapters.discord.client import Traffic, writing_client
from adapters.discord.errors import refused, translated
from adapters.discord.settings import DiscordConfig
from bot.domain.record import Record
from bot.errors import Forbidden, Gone, Refused, Unauthorised, Unreachable


class Sessions(Record, extra="ignore"):
    """How sessions may be begun."""

    max_concurrency: int = Field(default=1, ge=1)


class Gateway(Record, extra="ignore"):
    """What `GET /gateway/bot` says."""

    application: int = 0
    shards: int = Field(ge=1)
    session_start_limit: Sessions = Sessions()


class Rest:
    """The REST half. Its connection does not end with a gateway client, so edits go on while that is replaced."""

    def __init__(self, config: DiscordConfig, traffic: Traffic) -> None:
        """Prepare; every request is part of `traffic`."""
        self._config = config
        self._traffic = traffic
        self._client: discord.Client | None = None
        self._one_at_a_time = asyncio.Lock()

    async def client(self) -> discord.Client:
        """The client, logged in.

        Raises:
            Unauthorised: the token is refused.
            Unreachable: Discord does not answer.
        """
        async with self._one_at_a_time:
            if self._client is None:
                self._client = await self._login()
            return self._client

    async def gateway(self) -> Gateway:
        """What Discord recommends for receiving.

        Raises:
            Unauthorised: the token is refused.
            Unreachable: Discord does not answer, or somebody else does in its place.
        """
        try:
            client = await self.client()
            with translated():
                said: object = await client.http.request(Route("GET", "/gateway/bot"))
            gateway = Gateway.model_validate(said)
        except (Forbidden, Gone, Refused, ValidationError) as error:
            raise Unreachable(f"Discord does not say how to connect ({error}).") from error
        return gateway.model_copy(update={"application": client.application_id or 0})

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _login(self) -> discord.Client:
        client = writing_client(self._config, self._traffic)
        try:
            with translated():
                await client.login(self._config.token.get_secret_value())
        except discord.LoginFailure as error:
            await client.close()
            raise Unauthorised(str(refused())) from error
        except BaseException:
            await client.close()
            raise
        return client
