"""One server for everything that is asked of this process over HTTP.

It listens from the first moment of a process to its last, so that health is answered while the database is waited for
and while answers are being finished. What adapters offer is added when this process is ready for it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from bot.errors import OperatorError
from bot.relay.contract import Route, WebReply, WebRequest
from bot.web.bodies import read
from bot.web.connections import Connections
from bot.web.limits import WebLimits
from bot.web.protocol_log import ProtocolLog

log = structlog.get_logger()

STARTING = "starting"
NOT_FOUND = WebReply(status=404, body="There is nothing here.")


async def _starting() -> str | None:
    return STARTING


class WebServer:
    """Answers `/healthz`, `/readyz` and the routes that were opened.

    Every answer is short and says nothing about the inside; an unforeseen error is a 500 with the number under which
    the log has its traceback.
    """

    def __init__(self, address: str, port: int, limits: WebLimits | None = None) -> None:
        """Listen on `address`; port 0 takes a free one."""
        self.port = port
        self._address = address
        self._limits = limits or WebLimits()
        self._routes: dict[str, dict[str, Route]] = {}
        self._shut: str | None = STARTING
        self.hindrance: Callable[[], Awaitable[str | None]] = _starting
        """Why this process is not ready; None when it is."""
        self._in_work = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._http = web.Server(
            self._respond,
            access_log=None,
            auto_decompress=False,  # signatures are over what was sent, and nobody has to send us a bomb
            keepalive_timeout=self._limits.idle,
            lingering_time=self._limits.linger,
            logger=ProtocolLog(),
        )
        self._connections = Connections(self._http, self._limits)
        self._listening: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            OperatorError: the port is taken or not allowed.
        """
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._connections, self._address, self.port)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OperatorError(f"PORT: nothing can listen on {self._address}:{self.port} ({reason}).") from error
        self.port = int(self._listening.sockets[0].getsockname()[1])
        log.info("web server listens", address=self._address, port=self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything; requests in work have a moment left."""
        if self._listening is not None:
            self._listening.close()
        self._http.pre_shutdown()
        await self._http.shutdown(self._limits.linger)

    # --- what is offered

    def open(self, routes: Sequence[Route]) -> None:
        """Take requests from now on, by these routes."""
        self._routes = {}
        for route in routes:
            self._routes.setdefault(route.path, {})[route.method] = route
        self._shut = None

    def shut(self, reason: str) -> None:
        """Ask every further request to come again. Health goes on being told."""
        self._shut = reason

    async def idle(self) -> None:
        """Wait until no request is in work, but not for ever."""
        try:
            async with asyncio.timeout(self._limits.farewell):
                await self._idle.wait()
        except TimeoutError:
            log.warning("requests left behind", count=self._in_work)

    # --- answering

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        self._connections.begun(request)
        try:
            reply = await self._safely(request)
        finally:
            self._connections.ended(request)
        response = web.Response(
            status=reply.status, text=reply.body, content_type=reply.content_type, headers=_headers(reply)
        )
        if reply.status in (408, 413) or self._shut is not None:
            response.force_close()
        return response

    async def _safely(self, request: web.BaseRequest) -> WebReply:
        try:
            return await self._answer(request)
        except Exception:  # process boundary: whatever a route raises, the client gets an answer and the server goes on
            incident = secrets.token_hex(4)
            log.exception("request failed", incident=incident, method=request.method, path=self._known(request.path))
            return WebReply(status=500, body=f"Something went wrong here. (Incident {incident})")

    def _known(self, path: str) -> str:
        """The path, when it is one of ours: everything else may be anything."""
        return path if path in self._routes else "?"

    async def _answer(self, request: web.BaseRequest) -> WebReply:
        if request.path in ("/healthz", "/readyz"):
            return await self._health(request)
        if self._shut is not None and (not self._routes or request.path in self._routes):
            return self._come_again(self._shut)
        methods = self._routes.get(request.path)
        if methods is None:
            return NOT_FOUND
        route = methods.get(request.method)
        if route is None:
            return _wrong_method(methods)
        whole = await read(request, route)
        return await self._by(route, whole) if isinstance(whole, WebRequest) else whole

    async def _by(self, route: Route, whole: WebRequest) -> WebReply:
        """Work begins when a request is there as a whole: whoever sends slowly holds a connection, and nobody up."""
        if self._shut is not None:  # meanwhile
            return self._come_again(self._shut)
        if self._in_work >= self._limits.in_work:
            return self._come_again("too many requests at once")
        self._in_work += 1
        self._idle.clear()
        try:
            return await route.handle(whole)
        finally:
            self._in_work -= 1
            if self._in_work == 0:
                self._idle.set()

    async def _health(self, request: web.BaseRequest) -> WebReply:
        if request.method not in ("GET", "HEAD"):
            return _wrong_method(("GET", "HEAD"))
        if request.path == "/healthz":
            return WebReply(body="alive\n")
        reason = self._shut or await self.hindrance()
        return WebReply(body="ready\n") if reason is None else self._come_again(reason)

    def _come_again(self, reason: str) -> WebReply:
        wait = ("Retry-After", str(self._limits.retry_after))
        return WebReply(status=503, body=f"Not now: {reason}.\n", headers=(wait,))


def _headers(reply: WebReply) -> list[tuple[str, str]]:
    ours = [("Server", "parley"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    return [*ours, *reply.headers]


def _wrong_method(allowed: "dict[str, Route] | tuple[str, ...]") -> WebReply:
    return WebReply(status=405, body="That is not how to ask here.", headers=(("Allow", ", ".join(allowed)),))
