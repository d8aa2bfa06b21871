"""Reading channels and threads from a moment on, politely and not endlessly."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.payloads import Authorization, Envelope
from adapters.slack.places import PLATFORM
from adapters.slack.replies import Listed
from adapters.slack.stamps import micros, stamp
from bot.errors import Forbidden, Gone, Refused
from bot.relay.waiting import patiently

log = structlog.get_logger()
T = TypeVar("T")

MESSAGES = 500
"""Messages that may be for us, at most."""
REQUESTS = 100
"""Requests that are made at most."""
AT_ONCE = 10
"""Requests of one method before they are spread over time: others need the same limits."""
SPACING = 1.5
"""Seconds between two requests of one method after that; Slack allows 50 a minute."""
KINDS = ("im", "public_channel", "private_channel", "mpim")
_DAY = 24 * 3600 * 1_000_000


class _Enough(Exception):
    """A limit of ours is reached; what is left stays unread."""


class Missed:
    """What was said since a moment in all places where we are."""

    def __init__(
        self, api: SlackApi, tenant: str, after: int, hand_over: Callable[[Envelope], Awaitable[bool]]
    ) -> None:
        """Hand over what is younger than `after` (microseconds) in the workspace or enterprise `tenant`.

        `hand_over` says whether the message may have been for us.
        """
        self._api = api
        self._tenant = tenant
        self._after = after
        self._hand_over = hand_over
        self._asked: Counter[str] = Counter()
        self.found = 0
        """Messages so far that may have been for us."""
        self.newest = 0
        """The youngest message of all, in microseconds."""
        self.complete = True
        """False when there was more than we read."""

    @property
    def asked(self) -> int:
        """Requests so far."""
        return self._asked.total()

    async def read(self, live: Sequence[str]) -> None:
        """Read everything, in each channel and in each thread the oldest first.

        Args:
            live: keys of conversations that we take part in, the newest first; their places are read first.

        Raises:
            Unauthorised: Slack does not accept the token.
        """
        try:
            places = [place for key in live if (place := self._place(key))]
            threads = dict.fromkeys(place for place in places if micros(place[1]))
            for channel, direct in await self._channels([channel for channel, _ in places]):
                for root in await self._top_level(channel, direct=direct):
                    threads.setdefault((channel, root), None)
            for channel, root in threads:
                await self._replies(channel, root)
        except _Enough:
            self.complete = False

    def _place(self, key: str) -> tuple[str, str] | None:
        """Channel and thread of a conversation; a slash command has something else in the thread's place."""
        platform, _, rest = key.partition(":")
        tenant, _, where = rest.partition(":")
        channel, _, root = where.partition(":")
        return (channel, root) if (platform, tenant) == (PLATFORM, self._tenant) and channel else None

    # --- where ------------------------------------------------------------------------------------------------

    async def _channels(self, known: Sequence[str]) -> list[tuple[str, bool]]:
        """Channels that we are in, with whether they are direct messages: first those that we spoke in lately."""
        found = {channel: channel.startswith("D") for channel in known}
        for kind in KINDS:
            cursor = ""
            while page := await self._allowed("users.conversations", partial(self._api.memberships, kind, cursor)):
                for channel in page.channels:
                    found.setdefault(channel.id, channel.is_im)
                if not (cursor := page.response_metadata.next_cursor):
                    break
        return list(found.items())

    # --- what -------------------------------------------------------------------------------------------------

    async def _top_level(self, channel: str, *, direct: bool) -> list[str]:
        """Hand over what was said at the top level. Returns the threads that were gone on with, newest first."""
        said = await self._history(channel)
        for message in reversed(said):
            await self._take(channel, message, direct=direct)
        return [message.ts for message in said if micros(message.latest_reply or "") > self._after]

    async def _history(self, channel: str) -> list[Listed]:
        """Newest first; with some older messages, because they tell of newer replies."""
        said: list[Listed] = []
        cursor, oldest = "", stamp(max(0, self._after - _DAY))
        while page := await self._allowed("conversations.history", partial(self._api.history, channel, oldest, cursor)):
            said += page.messages
            cursor = page.response_metadata.next_cursor
            if not cursor or any(micros(message.ts) <= self._after for message in page.messages):
                break
            if len(said) >= MESSAGES:
                self.complete = False
                break
        return said

    async def _replies(self, channel: str, root: str) -> None:
        cursor, oldest = "", stamp(self._after)
        while page := await self._allowed(
            "conversations.replies", partial(self._api.replies, channel, root, oldest, cursor)
        ):
            for message in page.messages:
                await self._take(channel, message, direct=channel.startswith("D"))
            if not (cursor := page.response_metadata.next_cursor):
                break

    async def _take(self, channel: str, message: Listed, *, direct: bool) -> None:
        """Hand a message over, unless it is older: Slack names the first message of a thread whatever was asked for."""
        moment = micros(message.ts)
        if moment <= self._after:
            return
        if self.found >= MESSAGES:
            raise _Enough
        ours = Authorization(team_id=self._tenant)
        event = message.event(channel, direct=direct)
        self.found += await self._hand_over(Envelope(team_id=self._tenant, event=event, authorizations=(ours,)))
        self.newest = max(self.newest, moment)

    # --- how --------------------------------------------------------------------------------------------------

    async def _allowed(self, method: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until Slack answers. None when it may not be read or is gone.

        Raises:
            Unauthorised: Slack does not accept the token.
        """
        if self.asked >= REQUESTS:
            raise _Enough
        if self._asked[method] >= AT_ONCE:
            await asyncio.sleep(SPACING)
        self._asked[method] += 1
        try:
            return await patiently(call, PLATFORM)
        except (Forbidden, Gone, Refused) as error:
            log.info("slack place not read", method=method, error=str(error))
            return None
