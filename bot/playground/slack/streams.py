"""Native streams and the sessions that they belong to: how a message grows, when it ends, who sees what meanwhile."""

import asyncio
import time
from dataclasses import replace
from typing import Literal

from bot.playground.slack.chores import Chores
from bot.playground.slack.events import Events
from bot.playground.slack.records import Channel, Member, Message, Session, SessionStatus, Status, Streaming
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.workspace import Workspace
from bot.playground.slack.world import World

End = Literal["stopped", "stopped_by_user", "expired"]


class Streams:
    """All streams of the workspace, open and ended."""

    def __init__(self, rules: SlackRules, world: World, workspace: Workspace, events: Events, chores: Chores) -> None:
        self.rules = rules
        self._world = world
        self._workspace = workspace
        self._events = events
        self._chores = chores

    def begin(self, message: Message) -> None:
        """A message is new that will grow; its session is at work."""
        self._workspace.say(message)
        self.set_session(message.channel, message.root, "processing")
        self._chores.start(self._expire(message.channel, message.ts))

    def grow(self, message: Message, streaming: Streaming) -> Message:
        """The message has more now; returns it."""
        new = shown(replace(message, streaming=replace(streaming, touched=time.monotonic())))
        self._workspace.grow(message, new)
        return new

    def end(self, message: Message, end: End) -> Message:
        """Nothing more can be appended."""
        if message.streaming is None or message.streaming.end:
            return message
        new = replace(message, streaming=replace(message.streaming, end=end))
        self._workspace.grow(self._world.message(message.channel, message.ts) or message, new)
        return new

    def end_of(self, message: Message) -> str:
        """Why nothing can be appended to a message, in Slack's word; empty while its stream is open."""
        streaming = message.streaming
        if streaming is None or streaming.end in ("stopped", "expired") or self._seconds_left(streaming) <= 0:
            return "message_not_in_streaming_state"
        return "stopped_by_user" if streaming.end else ""

    def stopped_by(self, member: Member, channel: Channel, thread: str) -> None:
        """A person presses Slack's own Stop button: every open stream of the session ends, and the app is told."""
        open_ones = [one for one in self._world.replies(channel.id, thread) if not self.end_of(one)]
        for message in open_ones:
            self.end(message, "stopped_by_user")
        self.set_session(channel.id, thread, "active")
        self._events.session_stopped(member, channel, thread, [message.ts for message in open_ones])

    def seen_by(self, user: str, message: Message) -> str:
        """The text that somebody sees: only its recipient sees a stream grow."""
        streaming = message.streaming
        if streaming is None or streaming.recipient == user or self.end_of(message):
            return message.text
        return streaming.first

    def set_session(self, channel: str, thread: str, status: SessionStatus, title: str = "") -> None:
        """Put a session into a state; one that is not at work shows no status line either."""
        old = self._world.sessions.get((channel, thread))
        session = Session(channel, thread, status, title or (old.title if old else ""))
        self._world.sessions[channel, thread] = session
        if title:
            self._world.titles[channel, thread] = title
            self._workspace.redecorate()
        if status == "processing":
            self._chores.start(self._forget(session))
        else:
            self._workspace.set_status(Status(channel, thread, ""))
        self._workspace.stir()

    async def _forget(self, session: Session) -> None:
        await asyncio.sleep(self.rules.streams.session_seconds)
        if self._world.sessions.get((session.channel, session.thread)) is session:
            self.set_session(session.channel, session.thread, "active")

    async def _expire(self, channel: str, ts: str) -> None:
        while (message := self._world.message(channel, ts)) is not None and message.streaming is not None:
            if message.streaming.end:
                return
            left = self._seconds_left(message.streaming)
            if left <= 0:
                self.end(message, "expired")
                return
            await asyncio.sleep(left)

    def _seconds_left(self, streaming: Streaming) -> float:
        rules = self.rules.streams
        since = streaming.began if rules.life == "absolute" else streaming.touched
        return since + rules.seconds - time.monotonic()


def shown(message: Message) -> Message:
    """The message with the text and the blocks that its stream has given it."""
    streaming = message.streaming
    if streaming is None:
        return message
    body = {"type": "markdown", "text": streaming.text, "block_id": "stream"}
    blocks = (body, *streaming.blocks) if streaming.text else streaming.blocks
    return replace(message, text=streaming.text, blocks=blocks)
