"""A bot's session: numbered events that outlive its connection, so that RESUME can replay what was missed."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web

from bot.playground.discord.wire import JsonObject, as_list

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
REQUEST_MEMBERS = 8
IGNORED_OPS = frozenset({3, 4})
"""Presence and voice updates, which nobody looks at here."""


def frame(op: int, data: object = None, *, seq: int | None = None, event: str | None = None) -> str:
    """A gateway frame as text."""
    return json.dumps({"op": op, "d": data, "s": seq, "t": event}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of all events a session gets."""

    index: int = 0
    count: int = 1

    def holds(self, guild_id: object) -> bool:
        """Whether events of a server belong here; those of direct messages, without one, belong to the first."""
        return self.index == (0 if guild_id is None else (int(str(guild_id)) >> 22) % self.count)


def shard_of(data: JsonObject) -> Shard | None:
    """What an IDENTIFY says about its shard: all events without a word, None when it makes no sense (4010)."""
    given = data.get("shard")
    if given is None:
        return Shard()
    match as_list(given):
        case [int(index), int(count)] if 0 <= index < count:
            return Shard(index, count)
        case _:
            return None


@dataclass(slots=True, eq=False)
class Link:
    """One WebSocket connection."""

    request: web.Request
    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue[str | None])
    """Frames to send; None is the end."""
    session: "Session | None" = None
    closing: bool = False
    """Nothing more is to be sent."""
    goodbye: int | None = None
    """The code to close with, once everything before it went out."""

    def send(self, text: str) -> None:
        """Queue a frame."""
        if not self.closing:
            self.outbox.put_nowait(text)

    def close(self, code: int) -> None:
        """Queue the end of the connection; nothing goes out behind it."""
        if not self.closing:
            self.outbox.put_nowait(None)
            self.closing, self.goodbye = True, code

    def cut(self) -> None:
        """Break the TCP connection without a goodbye."""
        self.closing, self.goodbye = True, None
        if self.request.transport:
            self.request.transport.abort()


@dataclass(slots=True, eq=False)
class Session:
    """What READY began."""

    id: str
    intents: int
    replay_limit: int
    shard: Shard = field(default_factory=Shard)
    link: Link | None = None
    parted_at: float | None = None
    """When the connection was lost; None while there is one."""
    seq: int = 0
    kept: deque[tuple[int, str]] = field(default_factory=deque[tuple[int, str]])

    def dispatch(self, event: str, payload: JsonObject) -> None:
        """Number an event, keep it, and send it if somebody is connected."""
        self.seq += 1
        text = frame(DISPATCH, payload, seq=self.seq, event=event)
        self.kept.append((self.seq, text))
        while len(self.kept) > self.replay_limit:
            self.kept.popleft()
        if self.link:
            self.link.send(text)

    def attach(self, link: Link) -> None:
        """Take a new connection; an older one is closed."""
        if self.link:
            self.link.close(4000)
            self.link.session = None
        self.link, self.parted_at = link, None
        link.session = self

    def detach(self, moment: float) -> None:
        """Lose the connection but keep on counting."""
        if self.link:
            self.link.session = None
        self.link, self.parted_at = None, moment

    def can_replay(self, seq: int) -> bool:
        """Whether everything after an event is still there."""
        return seq == self.seq or (bool(self.kept) and self.kept[0][0] <= seq + 1 <= self.seq)

    def replay(self, seq: int) -> None:
        """Send everything after an event again."""
        for number, text in list(self.kept):
            if number > seq and self.link:
                self.link.send(text)
