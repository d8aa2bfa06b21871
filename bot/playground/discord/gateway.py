"""The gateway: WebSocket connections, sessions, and who gets which event."""

import asyncio
import json
import zlib
from collections.abc import Callable, Coroutine

import structlog
from aiohttp import WSMsgType, web

from bot.playground.discord import intents as intents_module
from bot.playground.discord.clock import Clock
from bot.playground.discord.faults import Faults
from bot.playground.discord.greeting import Greeting
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.sessions import (
    ACK,
    HEARTBEAT,
    HELLO,
    IDENTIFY,
    IGNORED_OPS,
    INVALID_SESSION,
    RECONNECT,
    REQUEST_MEMBERS,
    RESUME,
    Link,
    Session,
    Shard,
    frame,
    shard_of,
)
from bot.playground.discord.wire import JsonObject, as_object

log = structlog.get_logger()

_DAY = 86_400.0


class Gateway:
    """Serves `/gateway` and dispatches events to every session, connected or waiting to be resumed."""

    def __init__(self, rules: DiscordRules, clock: Clock, faults: Faults, greeting: Greeting) -> None:
        self._rules = rules
        self._clock = clock
        self._faults = faults
        self._greeting = greeting
        self._sessions: dict[str, Session] = {}
        self._links: set[Link] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self.identified_at: list[float] = []
        """When sessions were begun."""
        self._begun: dict[int, float] = {}
        self.refused_identifies = 0
        """How many were refused because they came too fast for their bucket."""
        self.resumed = 0
        """How often a session was taken up again."""
        self.silent_heartbeats = 0
        """How many of the next heartbeats get no ACK."""
        self.on_connection: Callable[[bool], None] = lambda _: None
        """Told when the bot is there or gone."""
        self._shown = False

    @property
    def shards(self) -> list[tuple[int, int]]:
        """Number and count of each shard that has a connection, sorted; one that two processes keep comes twice."""
        return sorted((s.shard.index, s.shard.count) for s in self._sessions.values() if s.link)

    @property
    def connected(self) -> bool:
        """Whether a session has a connection."""
        return any(session.link for session in self._sessions.values())

    # --- events out ---

    def dispatch(self, event: str, payload: JsonObject) -> None:
        """Give an event to every session of its shard that wants it, with the trouble that was planned for it."""
        fault = self._faults.take(event)
        if fault and fault.kind == "lost":
            return
        if fault and fault.kind == "late":
            loop = asyncio.get_running_loop()
            self._timers.add(loop.call_later(fault.seconds, self._deliver, event, payload))
            return
        if fault and fault.kind == "malformed":
            payload = {name: value for name, value in payload.items() if name in {"id", "guild_id", "channel_id"}}
        for _ in range(2 if fault and fault.kind == "duplicate" else 1):
            self._deliver(event, payload)

    def _deliver(self, event: str, payload: JsonObject) -> None:
        self._forget_expired()
        guild_id = payload.get("id" if event in {"GUILD_CREATE", "GUILD_DELETE"} else "guild_id")
        for session in self._sessions.values():
            if session.shard.holds(guild_id) and intents_module.wanted(event, payload, session.intents):
                bot_id = self._greeting.bot_id
                session.dispatch(event, intents_module.redacted(event, payload, session.intents, bot_id))

    def _forget_expired(self) -> None:
        limit = self._clock.now() - self._rules.resume_window
        expired = [s.id for s in self._sessions.values() if s.parted_at is not None and s.parted_at < limit]
        for session_id in expired:
            del self._sessions[session_id]

    # --- trouble ---

    def cut(self) -> None:
        """Break all connections; the sessions can be resumed."""
        for session in self._sessions.values():
            if session.link:
                session.link.cut()
                session.detach(self._clock.now())
        self._tell()

    def ask_to_reconnect(self) -> None:
        """Send op 7 to everybody."""
        for link in self._links:
            link.send(frame(RECONNECT))

    def invalidate(self, *, resumable: bool) -> None:
        """Send op 9 to everybody; unless `resumable`, the sessions are gone."""
        for link in self._links:
            link.send(frame(INVALID_SESSION, resumable))
        if not resumable:
            self.expire()

    def expire(self) -> None:
        """Forget all sessions, so that RESUME fails."""
        for session in list(self._sessions.values()):
            session.detach(self._clock.now())
        self._sessions.clear()
        self._tell()

    def close(self, code: int) -> None:
        """Close all connections with a code."""
        for link in list(self._links):
            link.close(code)

    def shut(self) -> None:
        """End for good: connections, sessions, and dispatches that were to come later."""
        for timer in self._timers:
            timer.cancel()
        for link in list(self._links):
            link.cut()

    # --- one connection ---

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one WebSocket from HELLO to its end."""
        socket = web.WebSocketResponse(timeout=2.0, compress=False, max_msg_size=64 * 1024)
        await socket.prepare(request)
        link = Link(request)
        self._links.add(link)
        link.send(frame(HELLO, {"heartbeat_interval": int(self._rules.heartbeat_interval * 1000), "_trace": []}))
        compressed = request.query.get("compress") == "zlib-stream"
        try:
            await _first_of(self._read(socket, link), _write(socket, link, compressed=compressed))
            if link.goodbye is not None:  # only now: closing while another task receives would skip the handshake
                await socket.close(code=link.goodbye)
        finally:
            self._links.discard(link)
            self._ended(link, socket.close_code)
        return socket

    async def _read(self, socket: web.WebSocketResponse, link: Link) -> None:
        frames: list[float] = []
        while not socket.closed:
            try:
                message = await socket.receive(timeout=self._rules.heartbeat_interval * 1.5)
            except TimeoutError:
                link.close(4009)
                continue
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return
            now = self._clock.now()
            frames = [moment for moment in frames if moment > now - 60] + [now]
            if len(frames) > self._rules.frames_per_minute:
                link.close(4008)
            elif (parsed := _parsed(message.data)) is None:
                link.close(4002)
            else:
                self._take(link, *parsed)

    def _take(self, link: Link, op: int, data: object) -> None:
        if op == HEARTBEAT:
            if self.silent_heartbeats:
                self.silent_heartbeats -= 1
            else:
                link.send(frame(ACK))
        elif op == IDENTIFY:
            self._identify(link, as_object(data) or {})
        elif op == RESUME:
            self._resume(link, as_object(data) or {})
        elif link.session is None:
            link.close(4003)
        elif op == REQUEST_MEMBERS:
            nonce = (as_object(data) or {}).get("nonce")
            link.session.dispatch("GUILD_MEMBERS_CHUNK", self._greeting.members_chunk(nonce))
        elif op not in IGNORED_OPS:
            link.close(4001)

    def _identify(self, link: Link, data: JsonObject) -> None:
        intents = data.get("intents")
        now = self._clock.now()
        today = [moment for moment in self.identified_at if moment > now - _DAY]
        shard = shard_of(data)
        if link.session:
            link.close(4005)
        elif data.get("token") != self._greeting.token or len(today) >= self._rules.identifies_per_day:
            link.close(4004)
        elif shard is None:
            link.close(4010)
        elif not isinstance(intents, int) or intents & ~intents_module.KNOWN:
            link.close(4013)
        elif intents_module.privileged_not_granted(intents, self._rules):
            link.close(4014)
        elif self._too_soon(shard, now):
            self.refused_identifies += 1
            link.send(frame(INVALID_SESSION, data=False))
        else:
            self.identified_at.append(now)
            self._begin(link, intents, shard)

    def _too_soon(self, shard: Shard, now: float) -> bool:
        """Whether the last session of the same bucket was begun a moment ago; if not, this one counts from now on."""
        bucket = shard.index % self._rules.max_concurrency
        if now - self._begun.get(bucket, 0.0) < self._rules.identify_interval:
            return True
        self._begun[bucket] = now
        return False

    def _begin(self, link: Link, intents: int, shard: Shard) -> None:
        session = Session(self._greeting.new_session_id(), intents, self._rules.replay_limit, shard)
        self._sessions[session.id] = session
        session.attach(link)
        session.dispatch("READY", self._greeting.ready(session.id, shard))
        if intents & intents_module.GUILDS and shard.holds(self._greeting.guild_id):
            session.dispatch("GUILD_CREATE", self._greeting.guild())
        log.info("discord session begun", session=session.id, intents=intents, shard=shard.index)
        self._tell()

    def _resume(self, link: Link, data: JsonObject) -> None:
        self._forget_expired()
        session = self._sessions.get(str(data.get("session_id")))
        seq = data.get("seq")
        if data.get("token") != self._greeting.token:
            link.close(4004)
        elif session is None or not isinstance(seq, int) or not session.can_replay(seq):
            link.send(frame(INVALID_SESSION, data=False))
        else:
            session.attach(link)
            session.replay(seq)
            session.dispatch("RESUMED", {"_trace": []})
            self.resumed += 1
            log.info("discord session resumed", session=session.id, replayed=session.seq - 1 - seq)
            self._tell()

    def _ended(self, link: Link, code: int | None) -> None:
        session = link.session
        if session is None:
            return
        session.detach(self._clock.now())
        if code in {1000, 1001}:
            self._sessions.pop(session.id, None)
        self._tell()

    def _tell(self) -> None:
        if self.connected != self._shown:
            self._shown = self.connected
            self.on_connection(self._shown)


def _parsed(text: object) -> tuple[int, object] | None:
    try:
        message = json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        return None
    payload = as_object(message) or {}
    op = payload.get("op")
    return (op, payload.get("d")) if isinstance(op, int) else None


async def _first_of(*parts: Coroutine[object, object, None]) -> None:
    """Run all until the first ends; the others are cancelled."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _write(socket: web.WebSocketResponse, link: Link, *, compressed: bool) -> None:
    """Send what is queued, in order; `zlib-stream` is one stream for the whole connection, flushed after each frame."""
    stream = zlib.compressobj()
    while (text := await link.outbox.get()) is not None:
        try:
            if compressed:
                await socket.send_bytes(stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH))
            else:
                await socket.send_str(text)
        except ConnectionError:
            return
