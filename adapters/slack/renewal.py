"""Tokens that expire: fetched anew in time, by one process, and stored before anybody uses them.

Slack gives a new pair of tokens for a refresh token, which is then spent. So whoever fetches first puts a mark into the
installation; the database lets one of several do that. Whoever finds another's mark waits for the result, and takes
over when nothing has come of it.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

import structlog
from pydantic import SecretStr

from adapters.slack.errors import slack_errors
from adapters.slack.installations import Installation, Installed, Kept
from adapters.slack.oauth import Application
from bot.errors import PlatformError, Refused, StoreUnavailable, Unauthorised, Unreachable
from bot.unbroken import unbroken

log = structlog.get_logger()

EARLY = 1 / 6
"""Part of a token's life before its end in which it is renewed: 2 of Slack's 12 hours. Should a process die between
fetching and storing, the old token is good for so long."""
LAST = 1 / 720
"""Part of a token's life before its end in which it is not used any more, a minute: a call may take a while."""
TAKE_OVER = 45.0
"""Seconds after which another process's mark counts for nothing. A request takes 30 at most."""
_LOOK = 0.25
"""Seconds between two looks whether the other has it."""


class Renewal:
    """Renews tokens of installations."""

    def __init__(
        self,
        installed: Installed,
        application: Application,
        now: Callable[[], float] = time.time,
        take_over: float = TAKE_OVER,
    ) -> None:
        """Fetch tokens for `application`; `now` is Unix seconds."""
        self._installed = installed
        self._application = application
        self._now = now
        self._take_over = take_over
        self._unsaved: dict[str, Installation] = {}
        """Fetched, but the store was away: the old refresh token is spent, so these are all there is."""
        self._hopeless: set[str] = set()
        """Refresh tokens that Slack does not take; one line in the log is enough."""

    def due(self, installation: Installation, early: float = EARLY) -> bool:
        """Whether no more than this part of the token's life is left."""
        if installation.expires_at is None or installation.lasts is None or installation.refresh is None:
            return False
        return self._now() >= installation.expires_at - installation.lasts * early

    def hopeless(self, installation: Installation) -> bool:
        """Whether Slack gives nothing for its refresh token."""
        return installation.refresh is not None and installation.refresh.get_secret_value() in self._hopeless

    async def renewed(self, tenant: str, used: SecretStr) -> Kept | None:
        """The installation with another token than `used`, fetched here or by somebody else. None: there is none.

        Raises:
            PlatformError: Slack gave none.
            StoreUnavailable: nobody knows just now.
        """
        mark, since = "", time.monotonic()
        while True:
            await self._save_late(tenant)
            kept = await self._installed.read(tenant)
            if kept is None or kept.installation.refresh is None or kept.installation.token != used:
                return kept
            if kept.installation.renewing != mark:
                mark, since = kept.installation.renewing, time.monotonic()
            if mark and time.monotonic() - since < self._take_over:
                await asyncio.sleep(_LOOK)
                continue
            ours = kept.installation.model_copy(update={"renewing": secrets.token_hex(8)})
            marked = await self._installed.replace(kept, ours)
            if marked is not None:
                return await unbroken(self._fetched(marked))

    async def _fetched(self, marked: Kept) -> Kept | None:
        old = marked.installation
        try:
            fresh = await self._fetch(old)
        except PlatformError:
            await self._unmark(marked)
            raise
        try:
            return await self._stored(marked, fresh)
        except StoreUnavailable:
            self._unsaved[old.tenant] = fresh
            log.warning("slack token fetched, but not stored", tenant=old.tenant)
            raise

    async def _fetch(self, old: Installation) -> Installation:
        refresh = old.refresh or SecretStr("")
        try:
            with slack_errors():
                access = await self._application.refreshed(refresh)
        except Refused as error:
            if "invalid_refresh_token" not in str(error):  # the app's own credentials, say: the operator can mend it
                log.warning("slack token not renewed", tenant=old.tenant, error=str(error))
                raise Unreachable(f"Slack does not renew the token now ({error}).") from error
            if refresh.get_secret_value() not in self._hopeless:
                self._hopeless.add(refresh.get_secret_value())
                log.warning(
                    "slack token not renewed: the app must be installed again", tenant=old.tenant, error=str(error)
                )
            raise Unauthorised(f"Slack does not renew the token ({error}).") from error
        log.info("slack token renewed", tenant=old.tenant, expires_in=access.expires_in)
        return old.model_copy(update={**access.tokens(self._now()), "renewing": ""})

    async def _stored(self, marked: Kept, fresh: Installation) -> Kept | None:
        """Store what was fetched, unless there is something newer than what it was fetched for."""
        spent = marked.installation.refresh
        kept: Kept | None = marked
        while kept is not None and kept.installation.refresh == spent:
            if (done := await self._installed.replace(kept, fresh)) is not None:
                return done
            kept = await self._installed.read(fresh.tenant)
        return kept

    async def _save_late(self, tenant: str) -> None:
        fresh = self._unsaved.get(tenant)
        if fresh is None:
            return
        kept = await self._installed.read(tenant)
        if kept is not None and kept.installation.renewing:
            await self._stored(kept, fresh)
        self._unsaved.pop(tenant, None)

    async def _unmark(self, marked: Kept) -> None:
        """Let others try."""
        try:
            await self._installed.replace(marked, marked.installation.model_copy(update={"renewing": ""}))
        except StoreUnavailable as error:  # the mark counts for nothing after a while
            log.warning("slack installation not unmarked", tenant=marked.installation.tenant, error=str(error))
