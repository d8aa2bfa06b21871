"""Slack over HTTP: every request is checked before anything reads it, and answered when it has been accepted."""

import re
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from slack_bolt.response import BoltResponse

from adapters.slack.desk import NOT_TAKEN
from adapters.slack.forms import Kind, parsed
from adapters.slack.front import UNAVAILABLE
from adapters.slack.payloads import cleaned
from adapters.slack.signatures import Malformed, Unsigned, verify
from bot.errors import StoreUnavailable
from bot.relay.contract import Route, WebReply, WebRequest

log = structlog.get_logger()

EVENTS = "/slack/events"
"""The request URL of events, interactivity and slash commands alike."""
_CERTIFICATE_CHECK = re.compile(rb"(token=[\w-]{0,200}&)?ssl_check=1(&token=[\w-]{0,200})?")
"""All that Slack sends to see whether our certificate is good: it asks for nothing, so it needs no signature."""
_OK = WebReply()


class Door:
    """Lets in what Slack has signed just now, once."""

    def __init__(
        self,
        secret: str,
        take: Callable[[dict[str, object]], Awaitable[BoltResponse]],
        first_time: Callable[[str], Awaitable[bool]],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Hand what was checked to `take`.

        Args:
            secret: with which Slack signs.
            take: accepts a delivery and gives its acknowledgement.
            first_time: whether a key was never told before, in the whole deployment.
            now: Unix seconds.
        """
        self._secret = secret
        self._take = take
        self._first_time = first_time
        self._now = now

    def routes(self) -> Sequence[Route]:
        """What Slack is told to send its requests to."""
        return (Route("POST", EVENTS, self.handle), Route("GET", EVENTS, self.check_certificate))

    async def check_certificate(self, request: WebRequest) -> WebReply:
        """Slack looks whether somebody is there."""
        return _OK if request.query.get("ssl_check") == "1" else WebReply(status=400, body="Slack sends POST here.")

    async def handle(self, request: WebRequest) -> WebReply:
        """One request. 200 means accepted; after 503 Slack sends an event again."""
        if _CERTIFICATE_CHECK.fullmatch(request.body):
            return _OK
        try:
            signature = verify(self._secret, request.headers, request.body, self._now())
            kind, body = parsed(request.headers.get("content-type", ""), request.body)
        except Unsigned as reason:
            log.info("slack request refused", reason=str(reason))
            return WebReply(status=401, body="This is not signed by Slack.")
        except Malformed as reason:
            log.info("slack request not understood", reason=str(reason))
            return WebReply(status=400, body="Slack sends nothing like this.")
        if body.get("type") == "url_verification":
            return _challenged(body)
        if kind != "event" and (refusal := await self._refuse_again(kind, signature)) is not None:
            return refusal
        return _reply(await self._take(body))

    async def _refuse_again(self, kind: Kind, signature: str) -> WebReply | None:
        """Slack never repeats commands and presses, so the same request is a replay of somebody who overheard it.

        Events are repeated; what they say is known by its own keys.
        """
        try:
            if await self._first_time(f"slack request {signature}"):
                return None
        except StoreUnavailable:
            return _private(NOT_TAKEN) if kind == "command" else WebReply(status=UNAVAILABLE)
        log.warning("slack request replayed", kind=kind)
        return _OK


def _challenged(body: dict[str, object]) -> WebReply:
    challenge = cleaned(body.get("challenge"))
    if not isinstance(challenge, str):
        return WebReply(status=400, body="There is no challenge.")
    return WebReply(body=challenge)


def _private(text: str) -> WebReply:
    return _reply(BoltResponse(status=200, body={"response_type": "ephemeral", "text": text}))


def _reply(response: BoltResponse) -> WebReply:
    (content_type, *_) = response.headers["content-type"]
    return WebReply(status=response.status, body=response.body, content_type=content_type.partition(";")[0])
