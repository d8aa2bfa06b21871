"""The one place that holds the provider's SDK: it signs requests and hands back bytes, never typed events."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient, Omit

from bot.models.addresses import base_url_of
from bot.models.config import ModelConfig, WireName
from bot.models.json_values import JsonObject
from bot.models.refusals import NotAStream, refusal_from_body

_NO_KEY = "no-key"
"""Placeholder for local servers: the SDK insists on a key, they ignore it."""

_ERROR_BODY_LIMIT = 1 << 16
"""Bytes that are read of an answer that is no stream."""

CONNECT_TIMEOUT = 10.0
"""Seconds to reach the provider."""


class Transport:
    """Connections to one provider."""

    def __init__(self, config: ModelConfig, *, azure: bool) -> None:
        self.base_url = base_url_of(config, azure=azure)
        key = config.api_key.get_secret_value()
        self._headers = {"Authorization": Omit()} if azure else None  # Azure's key goes in a header of its own
        self._client = AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=self.base_url,
            max_retries=0,  # retries.py does it, and knows whether anything was shown already
            timeout=httpx2.Timeout(config.idle_timeout, connect=CONNECT_TIMEOUT, pool=config.idle_timeout),
            default_headers={"api-key": key} if azure else None,
            http_client=DefaultAioHttpClient(follow_redirects=False),  # a key is never carried to another host
        )
        # Asked for now, because importing them takes 0.15 s that the event loop does not have during a turn.
        self._responses = self._client.responses.with_streaming_response
        self._completions = self._client.chat.completions.with_streaming_response

    @asynccontextmanager
    async def open(self, wire: WireName, body: JsonObject) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """Send a request; gives the bytes of the event stream.

        Raises:
            openai.APIError: refused, or not reachable.
            NotAStream: an answer of another content type.
        """
        if wire == "responses":
            request = self._responses.create(stream=True, extra_body=body, extra_headers=self._headers)
        else:
            request = self._completions.create(
                model="", messages=[], stream=True, extra_body=body, extra_headers=self._headers
            )
        async with request as response:
            kind = response.headers.get("content-type", "")
            if not kind.lower().startswith("text/event-stream"):
                raise NotAStream(refusal_from_body(await _beginning(response.iter_bytes())), kind)
            yield response.iter_bytes()

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) >= _ERROR_BODY_LIMIT:
            break
    return body
