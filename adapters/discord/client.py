"""The discord.py client: least intents, nobody pinged, rate-limit headers read from every reply."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.ceiling import Ceiling
from adapters.discord.identifies import Identifies
from adapters.discord.invalid import InvalidRequests
from adapters.discord.settings import DiscordConfig
from adapters.discord.shards import Shard
from bot.relay.contract import RateSignal

NOBODY = discord.AllowedMentions(everyone=False, roles=False, users=False, replied_user=True)
"""What the model writes pings nobody; an answer notifies the asker only, by being a reply."""

_CHANNEL = re.compile(r"/channels/(\d+)/messages(/\d+)?$")
_WEBHOOK = re.compile(r"/webhooks/\d+/([^/]+)")
_FURTHER = re.compile(r"/webhooks/\d+/[^/]+$")
_FREE = re.compile(r"/(?:webhooks|interactions)/")
"""Not counted in the global limit (Rate Limits, "Global Rate Limit")."""
_WRITING = frozenset({"POST", "PATCH"})


class Unrepeatable(aiohttp.ClientError):
    """A further message of an interaction may have been made or not.

    It carries no nonce, so it must not be sent again; discord.py would do that five times.
    """


class GatewayClient(discord.Client):
    """Keeps one shard, and takes turns with the others at beginning sessions."""

    def __init__(
        self,
        config: DiscordConfig,
        shard: Shard,
        identifies: Identifies,
        traffic: "Traffic",
        *,
        message_content: bool,
    ) -> None:
        """Prepare; `message_content` asks for the privileged intent."""
        _point_library_at(config)
        intents = _least_intents()
        intents.message_content = message_content
        super().__init__(
            intents=intents,
            shard_id=shard.index,
            shard_count=shard.count,
            allowed_mentions=NOBODY,
            http_trace=_trace(traffic),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            guild_ready_timeout=0.2,  # the default of 2 s delays `ready`; events flow before it anyway
        )
        self._identifies = identifies

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for this shard's turn. discord.py would begin the first session at once, whoever else does."""
        await self._identifies.turn(shard_id or 0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is kept to, and learnt, with every request of a process, whichever client sends it."""

    ceiling: Ceiling = field(default_factory=Ceiling)
    invalid: InvalidRequests = field(default_factory=InvalidRequests)
    signal: Callable[[RateSignal], None] = lambda _: None
    """Told what the replies to messages and edits say about rate limits."""


def writing_client(config: DiscordConfig, traffic: Traffic) -> discord.Client:
    """A client for requests."""
    _point_library_at(config)
    return discord.Client(
        intents=_least_intents(), allowed_mentions=NOBODY, http_trace=_trace(traffic), max_messages=None
    )


def _point_library_at(config: DiscordConfig) -> None:
    if config.api_url:
        Route.BASE = config.api_url.rstrip("/")
    if config.gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config.gateway_url)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # voice is not used


def _least_intents() -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    return intents


def channel_bucket(channel: int) -> str:
    """Name of the bucket that sends and edits in a channel share."""
    return f"discord:channel:{channel}"


def token_bucket(token: str) -> str:
    """Name of the bucket of one interaction's answer; the token itself is a secret."""
    return f"discord:interaction:{hash(token):x}"


def person_bucket(person: str) -> str:
    """Name of the bucket of direct messages with somebody."""
    return f"discord:person:{person}"


def _trace(traffic: Traffic) -> aiohttp.TraceConfig:
    async def begin(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, start: aiohttp.TraceRequestStartParams
    ) -> None:
        path = start.url.path
        if start.url.scheme.startswith("ws"):
            return
        traffic.invalid.check(start.method, path)
        if not _FREE.search(path):
            await traffic.ceiling.take()

    async def read(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        status, scope = end.response.status, end.response.headers.get("X-RateLimit-Scope", "")
        traffic.invalid.note(end.method, end.url.path, status, scope)
        if end.method == "POST" and status >= HTTPStatus.INTERNAL_SERVER_ERROR and _FURTHER.search(end.url.path):
            end.response.close()
            raise Unrepeatable(f"Discord answered {status}.")
        bucket = _bucket_of(end.method, end.url.path)
        if bucket is None or status == HTTPStatus.TOO_MANY_REQUESTS:
            return  # discord.py waits a 429 out, which shows in the time that the request takes, or raises it
        headers = end.response.headers
        limit, remaining = headers.get("X-RateLimit-Limit"), headers.get("X-RateLimit-Remaining")
        traffic.signal(
            RateSignal(
                bucket=bucket,
                limit=int(limit) if limit else None,
                remaining=int(remaining) if remaining else None,
                reset_after=_seconds(headers.get("X-RateLimit-Reset-After")),
            )
        )

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begin)
    trace.on_request_end.append(read)
    return trace


def _bucket_of(method: str, path: str) -> str | None:
    """The bucket of a message or an edit; reactions, threads and histories have limits of their own."""
    if method not in _WRITING:
        return None
    if channel := _CHANNEL.search(path):
        return channel_bucket(int(channel[1]))
    if webhook := _WEBHOOK.search(path):
        return token_bucket(webhook[1])
    return None


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
