"""Only callers that name this machine: every server of the playground refuses other Host headers.

The servers listen on loopback, but a web page anywhere can let its own name point to 127.0.0.1 (DNS rebinding) and then
reach them from the visitor's browser. Such a request still carries the foreign name in its Host header.
"""

from aiohttp import web
from aiohttp.typedefs import Handler


class LoopbackHosts:
    """The Host headers that one server answers to."""

    def __init__(self) -> None:
        self._port = 0

    def listen_on(self, port: int) -> None:
        """Say which port the server got; before that, nothing is answered."""
        self._port = port

    @property
    def hosts(self) -> tuple[str, str]:
        """The server's own names, with the port."""
        return f"127.0.0.1:{self._port}", f"localhost:{self._port}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to every other name."""
        if request.host not in self.hosts:
            raise web.HTTPForbidden(text="The playground answers to 127.0.0.1 and localhost only.")
        return await handler(request)
