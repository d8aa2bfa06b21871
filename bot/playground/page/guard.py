"""Who may talk to the page's server: the page itself, nobody else.

The server listens on loopback, but every web page in the same browser can reach loopback too. So other Host headers
are refused (DNS rebinding), sockets and uploads must come from the page's own origin, and need the token that only the
page's HTML carries.
"""

import secrets

from aiohttp import web

from bot.playground.loopback import LoopbackHosts

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Everything comes from the page's own server; `blob:` is the preview of an image before it is sent."""

FILE_POLICY = "default-src 'none'; sandbox"
"""For files that people and the bot exchanged: whatever they contain, nothing in them runs."""

TOKEN_HEADER = "X-Playground-Token"  # noqa: S105 - the name of a header
TOKEN_REFUSED = 4401
"""WebSocket close code for a wrong token: the page belongs to an earlier process and has to load again."""


class Guard(LoopbackHosts):
    """The checks of one server process."""

    def __init__(self) -> None:
        super().__init__()
        self.token = secrets.token_urlsafe(24)

    def knows(self, token: str) -> bool:
        """Whether this is the token of this process."""
        return secrets.compare_digest(token.encode(), self.token.encode())

    def check_origin(self, request: web.Request) -> None:
        """Let only the page's own origin through.

        Raises:
            web.HTTPForbidden: for every other origin, and for none.
        """
        if request.headers.get("Origin") not in {f"http://{host}" for host in self.hosts}:
            raise web.HTTPForbidden(text="This address is for the playground page only.")

    def check_token(self, request: web.Request) -> None:
        """Let only requests through that carry the token.

        Raises:
            web.HTTPForbidden: for every other token, and for none.
        """
        if not self.knows(request.headers.get(TOKEN_HEADER, "")):
            raise web.HTTPForbidden(text="This page belongs to an earlier playground. Load it again.")

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the safety headers on an answer (signal `on_response_prepare`)."""
        del request
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Cache-Control", "no-cache")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
