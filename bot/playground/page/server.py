"""The page's own small server: HTML, static files, uploads, files and one WebSocket per browser."""

from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.errors import OperatorError
from bot.playground.child import BotChild
from bot.playground.page.feed import Feed
from bot.playground.page.files import file_response
from bot.playground.page.guard import TOKEN_REFUSED, Guard
from bot.playground.page.socket import Conversation
from bot.playground.page.uploads import SIZE_LIMIT, Uploads
from bot.playground.view import PlatformName, Stage

STATIC = Path(__file__).parent / "static"
HEARTBEAT = 20.0
"""Seconds between WebSocket pings."""
LAST_PORT = 65_535


class PageServer:
    """Serves the page on loopback while the `async with` block lasts.

    Args:
        slack: what the left pane shows.
        discord: what the right pane shows.
        bot: the process that the page can kill and start.
        port: 0 takes a free one; see `url`.
        model_label: text of the badge, e.g. `offline: no language model`.
        model_hint: tooltip of the badge: which setting connects a model.

    Raises:
        OperatorError: on entering, when the port is in use or there is no such port.
    """

    def __init__(
        self, slack: Stage, discord: Stage, bot: BotChild, *, port: int = 0, model_label: str = "", model_hint: str = ""
    ) -> None:
        self._stages: dict[PlatformName, Stage] = {"slack": slack, "discord": discord}
        self._bot = bot
        self._port = port
        self._guard = Guard()
        self._uploads = Uploads()
        self._feed = Feed(slack, discord, bot, model_label=model_label, model_hint=model_hint)
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def port(self) -> int:
        """The port that is served."""
        return self._port

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        if not 0 <= self._port <= LAST_PORT:
            raise OperatorError(f"There is no port {self._port}. Choose one from 0 to {LAST_PORT} with --port.")
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise OperatorError(
                f"Port {self._port} on 127.0.0.1 cannot be used: another program has it. Choose one with --port."
            ) from error
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._guard.listen_on(self._port)
        self._feed.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.close()
        for socket in tuple(self._sockets):
            await socket.close(code=1001)
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard.middleware], client_max_size=SIZE_LIMIT)
        application.on_response_prepare.append(self._guard.add_headers)
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._socket),
                web.post("/upload", self._upload),
                web.get("/files/{platform:slack|discord}/{id}", self._file),
                web.static("/static", STATIC),
            ]
        )
        return application

    async def _page(self, request: web.Request) -> web.Response:
        del request
        html = _INDEX.replace("{{token}}", self._guard.token)
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _upload(self, request: web.Request) -> web.Response:
        self._guard.check_origin(request)
        self._guard.check_token(request)
        content = await request.read()
        name = Path(request.query.get("name", "").replace("\\", "/")).name or "file"
        return web.json_response({"id": self._uploads.keep(name, content)})

    async def _file(self, request: web.Request) -> web.Response:
        platform: PlatformName = "slack" if request.match_info["platform"] == "slack" else "discord"
        found = self._stages[platform].file(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such file.")
        return file_response(*found)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        self._guard.check_origin(request)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1024 * 1024)
        await socket.prepare(request)
        if not self._guard.knows(request.query.get("token", "")):
            await socket.close(code=TOKEN_REFUSED, message=b"another process")
            return socket
        self._sockets.add(socket)
        try:
            await Conversation(socket, self._feed, self._stages, self._bot, self._uploads).run()
        finally:
            self._sockets.discard(socket)
        return socket


_INDEX = (STATIC / "index.html").read_text(encoding="utf-8")
