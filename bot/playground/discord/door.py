"""The HTTP door: reads requests, applies planned faults, authorisation and rate limits, writes replies and the log."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from bot.playground.discord.buckets import Buckets, rate_limit_body, refusal_headers
from bot.playground.discord.calls import Call, CallLog
from bot.playground.discord.endpoints import Endpoint, rate_for
from bot.playground.discord.faults import Fault
from bot.playground.discord.refusals import Refusal, refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.uploads import read_body
from bot.playground.discord.wire import Asked, Reply

log = structlog.get_logger()

API_PREFIX = "/api/v10"
_VIA = {"Via": "1.1 google"}
_CUT = 0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    text: str = field(init=False)
    """The body as JSON text, a picture of this moment."""
    html: bool = False
    """An answer of Cloudflare: HTML and no Via header."""
    shared: bool = False
    """A 429 of the shared scope."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", json.dumps(self.body, separators=(",", ":")))


class Door:
    """Turns endpoints into aiohttp handlers."""

    def __init__(self, scene: Scene, calls: CallLog) -> None:
        self._scene = scene
        self._calls = calls
        self.buckets = Buckets(scene.rules, scene.clock)

    def handler(self, endpoint: Endpoint) -> Handler:
        """The aiohttp handler of one endpoint."""

        async def handle(request: web.Request) -> web.StreamResponse:
            began, started = time.time(), time.perf_counter()
            asked = Asked(endpoint.method, endpoint.template, "", request.match_info, request.query)
            try:
                asked = await self._read(endpoint, request)
                answer = await self._answer(endpoint, asked)
            except Refusal as error:  # the body could not be read
                answer = _Answer(error.status, error.body())
            call = Call(
                method=endpoint.method,
                template=endpoint.template,
                path=request.path.removeprefix(API_PREFIX),
                at=began,
                took=time.perf_counter() - started,
                status=answer.status,
                request=asked.body,
                response=json.loads(answer.text),
                files=tuple(file.filename for _, file in sorted(asked.files.items())),
            )
            self._calls.add(call, shared_limit=answer.shared)
            return _response(request, answer)

        return handle

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """What there is not."""
        body = {"message": "404: Not Found", "code": 0}
        path = request.path.removeprefix(API_PREFIX)
        self._calls.add(Call(request.method, path, path, time.time(), 0.0, 404, None, body))
        log.warning("discord stand-in has no such endpoint", method=request.method, path=path)
        return _response(request, _Answer(404, body))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of the content network."""
        if fault := self._scene.faults.take("GET /attachments"):
            if fault.kind != "slow":
                return _response(request, _faulty(fault))
            await asyncio.sleep(fault.seconds)
        attachment = self._scene.cdn.find(request.match_info["attachment_id"], request.query)
        if attachment is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=attachment.content, headers={"Content-Type": attachment.media_type})

    async def _read(self, endpoint: Endpoint, request: web.Request) -> Asked:
        body, files = await read_body(request, self._scene.rules)
        return Asked(
            method=endpoint.method,
            template=endpoint.template,
            path=request.path,
            params=request.match_info,
            query=request.query,
            body=body,
            files=files,
            authorization=request.headers.get("Authorization"),
        )

    async def _answer(self, endpoint: Endpoint, asked: Asked) -> _Answer:
        fault = self._scene.faults.take(f"{endpoint.method} {endpoint.template}")
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault and not fault.after:
            return _faulty(fault)
        answer = self._regular(endpoint, asked)
        if fault and fault.after:
            return _faulty(fault)
        return answer

    def _regular(self, endpoint: Endpoint, asked: Asked) -> _Answer:
        if not endpoint.public and asked.authorization != f"Bot {self._scene.token}":
            return _Answer(401, {"message": "401: Unauthorized", "code": 0})
        bucket, major, rate = rate_for(endpoint, asked, self._scene.rules)
        writes = endpoint.method != "GET" and endpoint.rate != "free"
        counts = not endpoint.public
        ration = self.buckets.take(bucket, major, rate, writes=writes, counts_globally=counts)
        if ration.retry_after is not None:
            return _Answer(429, ration.body(), ration.headers)
        reply = _acted(endpoint, asked)
        return _Answer(reply.status, reply.body, ration.headers)


def _acted(endpoint: Endpoint, asked: Asked) -> Reply:
    try:
        return endpoint.act(asked)
    except Refusal as error:
        return Reply(error.status, error.body())
    except Exception as error:  # the HTTP boundary: a mistake of the stand-in is told, not hidden in repeated requests
        log.exception("discord stand-in failed", method=endpoint.method, path=asked.path)
        return Reply(500, {"message": f"the stand-in failed: {error!r}", "code": 0})


def _faulty(fault: Fault) -> _Answer:
    match fault.kind:
        case "cut_before" | "cut_after":
            return _Answer(_CUT)
        case "429" | "429_shared":
            scope = "shared" if fault.kind == "429_shared" else "user"
            headers = refusal_headers(fault.seconds, scope)
            return _Answer(429, rate_limit_body(fault.seconds), headers, shared=scope == "shared")
        case "429_html":
            return _Answer(429, "<html><body>error code: 1015</body></html>", html=True)
        case "10062" | "160006":
            error = refusal(int(fault.kind))
            return _Answer(error.status, error.body())
        case _:
            return _Answer(int(fault.kind), {"message": f"{fault.kind}: planned fault", "code": 0})


def _response(request: web.Request, answer: _Answer) -> web.StreamResponse:
    if answer.status == _CUT:
        if request.transport:
            request.transport.abort()
        return web.Response()
    if answer.html:
        return web.Response(status=answer.status, text=str(answer.body), content_type="text/html")
    headers = answer.headers | _VIA
    if answer.status == 204:
        return web.Response(status=204, headers=headers)
    return web.Response(
        status=answer.status, body=answer.text.encode(), headers=headers | {"Content-Type": "application/json"}
    )
