"""Requests that nobody should send, made from a seed: bytes for a socket, each with what it is a case of."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from adapters.slack.signatures import signature

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PATH = "/slack/events"

_SAID = {
    "type": "message", "channel": "C00GENERAL", "channel_type": "channel", "user": "U000000ADA",
    "ts": "1700000000.000100", "thread_ts": "1700000000.000100", "text": "<@U00PARLEY1> hi", "client_msg_id": "m-1",
    "team": "T00PARLEY1",
    "files": [{"id": "F1", "name": "a.txt", "mimetype": "text/plain", "size": 3, "mode": "hosted"}],
    "attachments": [{"id": 1, "is_share": True, "ts": "1700000000.000050", "text": "then", "author_id": "U000000BEN"}],
    "blocks": [{"type": "rich_text", "elements": [{"type": "text", "text": "hi"}]}],
    "event_ts": "1700000000.000100",
}  # fmt: skip
_PERSON = {"id": "U000000ADA", "username": "ada", "team_id": "T00PARLEY1"}
_EVENTS: tuple[dict[str, Any], ...] = (
    _SAID,
    {**_SAID, "type": "app_mention"},
    {**_SAID, "channel": "D000000ADA", "channel_type": "im"},
    {"type": "message", "subtype": "message_changed", "channel": "C00GENERAL", "ts": "1700000001.000100",
     "message": _SAID, "previous_message": _SAID, "hidden": True},
    {"type": "message", "subtype": "message_deleted", "channel": "C00GENERAL", "ts": "1700000001.000200",
     "deleted_ts": "1700000000.000100", "previous_message": _SAID, "hidden": True},
    {"type": "app_home_opened", "user": "U000000ADA", "channel": "D000000ADA", "tab": "home", "event_ts": "1.2"},
    {"type": "assistant_thread_started", "event_ts": "1.2",
     "assistant_thread": {"user_id": "U000000ADA", "channel_id": "D000000ADA", "thread_ts": "1700000000.000300"}},
    {"type": "agent_session_stopped", "user": "U000000ADA", "channel": "C00GENERAL", "thread_ts": "1700000000.000100"},
    {"type": "link_shared", "user": "U000000ADA", "links": [{"url": "https://example.org", "domain": "example.org"}]},
    {"type": "member_joined_channel", "user": "U000000ADA", "channel": "C00GENERAL"},
    {"type": "reaction_added", "user": "U000000ADA", "reaction": "eyes", "item": {"channel": "C1", "ts": "1.2"}},
)  # fmt: skip
_INTERACTIONS: tuple[dict[str, Any], ...] = (
    {"type": "block_actions", "user": _PERSON, "team": {"id": "T00PARLEY1"}, "channel": {"id": "C00GENERAL"},
     "message": {"ts": "1700000000.000400", "thread_ts": "1700000000.000100"}, "trigger_id": "1.a",
     "container": {"type": "message", "message_ts": "1700000000.000400"},
     "actions": [{"action_id": "run.stop", "block_id": "b", "value": "run_1", "action_ts": "1.2", "type": "button"}]},
    {"type": "view_submission", "user": _PERSON, "team": {"id": "T00PARLEY1"},
     "view": {"id": "V1", "callback_id": "feedback", "private_metadata": "{}", "state": {"values": {"a": {"b": {}}}}}},
    {"type": "message_action", "callback_id": "ask", "user": _PERSON, "team": {"id": "T00PARLEY1"}, "trigger_id": "1.b",
     "channel": {"id": "C00GENERAL"}, "message_ts": "1700000000.000100", "message": _SAID},
    {"type": "shortcut", "callback_id": "ask", "user": _PERSON, "team": {"id": "T00PARLEY1"}, "trigger_id": "1.c"},
    {"type": "block_suggestion", "user": _PERSON, "action_id": "a", "value": "x"},
)  # fmt: skip
_COMMAND = {
    "command": "/ask", "text": "what is up?", "user_id": "U000000ADA", "user_name": "ada", "team_id": "T00PARLEY1",
    "channel_id": "C00GENERAL", "channel_name": "general", "trigger_id": "1.d", "is_enterprise_install": "false",
    "response_url": "http://127.0.0.1:9/response", "api_app_id": "A1", "token": "x",
}  # fmt: skip
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1e308, "", "x", "x" * 5_000, "\0", "\ud800", "1.2.3", "../..", "<!channel>",
    "U000000BEN", [], {}, [[]], [None], {"": {}}, [{}] * 50, {"type": "message"}, "🙂" * 100, "-1", "1e9", "9" * 400,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    kind: str
    pieces: tuple[bytes, ...]
    """Sent one after the other."""
    pause: float = 0.0
    """Seconds between two pieces."""
    cut: bool = False
    """The connection is closed after the last piece, without waiting for an answer."""


class Fuzz:
    """Cases without end, the same for the same seed."""

    def __init__(self, seed: int, secret: str, now: Callable[[], float]) -> None:
        """Sign with `secret` where a case is to be signed."""
        self._random = random.Random(seed)
        self._secret = secret
        self._now = now
        self._count = 0

    def cases(self, count: int) -> Iterator[Case]:
        """So many."""
        makers = {
            self._event: 30, self._interaction: 20, self._command: 10, self._broken: 15, self._unsigned: 12,
            self._misplaced: 6, self._no_http: 5, self._halting: 1,
        }  # fmt: skip
        for maker in self._random.choices(list(makers), list(makers.values()), k=count):
            self._count += 1
            yield maker()

    # --- signed, and of a shape that Slack nearly sends

    def _event(self) -> Case:
        body = {
            "type": "event_callback", "api_app_id": "A1", "team_id": "T00PARLEY1", "event_id": "Ev1",
            "event": self._random.choice(_EVENTS), "event_time": 1_700_000_000, "is_ext_shared_channel": False,
            "authorizations": [{"team_id": "T00PARLEY1", "user_id": "U00PARLEY1", "is_bot": True}],
        }  # fmt: skip
        return self._signed("event", json.dumps(self._mutated(body)).encode(), JSON)

    def _interaction(self) -> Case:
        payload = json.dumps(self._mutated(self._random.choice(_INTERACTIONS)))
        return self._signed("interaction", urlencode({"payload": payload}).encode(), FORM)

    def _command(self) -> Case:
        fields = self._mutated({**_COMMAND, "command": self._random.choice(["/ask", "/new", "/stop", "/help", "/x"])})
        if not isinstance(fields, dict):
            fields = {"command": fields}
        text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        return self._signed("command", urlencode(text, errors="surrogatepass").encode(), FORM)

    def _mutated(self, value: Any) -> Any:
        value = deepcopy(value)
        for _ in range(self._random.choice([0, 1, 1, 1, 2, 2, 3, 5])):
            value = self._change(value)
        return value

    def _change(self, value: Any) -> Any:
        """Take something out, or put something odd in its place, at any depth."""
        here = self._random.random() < 0.15
        if isinstance(value, dict) and value and not here:
            key = self._random.choice(list(value))
            if self._random.random() < 0.3:
                del value[key]
            else:
                value[key] = self._change(value[key])
            return value
        if isinstance(value, list) and value and not here:
            at = self._random.randrange(len(value))
            value[at] = self._change(value[at])
            return value
        return deepcopy(self._random.choice(_ODD))

    # --- signed, and no sense at all

    def _broken(self) -> Case:
        r = self._random
        depth = r.choice([50, 101, 900, 5_000, 100_000])
        body = r.choice([
            lambda: r.randbytes(r.randrange(2_000)),
            lambda: b"",
            lambda: json.dumps(_SAID).encode()[: r.randrange(300)],
            lambda: b"[" * depth + b"]" * depth,
            lambda: b'{"a":' * depth + b"1" + b"}" * depth,
            lambda: b'{"type": "x", "n": ' + b"1" * r.choice([400, 5_000]) + b"}",
            lambda: b"payload=" + quote(r.randbytes(50)).encode(),
            lambda: b"payload=%7B%22type%22%3A" + b"%5B" * depth,
            lambda: b"&".join(b"a=%d" % n for n in range(r.choice([90, 110, 5_000]))),
            lambda: json.dumps({"type": "url_verification", "challenge": r.choice(_ODD)}).encode(),
            lambda: json.dumps(r.choice(_ODD)).encode(),
            lambda: '{"type":"ü"}'.encode("utf-16"),
            lambda: b"ssl_check=" + r.randbytes(5),
        ])()  # fmt: skip
        kinds = [JSON, FORM, "application/json; charset=utf-16", "text/plain", "", "multipart/form-data", "a/b" * 50]
        return self._signed("broken", body, r.choice(kinds))

    # --- not signed, or not as it should be

    def _unsigned(self) -> Case:
        r, body = self._random, json.dumps(_SAID).encode()
        now = str(int(self._now()))
        good = signature(self._secret, now, body)
        stamps = [now, "", "abc", "-1", "1e9", "9" * 400, "0", str(int(self._now()) - 400), "1" * 13, "٣", " " + now]
        signs = [
            "",
            "v0=",
            good[:-1],
            good.upper(),
            "v1" + good[2:],
            "v0=" + "é" * 64,
            "v0=" + "0" * 64,
            "x" * 7_000,
            "\udcff",
        ]
        headers = {"X-Slack-Request-Timestamp": r.choice(stamps), "X-Slack-Signature": r.choice(signs)}
        kept = {name: value for name, value in headers.items() if r.random() < 0.9}
        return Case("unsigned", (_request("POST", PATH, body, {"Content-Type": JSON, **kept}),))

    def _misplaced(self) -> Case:
        r = self._random
        method = r.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "POST", "BREW"])
        places = [
            PATH,
            "/",
            "/slack/events/",
            "/.env",
            "/slack/%2e%2e/x",
            "/" + "a" * 3_000,
            "/healthz",
            "//x",
            "/?a=%ff",
        ]
        return Case(
            "misplaced", (_request(method, r.choice(places), r.randbytes(20) if method != "HEAD" else b"", {}),)
        )

    def _no_http(self) -> Case:
        r = self._random
        raw = r.choice([
            lambda: r.randbytes(r.randrange(1, 500)) + b"\r\n\r\n",
            lambda: b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
            lambda: b"POST /x HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(300)) + b"\r\n",
            lambda: b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            lambda: b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
            lambda: b"POST " + PATH.encode() + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            lambda: b"GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            lambda: b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n",
            lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + r.randbytes(50) + b"\r\n\r\n",
        ])()  # fmt: skip
        return Case("no HTTP", (raw,), cut=r.random() < 0.3)

    def _halting(self) -> Case:
        """A body that comes slowly, or not to its end."""
        case = self._event()
        (whole,) = case.pieces
        at = self._random.randrange(20, len(whole))
        cut = self._random.random() < 0.7
        pieces = (whole[:at],) if cut else (whole[:at], whole[at:])
        return Case("halting", pieces, pause=self._random.choice([0.1, 0.1, 3.5]), cut=cut)

    def _signed(self, kind: str, body: bytes, content_type: str) -> Case:
        now = str(int(self._now()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signature(self._secret, now, body),
        }
        return Case(kind, (_request("POST", PATH, body, headers),))


def _request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bot.example.org", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode(errors="surrogateescape") + b"\r\n\r\n" + body
