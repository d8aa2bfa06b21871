"""Web API methods for what is not a message: forms, home pages, suggestions, titles, and what only one person sees."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (the SDK's methods take untyped keyword arguments besides their own, and answer with untyped dictionaries)

from collections.abc import Mapping, Sequence

from adapters.slack.api import SlackApi, read
from adapters.slack.replies import Direct, History, Listed
from adapters.slack.settings import Prompt

Json = Mapping[str, object]


class Surface:
    """All methods raise `bot.errors.PlatformError`; nothing is retried."""

    def __init__(self, api: SlackApi) -> None:
        """Speak for the workspace of `api`."""
        self._api = api
        self._client = api.client

    async def open_form(self, trigger: str, view: Json) -> None:
        """Open a form before the person whose click gave the trigger, within 3 s of it (`views.open`)."""
        with self._api.calling():
            await self._client.api_call("views.open", json={"trigger_id": trigger, "view": view})

    async def publish_home(self, user: str, view: Json) -> None:
        """Replace somebody's home page (`views.publish`)."""
        with self._api.calling():
            await self._client.api_call("views.publish", json={"user_id": user, "view": view})

    async def suggest(self, channel: str, prompts: Sequence[Prompt], thread: str | None = None) -> None:
        """Suggest questions in direct messages, or in one thread of theirs; at most 4."""
        listed = [{"title": prompt.title, "message": prompt.message} for prompt in prompts]
        place = {"channel_id": channel, "thread_ts": thread} if thread else {"channel_id": channel}
        with self._api.calling():
            await self._client.api_call("assistant.threads.setSuggestedPrompts", json={**place, "prompts": listed})

    async def entitle(self, channel: str, thread: str, title: str) -> None:
        """Name a conversation in direct messages; 1 to 200 characters."""
        with self._api.calling():
            await self._client.assistant_threads_setTitle(channel_id=channel, thread_ts=thread, title=title)

    async def whisper(self, channel: str, user: str, content: Json, thread: str | None) -> None:
        """Show a whole message to one person only (`chat.postEphemeral`)."""
        place = {"channel": channel, "user": user, **({"thread_ts": thread} if thread else {})}
        with self._api.calling():
            await self._client.api_call("chat.postEphemeral", json={**content, **place})

    async def direct(self, user: str) -> str:
        """The channel of the direct messages with somebody."""
        with self._api.calling():
            return read(Direct, await self._client.conversations_open(users=user)).channel.id

    async def thread_until(self, channel: str, thread: str, latest: str, cursor: str, limit: int) -> History:
        """A page of a thread up to a message, that one left out, the oldest first; empty `latest` means all of it."""
        with self._api.calling():
            reply = await self._client.conversations_replies(
                channel=channel, ts=thread, latest=latest or None, cursor=cursor or None, limit=limit
            )
            return read(History, reply)

    async def message(self, channel: str, thread: str, ts: str) -> Listed | None:
        """One message of a thread."""
        with self._api.calling():
            reply = await self._client.conversations_replies(
                channel=channel, ts=thread, oldest=ts, latest=ts, inclusive=True, limit=2
            )
            return next((one for one in read(History, reply).messages if one.ts == ts), None)
