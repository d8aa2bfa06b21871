"""Reading channels and threads from a moment on: in rounds, so that none waits for all others, and politely."""

import time
from asyncio import sleep
from collections import Counter, deque
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
"""Messages that may be for us, without a pause."""
REQUESTS = 100
"""Requests without a pause."""
PAUSE = 30.0
"""Seconds until reading goes on."""
AT_ONCE = 10
"""Requests of one method before they are spread over time: others need the same limits."""
SPACING = 1.5
"""Seconds from one request of a method to the next after that; Slack allows 50 a minute."""
KINDS = ("public_channel", "private_channel", "mpim")
"""Kinds of channels that are no direct messages."""
_DAY = 24 * 3600 * 1_000_000

Queue = deque[Callable[[], Awaitable[None]]]
"""Requests to make, in order; each appends what follows from its answer."""


class Missed:
    """What was said since a moment in all places where we are."""

    def __init__(
        self,
        api: SlackApi,
        tenant: str,
        after: int,
        patience: float,
        hand_over: Callable[[Envelope], Awaitable[bool]],
    ) -> None:
        """Hand over what is younger than `after` (microseconds) in the workspace or enterprise `tenant`.

        Nothing is handed over that was said more than `patience` seconds ago. `hand_over` says whether the message may
        have been for us.
        """
        self._api = api
        self._tenant = tenant
        self._patience = patience
        self._hand_over = hand_over
        self._after = max(after, self._oldest())
        self._asked: Counter[str] = Counter()
        self._last: dict[str, float] = {}
        self._pause_at = (REQUESTS, MESSAGES)
        self._met: set[tuple[str, str]] = set()
        self._gone_on: Queue = deque()
        self._live: Queue = deque()
        self._direct: Queue = deque()
        self._channels: Queue = deque()
        self.found = 0
        """Messages so far that may have been for us."""
        self.newest = 0
        """The youngest message of all, in microseconds."""

    @property
    def asked(self) -> int:
        """Requests so far."""
        return self._asked.total()

    async def read(self, live: Sequence[str]) -> None:
        """Read everything, a page of a place at a time, however long it takes.

        A round takes one request of each kind: a thread of which a channel tells that it was gone on with, a thread of
        ours, direct messages, a channel. So none of them waits for all of another kind. Places of our own conversations
        come first.

        Args:
            live: keys of conversations that we take part in, the newest first.

        Raises:
            Unauthorised: Slack does not accept the token.
        """
        for channel, root in filter(None, map(self._place, live)):
            self._meet(self._live, channel, root)
            self._open(channel, direct=channel.startswith("D"))
        for team in await self._teams():
            self._direct.append(partial(self._list, "im", team, ""))
            self._channels.extend(partial(self._list, kind, team, "") for kind in KINDS)
        queues = (self._gone_on, self._live, self._direct, self._channels)
        while any(queues):
            for queue in queues:
                if queue:
                    await queue.popleft()()

    # --- where ------------------------------------------------------------------------------------------------

    def _place(self, key: str) -> tuple[str, str] | None:
        """Channel and thread of a conversation."""
        platform, _, rest = key.partition(":")
        tenant, _, where = rest.partition(":")
        channel, _, root = where.partition(":")
        return (channel, root) if (platform, tenant) == (PLATFORM, self._tenant) and micros(root) else None

    def _meet(self, queue: Queue, channel: str, root: str) -> None:
        """Read a thread, once."""
        if (channel, root) not in self._met:
            self._met.add((channel, root))
            queue.append(partial(self._replies, queue, channel, root, ""))

    def _open(self, channel: str, *, direct: bool) -> None:
        """Read a channel, once."""
        if (channel, "") not in self._met:
            self._met.add((channel, ""))
            queue = self._direct if direct else self._channels
            queue.append(partial(self._history, queue, channel, "", direct=direct))

    async def _teams(self) -> Sequence[str]:
        """The workspaces of an organisation; of a single workspace there is none to name."""
        if not self._tenant.startswith("E"):
            return ("",)
        teams: list[str] = []
        cursor = ""
        while (page := await self._allowed("auth.teams.list", partial(self._api.teams, cursor))) is not None:
            teams += (team.id for team in page.teams)
            cursor = page.response_metadata.next_cursor
            if not cursor:
                break
        return teams

    async def _list(self, kind: str, team: str, cursor: str) -> None:
        """Read a page of the channels of a kind that we are in."""
        page = await self._allowed("users.conversations", partial(self._api.memberships, kind, cursor, team))
        if page is None:
            return
        for channel in page.channels:
            self._open(channel.id, direct=kind == "im")
        if more := page.response_metadata.next_cursor:
            (self._direct if kind == "im" else self._channels).append(partial(self._list, kind, team, more))

    # --- what -------------------------------------------------------------------------------------------------

    async def _history(self, queue: Queue, channel: str, cursor: str, *, direct: bool) -> None:
        """Hand a page of the top level over. Slack begins with the newest page.

        With some older messages, because they tell of newer replies.
        """
        oldest = stamp(max(0, self._after - _DAY))
        page = await self._allowed("conversations.history", partial(self._api.history, channel, oldest, cursor))
        if page is None:
            return
        for message in reversed(page.messages):
            await self._take(channel, message, direct=direct)
        for message in page.messages:
            if micros(message.latest_reply or "") > self._after:
                self._meet(self._gone_on, channel, message.ts)
        more = page.response_metadata.next_cursor
        if more and all(micros(message.ts) > self._after for message in page.messages):
            queue.append(partial(self._history, queue, channel, more, direct=direct))

    async def _replies(self, queue: Queue, channel: str, root: str, cursor: str) -> None:
        """Hand a page of a thread over, the oldest first."""
        page = await self._allowed(
            "conversations.replies", partial(self._api.replies, channel, root, stamp(self._after), cursor)
        )
        if page is None:
            return
        for message in page.messages:
            await self._take(channel, message, direct=channel.startswith("D"))
        if more := page.response_metadata.next_cursor:
            queue.append(partial(self._replies, queue, channel, root, more))

    async def _take(self, channel: str, message: Listed, *, direct: bool) -> None:
        """Hand a message over, unless it is older: Slack names the first message of a thread whatever was asked for."""
        moment = micros(message.ts)
        if moment <= max(self._after, self._oldest()):
            return
        ours = Authorization(team_id=self._tenant)
        event = message.event(channel, direct=direct)
        self.found += await self._hand_over(Envelope(team_id=self._tenant, event=event, authorizations=(ours,)))
        self.newest = max(self.newest, moment)

    def _oldest(self) -> int:
        return micros(f"{time.time() - self._patience:.6f}")

    # --- how --------------------------------------------------------------------------------------------------

    async def _allowed(self, method: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until Slack answers. None when it may not be read or is gone.

        Raises:
            Unauthorised: Slack does not accept the token.
        """
        await self._rest()
        if self._asked[method] >= AT_ONCE:
            await sleep(max(0.0, self._last[method] + SPACING - time.monotonic()))
        self._asked[method] += 1
        self._last[method] = time.monotonic()
        try:
            return await patiently(call, PLATFORM)
        except (Forbidden, Gone, Refused) as error:
            log.info("slack place not read", method=method, error=str(error))
            return None

    async def _rest(self) -> None:
        """Wait when enough was asked for, or handed over, since the last time."""
        requests, messages = self._pause_at
        if self.asked < requests and self.found < messages:
            return
        told = {"messages": self.found, "requests": self.asked, "complete": False}
        log.info("slack caught up in part", goes_on_in=PAUSE, **told)
        await sleep(PAUSE)
        self._pause_at = (self.asked + REQUESTS, self.found + MESSAGES)
