"""Two ways to listen to many streams of one provider: through the whole bot, and by bare parsing."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import jiter
from pydantic import SecretStr

from bot.models import ModelConfig, connect
from tests.bench.provider import Provider
from tests.bench.speaker import age
from tests.bench.workplace import Answering, at_work

LATE = 0.1
"""A delta that comes so many seconds after the provider wrote it is late."""
_RAMP = 60.0
"""Answers that begin in a second."""


@dataclass(slots=True)
class Ages:
    """How old deltas were when they came."""

    deltas: int = 0
    late: int = 0

    def take(self, text: str) -> None:
        """Some text came."""
        now = time.monotonic()
        for word in text.split():
            self.deltas += 1
            self.late += age(word, now) > LATE


Listening = Callable[[Provider, Ages], AbstractAsyncContextManager[None]]
"""Listens until the context is left; entered when all streams have begun."""


def through_the_bot(url: str, folder: Path, streams: int) -> Listening:
    """Wire, engine, store, relay; each answer in a conversation of its own."""

    @asynccontextmanager
    async def listening(provider: Provider, ages: Ages) -> AsyncGenerator[None]:
        key = SecretStr("sk-bench-000000")
        config = ModelConfig(
            provider="openai", api_key=key, base_url=provider.base_url, model="gpt-5.4", wire="responses"
        )
        model = connect(config)
        async with at_work(url, folder, model, lanes=streams + 8) as place:
            place.seen.on_text = ages.take
            asking: list[asyncio.Task[Answering]] = []
            for number in range(streams):
                asking.append(asyncio.create_task(place.say("Tell me a long story.", f"stream {number}")))
                await asyncio.sleep(1 / _RAMP)
            answers = await asyncio.gather(*asking)
            await provider.speaks(streams)
            yield
            provider.end()
            await asyncio.gather(*(answer.ended for answer in answers))
        await model.close()

    return listening


def by_bare_parsing(streams: int) -> Listening:
    """The floor: bytes from the socket, cut into frames, read as JSON, and nothing done with them."""

    @asynccontextmanager
    async def listening(provider: Provider, ages: Ages) -> AsyncGenerator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            readers: list[asyncio.Task[None]] = []
            for _ in range(streams):
                readers.append(asyncio.create_task(_parse(http, f"{provider.base_url}/responses", ages)))
                await asyncio.sleep(1 / _RAMP)
            await provider.speaks(streams)
            yield
            provider.end()
            await asyncio.gather(*readers)

    return listening


async def _parse(http: aiohttp.ClientSession, url: str, ages: Ages) -> None:
    rest = b""
    async with http.post(url, json={"stream": True}) as response:
        async for piece in response.content.iter_any():
            *frames, rest = (rest + piece).split(b"\n\n")
            for frame in frames:
                event = jiter.from_json(frame.partition(b"data: ")[2])
                if event["type"] == "response.output_text.delta":
                    ages.take(event["delta"])
