"""Connections of the web server, so many and no more, and none that takes for ever over its headers.

aiohttp bounds the size of headers and how long a connection may be idle, but neither how many there are nor how slowly
a request may begin.
"""

import asyncio
from typing import cast

from aiohttp import web

from bot.web.limits import WebLimits


class Connections:
    """Makes the protocol of each connection (a factory for `loop.create_server`) and knows those that are open."""

    def __init__(self, server: web.Server, limits: WebLimits) -> None:
        """Let `server` speak HTTP on them."""
        self._server = server
        self._limits = limits
        self._open: dict[asyncio.BaseTransport, _Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self._server(), self._open, self._limits)

    def begun(self, request: web.BaseRequest) -> None:
        """The headers of a request are there."""
        if connection := self._of(request):
            connection.begun()

    def ended(self, request: web.BaseRequest) -> None:
        """The request is answered; the next one may begin."""
        if connection := self._of(request):
            connection.ended()

    def _of(self, request: web.BaseRequest) -> "_Connection | None":
        return None if request.transport is None else self._open.get(request.transport)


class _Connection(asyncio.Protocol):
    """aiohttp's protocol with a clock beside it."""

    def __init__(
        self, http: asyncio.Protocol, connections: "dict[asyncio.BaseTransport, _Connection]", limits: WebLimits
    ) -> None:
        self._http = http
        self._connections = connections
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= self._limits.connections:
            self._transport.abort()
            return
        self._connections[transport] = self
        self._http.connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        if not self._answering and self._deadline is None:
            self._start_clock()
        if self._transport in self._connections:
            self._http.data_received(data)

    def eof_received(self) -> bool | None:
        return self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        if self._transport is not None and self._connections.pop(self._transport, None) is not None:
            self._http.connection_lost(exc)

    def begun(self) -> None:
        self._answering = True
        self._stop_clock()

    def ended(self) -> None:
        self._answering = False

    def _start_clock(self) -> None:
        if self._transport is not None:
            self._deadline = asyncio.get_running_loop().call_later(self._limits.head, self._transport.abort)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
