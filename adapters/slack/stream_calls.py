"""The Web API's methods for native streams and for the sessions that they belong to."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (the SDK's methods take untyped keyword arguments besides their own, and answer with untyped dictionaries)

from collections.abc import Mapping, Sequence
from typing import Literal

from adapters.slack.api import SlackApi, read
from adapters.slack.replies import Sent

Json = Mapping[str, object]
SessionStatus = Literal["processing", "active", "suspended"]


class StreamCalls:
    """All methods raise `bot.errors.PlatformError`; nothing is retried."""

    def __init__(self, api: SlackApi) -> None:
        """Speak for the workspace of `api`."""
        self._api = api
        self._client = api.client

    async def start(self, place: Json, content: Json) -> Sent:
        """Create a message that grows (`chat.startStream`)."""
        with self._api.calling():
            return read(Sent, await self._client.api_call("chat.startStream", json={**place, **content}))

    async def append(self, channel: str, ts: str, content: Json) -> None:
        """Add to it (`chat.appendStream`)."""
        with self._api.calling():
            await self._client.api_call("chat.appendStream", json={"channel": channel, "ts": ts, **content})

    async def stop(self, channel: str, ts: str, content: Json) -> None:
        """Add the last of it, and end it (`chat.stopStream`)."""
        with self._api.calling():
            await self._client.api_call("chat.stopStream", json={"channel": channel, "ts": ts, **content})

    async def session(self, channel: str, thread: str, status: SessionStatus) -> None:
        """Say what the session of a thread is about (`agents.sessions.setStatus`)."""
        with self._api.calling():
            await self._client.agents_sessions_setStatus(channel_id=channel, thread_ts=thread, status=status)

    async def status(self, channel: str, thread: str, text: str, meanwhile: Sequence[str]) -> None:
        """Show what is going on, with other words for it in turn (`assistant.threads.setStatus`); empty clears it."""
        with self._api.calling():
            await self._client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=thread, status=text, loading_messages=list(meanwhile) or None
            )

    async def react(self, channel: str, ts: str, name: str, *, on: bool) -> None:
        """Put an emoji on a message, or take it off."""
        with self._api.calling():
            if on:
                await self._client.reactions_add(channel=channel, timestamp=ts, name=name)
            else:
                await self._client.reactions_remove(channel=channel, timestamp=ts, name=name)
