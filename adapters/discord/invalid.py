"""Requests that Discord refused: 10,000 within ten minutes, and its network does not answer this address any more.

They are counted, and what was refused is not asked again at once. See Rate Limits, "Invalid Request Limit".
"""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from http import HTTPStatus

import aiohttp
import structlog

from bot.errors import Forbidden, Unauthorised

log = structlog.get_logger()

WINDOW = 600.0
"""Seconds in which they are counted."""
ENOUGH = 3_000
"""From here on only what must be done is asked. Several processes behind one address each see a part."""
_FIRST_WORD = 500
"""From here on the log says so."""
_HELD = 60.0
"""Seconds for which what was forbidden is not asked again, nor anything with a token that was refused."""
_TRIES = 3
"""So often something is forbidden within that time before it is not asked: without its files it may be allowed."""
_KEPT = 1_000
_MESSAGE = re.compile(r"(?<=/messages/)\d+|(?<=/reactions/).*")
_DECORATION = re.compile(r"/typing$|/reactions/")
_OWN_SECRET = re.compile(r"/(?:webhooks|interactions)/")
"""Paths that carry a secret of their own; the bot's token is not looked at."""


class NotSent(Forbidden, aiohttp.ClientError):
    """Discord forbade the same a moment ago, or too much was refused to ask for what is not needed."""


class TokenNotSent(Unauthorised, aiohttp.ClientError):
    """Discord did not accept the token a moment ago."""


class InvalidRequests:
    """What one process was refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count by `clock`, in seconds."""
        self._clock = clock
        self._refused: deque[float] = deque(maxlen=ENOUGH)
        self._forbidden: OrderedDict[str, deque[float]] = OrderedDict()
        self._no_token_until = 0.0
        self._warned = -WINDOW
        self._alarmed = -WINDOW

    @property
    def enough(self) -> bool:
        """Whether only what must be done may be asked now."""
        return self._count >= ENOUGH

    def check(self, method: str, path: str) -> None:
        """Before a request.

        Raises:
            NotSent: it is not sent.
            TokenNotSent: neither is anything else.
        """
        now = self._clock()
        if not _OWN_SECRET.search(path) and self._no_token_until > now:
            raise TokenNotSent("Discord does not accept the token.")
        tries = self._forbidden.get(_kind(method, path), ())
        if len(tries) == _TRIES and tries[0] > now - _HELD:
            raise NotSent("Discord does not allow this here; it is not asked again for a minute.")
        if _DECORATION.search(path) and self.enough:
            raise NotSent("Discord has refused too many requests; only what must be done is asked for now.")

    def note(self, method: str, path: str, status: int, scope: str) -> None:
        """After a reply. `scope` is that of a 429: `shared` ones are nobody's fault and do not count."""
        if status == HTTPStatus.UNAUTHORIZED and not _OWN_SECRET.search(path):
            self._no_token_until = self._clock() + _HELD
        elif status == HTTPStatus.FORBIDDEN:
            self._forbid(_kind(method, path))
        elif status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS) or scope == "shared":
            return
        self._refused.append(self._clock())
        self._tell()

    def _forbid(self, what: str) -> None:
        self._forbidden.setdefault(what, deque(maxlen=_TRIES)).append(self._clock())
        self._forbidden.move_to_end(what)
        if len(self._forbidden) > _KEPT:
            self._forbidden.popitem(last=False)

    @property
    def _count(self) -> int:
        since = self._clock() - WINDOW
        while self._refused and self._refused[0] <= since:
            self._refused.popleft()
        return len(self._refused)

    def _tell(self) -> None:
        count, now = self._count, self._clock()
        if count >= ENOUGH and now - self._alarmed >= WINDOW:
            self._alarmed = now
            log.error(
                "discord refuses too many requests; at 10,000 in ten minutes it bans this address. Only answers are "
                "sent now. Look which permission or token is missing: python -m bot doctor",
                refused=count,
            )
        elif count >= _FIRST_WORD and now - self._warned >= WINDOW:
            self._warned = now
            log.warning("discord refuses many requests", refused=count)


def _kind(method: str, path: str) -> str:
    """What was asked, whatever message it was about."""
    return f"{method} {_MESSAGE.sub('*', path)}"
