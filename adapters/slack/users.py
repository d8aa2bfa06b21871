"""Who a user id is: display names and rank, remembered for an hour."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.replies import Member
from bot.domain.names import person_name
from bot.domain.record import Record
from bot.errors import PlatformError
from bot.relay.queues import Queues

log = structlog.get_logger()

KEPT = 5_000
"""People remembered at most."""
FRESH = 3_600.0
"""Seconds after which a name is asked for again."""
FRESH_FAILURE = 60.0
"""Seconds after which a failed look-up is tried again."""
PATIENCE = 1.0
"""Seconds a look-up may take: an event has to be acknowledged within 3, and a name is not worth a redelivery."""
MENTIONS = 20
"""Names looked up for one message; further mentions stay ids."""


class User(Record):
    """What is known of a person."""

    name: str
    administrator_of: frozenset[str] = frozenset()
    """Ids of the workspace and the organisation in which the person has a say."""


class Users:
    """Look-ups through `users.info`, one at a time per person. A failure is not an error: the id is the name then."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._known: OrderedDict[str, tuple[float, User]] = OrderedDict()
        self._turns = Queues()

    async def get(self, user_id: str) -> User:
        """A person, by id."""
        async with self._turns.of(user_id):
            known = self._known.get(user_id)
            if known is not None and known[0] > time.monotonic():
                self._known.move_to_end(user_id)
                return known[1]
            fresh, user = await self._ask(user_id)
            self._known[user_id] = (time.monotonic() + fresh, user)
            self._known.move_to_end(user_id)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            return user

    async def names(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Names of several people at once, fit to stand in a text."""
        wanted = list(user_ids)[:MENTIONS]
        users = await asyncio.gather(*(self.get(user_id) for user_id in wanted))
        return {user_id: person_name(user.name) for user_id, user in zip(wanted, users, strict=True)}

    async def _ask(self, user_id: str) -> tuple[float, User]:
        try:
            async with asyncio.timeout(PATIENCE):
                member = await self._api.member(user_id)
        except (PlatformError, TimeoutError) as error:
            log.warning("slack user unknown", user=user_id, error=str(error) or "too slow")
            return FRESH_FAILURE, User(name=user_id)
        has_say = (member.is_admin or member.is_owner) and not member.is_stranger
        return FRESH, User(name=_best_name(member), administrator_of=member.homes if has_say else frozenset())


def _best_name(member: Member) -> str:
    return member.profile.display_name or member.profile.real_name or member.name or member.id
