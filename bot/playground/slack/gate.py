"""Where every HTTP request comes through: ordered faults happen here, and everything is written into the journal."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from bot.playground.slack.changes import Changes
from bot.playground.slack.faults import Fault, Faults
from bot.playground.slack.journal import Call, Journal
from bot.playground.slack.wire import JsonObject, as_text


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is ready to go out."""

    body: JsonObject | bytes | str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content_type: str = "text/plain"
    """For bytes and text; objects are JSON."""
    error: str | None = None
    """For the journal, where the body does not say it."""

    def response(self) -> web.Response:
        """As aiohttp sends it."""
        if isinstance(self.body, dict):
            return web.json_response(self.body, status=self.status, headers=self.headers)
        if isinstance(self.body, str):
            return web.Response(
                text=self.body, status=self.status, headers=self.headers, content_type=self.content_type
            )
        return web.Response(body=self.body, status=self.status, headers=self.headers, content_type=self.content_type)


def refused(error: str, *, status: int = 200, headers: dict[str, str] | None = None, **more: object) -> Reply:
    """`ok: false` with Slack's word."""
    body: JsonObject = {"ok": False, "error": error}
    return Reply(body | {name: as_text(value) for name, value in more.items()}, status, headers or {})


def rate_limited(seconds: int) -> Reply:
    """HTTP 429 with whole seconds."""
    return refused("ratelimited", status=429, headers={"Retry-After": str(seconds)})


class Gate:
    """Lets requests through, unless trouble was ordered."""

    def __init__(self, faults: Faults, journal: Journal, changes: Changes) -> None:
        self._faults = faults
        self._journal = journal
        self._changes = changes

    async def pass_through(
        self, name: str, request: web.Request, parameters: JsonObject, work: Callable[[], Awaitable[Reply]]
    ) -> web.Response:
        """Do the work and answer, or fail as ordered; either way the call is noted."""
        at = time.time()
        fault = self._faults.take(name)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        reply = await self._reply(fault, work)
        cut = fault is not None and fault.kind in {"cut_before", "cut_after"}
        if cut and request.transport is not None:
            request.transport.abort()
        error = reply.error or (as_text(reply.body.get("error")) if isinstance(reply.body, dict) else "") or None
        self._note(
            Call(
                method=name,
                at=at,
                parameters=parameters,
                status=0 if cut else reply.status,
                error=fault.kind if cut and fault else error,
            )
        )
        return reply.response()

    async def _reply(self, fault: Fault | None, work: Callable[[], Awaitable[Reply]]) -> Reply:
        spoilt = _spoilt(fault)
        if spoilt is not None:
            return spoilt
        reply = await work()
        self._changes.wake()
        if fault is not None and fault.kind == "500_after":
            return Reply("upstream trouble", status=500, error=fault.kind)
        if fault is not None and fault.kind == "slow_after":
            await asyncio.sleep(fault.seconds)
        return reply

    def _note(self, call: Call) -> None:
        self._journal.calls.append(call)
        self._changes.wake()


def _spoilt(fault: Fault | None) -> Reply | None:
    """The answer that a fault gives instead of the work."""
    if fault is None or fault.kind in {"slow", "cut_after", "500_after", "slow_after"}:
        return None
    if fault.kind == "429":
        return rate_limited(max(1, round(fault.seconds)))
    if fault.kind == "error":
        return refused(fault.error)
    if fault.kind == "cut_before":
        return refused("cut_before")
    return Reply("upstream trouble", status=int(fault.kind), error=f"http_{fault.kind}")
