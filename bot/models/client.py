"""A model behind one of the two wires."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

import aiohttp
import httpx2
import openai
import structlog

from bot.domain.turns import ModelEvent, ModelRequest, OpaqueInput
from bot.errors import BrokenStream, ModelUnavailable, ParleyError
from bot.models import chat_completions, responses
from bot.models.concessions import lost_items, refused_field, without
from bot.models.config import ModelConfig, WireName
from bot.models.frames import FrameSplitter
from bot.models.json_values import JsonObject
from bot.models.opaque import Origin
from bot.models.profiles import Profile, profile_of
from bot.models.refusals import NotAStream, Refusal, refusal_from_status
from bot.models.retries import wait_before_retry
from bot.models.translation import provider_errors
from bot.models.transport import Transport
from bot.models.wire_choice import WireChoice
from bot.ports import ModelTraits

log = structlog.get_logger()

_DRAIN = 0.1
"""Seconds that are waited after the terminal event for the end of the body: then the connection can be used again."""


class Reader(Protocol):
    """What both wires' readers do."""

    @property
    def finished(self) -> bool:
        """Whether the terminal event came."""
        ...

    def read(self, data: bytes) -> list[ModelEvent]:
        """The events of one frame."""
        ...

    def end(self) -> list[ModelEvent]:
        """The events of a clean end of the stream."""
        ...


@dataclass(frozen=True, slots=True)
class _Approach:
    """How the request is put; a refusal may lead to another one."""

    wire: WireName
    opaque: bool


class WireClient:
    """A model at a provider that speaks Responses or Chat Completions."""

    def __init__(self, config: ModelConfig, profile: Profile, transport: Transport) -> None:
        self._config = config
        self._profile = profile
        self._transport = transport
        setting = config.wire if config.wire != "auto" else profile.wire
        self._choice = WireChoice(transport.base_url, None if setting == "auto" else setting)
        self._refused: set[str] = set()
        self._others: dict[str, WireClient] = {}
        self.traits = ModelTraits(
            name=config.model,
            context_tokens=config.context_tokens or profile.context_tokens,
            images=profile.images,
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """One model turn; see `bot.ports.ModelClient.stream`. Close it (`aclosing`) when leaving it early."""
        request = request if request.model else request.model_copy(update={"model": self._config.model})
        for attempt in count(1):
            shown = False
            try:
                async with aclosing(self._batches(request)) as batches:
                    async for batch in batches:
                        for event in batch:
                            shown = True
                            yield event
                return
            except (ModelUnavailable, BrokenStream) as exc:
                if shown:
                    raise
                wait = wait_before_retry(exc, attempt, self._config.retry)
                log.info("model turn tried again", attempt=attempt, wait=round(wait, 2), error=type(exc).__name__)
            await asyncio.sleep(wait)

    def named(self, name: str) -> "WireClient":
        """Another model of the same provider; `ModelConfig.context_tokens` speaks of the configured one only."""
        if name == self._config.model:
            return self
        if name not in self._others:  # kept, because each learns what its model refuses
            config = self._config.model_copy(update={"model": name, "context_tokens": None})
            profile = profile_of(self._transport.base_url, name)
            self._others[name] = WireClient(config, profile, self._transport)
        return self._others[name]

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    async def _batches(self, request: ModelRequest) -> AsyncGenerator[list[ModelEvent], None]:
        """The events of one request, one batch per read of the socket; puts the request again where it was refused."""
        approach: _Approach | None = _Approach(self._choice.first, opaque=True)
        with provider_errors(request.model):
            while approach:
                origin = Origin(approach.wire, self._transport.base_url, request.model)
                body = self._body(request, approach, origin)
                try:
                    async with self._transport.open(approach.wire, body) as chunks:
                        self._choice.confirm(approach.wire)
                        async with aclosing(_read(_reader(approach.wire, origin), chunks)) as batches:
                            async for batch in batches:
                                yield batch
                        return
                except openai.APIStatusError as exc:
                    approach = self._next(refusal_from_status(exc), approach, request, body)
                    if approach is None:
                        raise
                except NotAStream as exc:
                    approach = self._next(exc.refusal, approach, request, body) if exc.refusal else None
                    if approach is None:
                        raise

    def _body(self, request: ModelRequest, approach: _Approach, origin: Origin) -> JsonObject:
        write = responses.request_body if approach.wire == "responses" else chat_completions.request_body
        return without(write(request, self._profile, origin, opaque=approach.opaque), self._refused)

    def _next(self, refusal: Refusal, approach: _Approach, request: ModelRequest, body: JsonObject) -> _Approach | None:
        """What to try after a refusal; None when it is final."""
        if approach.opaque and lost_items(refusal) and any(isinstance(item, OpaqueInput) for item in request.input):
            log.info("reasoning items dropped", status=refusal.status)
            return replace(approach, opaque=False)
        field = refused_field(refusal, body)
        if field is not None:
            self._refused.add(field)
            log.warning("request field refused and left out from now on", field=field, status=refusal.status)
            return approach
        if approach.wire == "responses" and self._choice.leads_to_chat(refusal, request.model):
            log.info("no responses endpoint, using chat completions", status=refusal.status)
            return replace(approach, wire="chat")
        return None


def _reader(wire: WireName, origin: Origin) -> Reader:
    return responses.ResponsesReader(origin) if wire == "responses" else chat_completions.ChatReader(origin)


async def _read(reader: Reader, chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[ModelEvent], None]:
    """One batch per read of the socket. What came before a failure is handed on before the failure.

    Raises:
        BrokenStream: the bytes end without a terminal event.
        ModelError: the stream itself reports a failure.
    """
    splitter = FrameSplitter()
    async for chunk in chunks:
        batch: list[ModelEvent] = []
        failure: ParleyError | None = None
        try:
            for data in splitter.feed(chunk):
                batch += reader.read(data)
        except ParleyError as exc:
            failure = exc
        if reader.finished:
            await _drain(chunks)
        if batch:
            yield batch
        if failure:
            raise failure
        if reader.finished:
            return
    if batch := reader.end():
        yield batch
    if not reader.finished:
        raise BrokenStream


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the rest; the turn is complete, so whatever goes wrong now does not matter."""
    with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError):
        async with asyncio.timeout(_DRAIN):
            async for _ in chunks:
                pass
