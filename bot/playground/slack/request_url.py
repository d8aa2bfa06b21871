"""Slack's end of the Events API over HTTP: signed requests to the app's request URL, and what the app answered."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

import aiohttp

from bot.playground.slack.journal import Journal, Sent
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.wire import JsonObject, as_object, as_text
from bot.playground.view import NotPossible

Tampering = Literal["bad", "old", "missing", "not_ascii"]
"""A wrong signature, one of an hour ago, none at all, one with letters that no header has."""

_FORM = "application/x-www-form-urlencoded"
_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One request to the app, as it went out."""

    kind: str
    """`events_api`, `interactive`, `slash_commands` or `url_verification`."""
    headers: dict[str, str]
    body: bytes = field(repr=False)
    status: int
    """0 when nothing came back."""
    reason: str = ""
    """Slack's word for what went wrong: `http_timeout`, `http_error`, `connection_failed`."""
    answer: str = field(default="", repr=False)


class RequestUrl:
    """Where Slack sends everything when the app does not use Socket Mode."""

    def __init__(
        self, url: str, secret: str, rules: Callable[[], SlackRules], journal: Journal, wake: Callable[[], None]
    ) -> None:
        self.url = url
        self.delivered: list[Delivered] = []
        self._secret = secret
        self._rules = rules
        self._journal = journal
        self._wake = wake
        self._tampering: list[Tampering] = []
        self._reasons: dict[str, str] = {}
        """Why an event's last delivery failed."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))

    async def close(self) -> None:
        """Close the connections to the app."""
        await self._http.close()

    def tamper(self, how: Tampering, count: int) -> None:
        """Spoil the signatures of the next deliveries."""
        self._tampering.extend(how for _ in range(count))

    async def verify(self) -> None:
        """What Slack does when the URL is entered.

        Raises:
            NotPossible: the challenge did not come back.
        """
        challenge = hashlib.sha256(self.url.encode()).hexdigest()
        payload: JsonObject = {"token": "deprecated", "challenge": challenge, "type": "url_verification"}
        answered = await self._send("url_verification", json.dumps(payload).encode(), "application/json", {})
        if answered.status != 200 or challenge not in answered.answer:
            raise NotPossible("Your URL didn't respond with the value of the challenge parameter.")

    async def deliver(self, kind: str, payload: JsonObject, *, attempt: int = 0) -> JsonObject | None:
        """Send once. Returns what the app answered; None when Slack counts it as failed and may send again."""
        event_id = as_text(payload.get("event_id"))
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": self._reasons.get(event_id, "")}
        self._note(kind, payload, attempt)
        body, content_type = _encoded(kind, payload)
        answered = await self._send(kind, body, content_type, retry if attempt else {})
        if answered.reason:
            self._reasons[event_id] = answered.reason
            return None
        try:
            return as_object(json.loads(answered.answer))
        except ValueError:
            return {}  # Slack reads JSON or nothing

    async def replay(self, delivered: Delivered) -> int:
        """Send the very same bytes again, as somebody would who has overheard them. Returns the status."""
        return (await self._post(delivered.kind, delivered.body, delivered.headers)).status

    def _note(self, kind: str, payload: JsonObject, attempt: int) -> None:
        self._journal.sent.append(
            Sent(
                kind=kind,
                envelope_id="",
                connection=0,
                attempt=attempt,
                event_type=as_text(as_object(payload.get("event")).get("type")),
                event_id=as_text(payload.get("event_id")),
                at=time.time(),
            )
        )

    async def _send(self, kind: str, body: bytes, content_type: str, more: dict[str, str]) -> Delivered:
        headers = {"Content-Type": content_type, "User-Agent": _AGENT, **more, **self._signed(body)}
        answered = await self._post(kind, body, headers)
        self.delivered.append(answered)
        self._wake()
        return answered

    async def _post(self, kind: str, body: bytes, headers: dict[str, str]) -> Delivered:
        try:
            async with asyncio.timeout(self._rules().ack_seconds):
                async with self._http.post(self.url, data=body, headers=headers) as response:
                    answer = await response.text()
        except TimeoutError:
            return Delivered(kind, headers, body, 0, "http_timeout")
        except aiohttp.ClientError:
            return Delivered(kind, headers, body, 0, "connection_failed")
        final = response.status == 200 or response.headers.get("X-Slack-No-Retry") == "1"
        return Delivered(kind, headers, body, response.status, "" if final else "http_error", answer)

    def _signed(self, body: bytes) -> dict[str, str]:
        how = self._tampering.pop(0) if self._tampering else None
        timestamp = str(int(time.time()) - (3600 if how == "old" else 0))
        signature = "v0=" + hmac.new(
            self._secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256
        ).hexdigest()  # fmt: skip
        match how:
            case "missing":
                return {"X-Slack-Request-Timestamp": timestamp}
            case "bad":
                signature = "v0=" + "0" * 64
            case "not_ascii":
                signature = "v0=" + "é" * 64
            case _:
                pass
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}


def _encoded(kind: str, payload: JsonObject) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    if kind == "interactive":
        return urlencode({"payload": json.dumps(payload)}).encode(), _FORM
    return urlencode({name: as_text(value) for name, value in payload.items()}).encode(), _FORM
