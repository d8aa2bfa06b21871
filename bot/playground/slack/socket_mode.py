"""Socket Mode's server end: single-use addresses, several connections, each envelope to one of them."""

import asyncio
import contextlib
import json
import random
import time
from typing import Literal

from aiohttp import WSMsgType, web

from bot.playground.slack.changes import Changes
from bot.playground.slack.journal import Journal, Sent
from bot.playground.slack.request_url import RequestUrl
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.wire import JsonObject, as_object, as_text
from bot.playground.slack.world import APP_ID, World
from bot.playground.view import ConnectionShown

EnvelopeKind = Literal["events_api", "interactive", "slash_commands"]
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


class _Connection:
    """One WebSocket of the app."""

    def __init__(self, number: int, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.number = number
        self.socket = socket
        self.request = request
        self.retired = False
        """It was told to disconnect and gets no more envelopes."""

    async def send(self, frame: JsonObject) -> None:
        """Send a frame; a connection that is going away swallows it, as the real one does."""
        with contextlib.suppress(ConnectionError):
            await self.socket.send_str(json.dumps(frame))

    def cut(self) -> None:
        """Lose the TCP connection without a goodbye."""
        if self.request.transport is not None:
            self.request.transport.abort()


class SocketMode:
    """All connections of the app, and the envelopes that wait for their acknowledgement."""

    def __init__(
        self, rules: SlackRules, world: World, chance: random.Random, journal: Journal, changes: Changes
    ) -> None:
        self.rules = rules
        self.refusals = 0
        """How many of the next handshakes are refused; their tickets are used up all the same."""
        self.request_url: RequestUrl | None = None
        """Given while the app takes its deliveries over HTTP instead."""
        self.silent = False
        """Half-open: connections stay, but nothing goes out, pongs neither."""
        self._world = world
        self._chance = chance
        self._journal = journal
        self._changes = changes
        self._tickets: dict[str, float] = {}
        self._connections: list[_Connection] = []
        self._count = 0
        self._pending: dict[str, asyncio.Future[JsonObject]] = {}
        self._arrival = asyncio.Event()
        """Set by every new connection; envelopes wait for it."""

    @property
    def connections(self) -> int:
        """How many connections can get envelopes; a request URL counts as one."""
        return len(self._live()) if self.request_url is None else 1

    def switch(self, request_url: RequestUrl | None) -> None:
        """Deliver to a request URL from now on, or through connections again."""
        self.request_url = request_url
        self._tell()

    def open(self) -> str:
        """A fresh address: usable once, and only for a while."""
        ticket = self._world.token()
        self._tickets[ticket] = time.monotonic() + self.rules.ticket_seconds
        host = self._world.address.removeprefix("http")
        return f"ws{host}/link/?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A handshake, and then the connection for as long as it lasts."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self.refusals > 0:
            self.refusals -= 1
            return web.Response(status=503, text="try again")
        if expires < time.monotonic():
            return web.Response(status=404, text="no such ticket")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self._count += 1
        connection = _Connection(self._count, socket, request)
        if len(self._connections) >= self.rules.max_connections:
            await connection.send(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        await self._serve(connection)
        return socket

    async def _serve(self, connection: _Connection) -> None:
        self._connections.append(connection)
        await connection.send(self._hello())
        self._arrival.set()
        self._tell()
        try:
            async for frame in connection.socket:
                if frame.type is WSMsgType.PING and not self.silent:
                    await connection.socket.pong(frame.data)
                elif frame.type is WSMsgType.TEXT and not self.silent:
                    self._acknowledged(frame.data)
        except ConnectionError:
            pass  # lost in the middle of a pong: the same as lost
        finally:
            self._connections.remove(connection)
            self._tell()

    def _hello(self) -> JsonObject:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "playground", "build_number": 1, "approximate_connection_time": 18060},
        }

    def _tell(self) -> None:
        connected = self.connections > 0
        self._changes.show(ConnectionShown("slack", connected))

    def _live(self) -> list[_Connection]:
        return [one for one in self._connections if not one.retired and not one.socket.closed]

    def _acknowledged(self, frame: str) -> None:
        try:
            ack = as_object(json.loads(frame))
        except ValueError:
            self._journal.faults_seen.append("a Socket Mode frame was not JSON")
            return
        waiting = self._pending.get(as_text(ack.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(as_object(ack.get("payload")))
            self._changes.wake()

    async def deliver(
        self, kind: EnvelopeKind, payload: JsonObject, *, accepts_payload: bool = False, attempt: int = 0
    ) -> JsonObject | None:
        """Send an envelope once, to one connection chosen at random; wait for one if there is none.

        Returns:
            The payload of the acknowledgement, or None when none came within `ack_seconds`.
        """
        if self.request_url is not None:
            reply = await self.request_url.deliver(kind, payload, attempt=attempt)
            self._changes.wake()
            return reply
        envelope_id = self._world.token(32)
        waiting: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._pending[envelope_id] = waiting
        frame: JsonObject = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts_payload,
        }
        if kind == "events_api":
            frame |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        try:
            async with asyncio.timeout(self.rules.ack_seconds):
                while not self._live():
                    self._arrival.clear()
                    await self._arrival.wait()
                await self._send(frame, kind, payload, attempt)
                return await waiting
        except TimeoutError:
            return None
        finally:
            del self._pending[envelope_id]

    async def _send(self, frame: JsonObject, kind: EnvelopeKind, payload: JsonObject, attempt: int) -> None:
        connection = self._chance.choice(self._live())
        event = as_object(payload.get("event"))
        self._journal.sent.append(
            Sent(
                kind=kind,
                envelope_id=as_text(frame["envelope_id"]),
                connection=connection.number,
                attempt=attempt,
                event_type=as_text(event.get("type")),
                event_id=as_text(payload.get("event_id")),
                at=time.time(),
            )
        )
        if not self.silent:
            await connection.send(frame)
        self._changes.wake()

    async def disconnect(self, reason: DisconnectReason) -> None:
        """Tell every connection to go; all reasons but `warning` also take it out of service."""
        for connection in tuple(self._connections):
            connection.retired = connection.retired or reason != "warning"
            await connection.send(_disconnect(reason))
        self._tell()

    def drop(self) -> None:
        """Lose all connections abruptly."""
        for connection in tuple(self._connections):
            connection.retired = True
            connection.cut()

    async def close(self) -> None:
        """End every connection politely."""
        for connection in tuple(self._connections):
            with contextlib.suppress(ConnectionError):
                await connection.socket.close()


def _disconnect(reason: DisconnectReason) -> JsonObject:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}}
