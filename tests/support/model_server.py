"""`ScriptedModel`: a model provider on loopback that says what a test tells it to, on both wires.

    async with ScriptedModel() as model:
        model.enqueue(Reply("Hello there"))
        … connect to model.base_url …
        assert model.requests[0].last_user_text == "Hi"

Answers come from the queue, or from `model.rule` (a function of the request) when the queue is empty. Replies that
nobody fetched and requests that nobody expected fail the test when the block is left.
"""

import asyncio
import inspect
import json
from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.support.model_frames import Frame, frames_of
from tests.support.model_replies import Call, Hook, Reply, SeenRequest, Wire

__all__ = ["Call", "Reply", "ScriptedModel", "SeenRequest", "encoded"]

Rule = Callable[[SeenRequest], Reply]


class _Cut(Exception):
    """The script tears the connection down here."""


class ScriptedModel:
    """The stand-in provider.

    Args:
        rule: answers requests for which nothing is queued.
        strict: complain at the end about replies left over and requests not expected.
        wires: which endpoints exist; the other one answers 404.
        port: 0 for any free one.
    """

    def __init__(
        self,
        rule: Rule | None = None,
        *,
        strict: bool = True,
        wires: tuple[Wire, ...] = ("responses", "chat"),
        port: int = 0,
    ) -> None:
        self.rule = rule
        self.requests: list[SeenRequest] = []
        """Everything that was asked of an existing endpoint, in order."""
        self.misses = 0
        """Requests for an endpoint that does not exist here."""
        self.dropped = 0
        """Streams that the client left before their end."""
        self.unexpected: list[SeenRequest] = []
        self.port = port
        self._strict = strict
        self._wires = wires
        self._queue: deque[Reply] = deque()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What to set `OPENAI_BASE_URL` to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def enqueue(self, *replies: Reply) -> None:
        """Answer the next requests with these, in order."""
        self._queue.extend(replies)

    async def seen(self, number: int) -> SeenRequest:
        """Wait until so many requests have come; gives the last of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= number)
        return self.requests[number - 1]

    async def left(self, number: int = 1) -> None:
        """Wait until so many streams have been left by the client before their end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.dropped >= number)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        for prefix in ("/v1", "/openai/v1"):  # the second one is Azure's
            app.router.add_post(f"{prefix}/responses", partial(self._handle, "responses"))
            app.router.add_post(f"{prefix}/chat/completions", partial(self._handle, "chat"))
            app.router.add_get(f"{prefix}/models", self._models)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        if kind is None and self._strict:
            assert not self._queue, f"{len(self._queue)} scripted replies were never fetched"
            assert not self.unexpected, f"{len(self.unexpected)} requests were not expected: {self.unexpected}"

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    async def _handle(self, wire: Wire, request: web.Request) -> web.StreamResponse:
        if wire not in self._wires:
            self.misses += 1
            return web.json_response({"error": {"message": f"Unknown path {request.path}"}}, status=404)
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert request.transport is not None
        peer = str(request.transport.get_extra_info("peername"))
        seen = SeenRequest(wire, await request.json(), headers, request.path, dict(request.query), peer)
        reply = self._next(seen)
        async with self._changed:
            self.requests.append(seen)
            self._changed.notify_all()
        if reply is None:
            self.unexpected.append(seen)
            error = {"message": "the test's script has no reply for this request", "code": "unexpected"}
            return web.json_response({"error": error}, status=400)
        if reply.status != 200 or not reply.content_type.startswith("text/event-stream"):
            body = {} if reply.error is None else reply.error
            text = body if isinstance(body, str) else json.dumps(body)
            kind = reply.content_type if reply.status == 200 else "application/json"
            return web.Response(text=text, status=reply.status, headers=reply.headers, content_type=kind)
        return await self._stream(request, reply, frames_of(reply, wire, seen.body))

    def _next(self, seen: SeenRequest) -> Reply | None:
        if self._queue:
            return self._queue.popleft()
        return self.rule(seen) if self.rule else None

    async def _stream(self, request: web.Request, reply: Reply, frames: list[Frame]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": reply.content_type, **reply.headers})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            await _play(response, reply, frames)
        except _Cut:
            if reply.cut == "reset":
                assert request.transport is not None
                request.transport.close()  # without the last chunk: the client notices
        except (asyncio.CancelledError, ConnectionError):
            async with self._changed:
                self.dropped += 1
                self._changed.notify_all()
            raise
        return response


async def _play(response: web.StreamResponse, reply: Reply, frames: list[Frame]) -> None:
    """Write the frames, with every pause, hook and cut of the script."""
    pieces = written = 0
    if reply.hold is not None and reply.hold_after == 0:
        await reply.hold.wait()
    for number, frame in enumerate(frames):
        if number == reply.cut_after_frames:
            raise _Cut
        if frame.piece and reply.delay:
            await asyncio.sleep(reply.delay)
        await _call(reply.before_frame, number)
        data = encoded(frame.data, reply.line_end, comment=reply.comments)
        if reply.cut_after_bytes is not None and written + len(data) > reply.cut_after_bytes:
            await response.write(data[: reply.cut_after_bytes - written])
            raise _Cut
        await _write(response, data, reply.write_size)
        written += len(data)
        await _call(reply.after_frame, number)
        pieces += frame.piece
        if frame.piece and reply.hold is not None and pieces == reply.hold_after:
            await reply.hold.wait()
    if reply.cut_after_frames is not None and reply.cut_after_frames >= len(frames):
        raise _Cut


async def _write(response: web.StreamResponse, data: bytes, size: int | None) -> None:
    step = size or len(data)
    for start in range(0, len(data), step):
        await response.write(data[start : start + step])
        if size:
            await asyncio.sleep(0)


def encoded(data: str, line_end: str = "\n", *, comment: bool = False) -> bytes:
    """One server-sent event as bytes."""
    lines = [": still working", ""] if comment else []
    kind: Any = json.loads(data).get("type") if data.startswith("{") else None
    lines += [f"event: {kind}"] if kind else []
    return line_end.join([*lines, f"data: {data}", "", ""]).encode()


async def _call(hook: Hook | None, number: int) -> None:
    outcome = hook(number) if hook else None
    if inspect.isawaitable(outcome):
        await outcome
