"""Every workspace that has installed the app, as the database knows them: those that come and go while we run, too."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from pydantic import SecretStr

from adapters.slack.installations import Installed, Kept
from adapters.slack.payloads import Head
from adapters.slack.renewal import LAST, Renewal
from adapters.slack.replies import Identity
from adapters.slack.settings import SlackConfig
from adapters.slack.web import Web
from adapters.slack.workspaces import Workspace
from bot.errors import Forbidden, PlatformError, StoreUnavailable, Unauthorised, Unreachable
from bot.relay.waiting import FIRST_WAIT, LONGEST_WAIT

log = structlog.get_logger()

LOOK = 2.0
"""Seconds between two looks whether an installation was added, changed or removed by another process."""
AT_ONCE = 4
"""Tokens that are renewed at the same time."""
STRANGERS = 1_000
"""Workspaces without the app that are remembered, so that each is logged once."""
NOT_HERE = "The app is not installed in this workspace any more."


class InstalledWorkspace(Workspace):
    """One of them."""

    def __init__(self, web: Web, kept: Kept, config: SlackConfig) -> None:
        super().__init__(web, kept.installation.token, config)
        self.kept = kept
        """As it was read last."""

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install."""
        return self.kept.installation.tenant

    async def identity(self) -> Identity:
        """Who we are there: found out when it was installed."""
        return self.kept.installation.identity

    def adopt(self, kept: Kept) -> None:
        """Go on with what is kept now."""
        self.kept = kept
        self.api.use(kept.installation.token)


class InstalledWorkspaces:
    """Implements `Workspaces` for the app of many."""

    def __init__(
        self,
        web: Web,
        config: SlackConfig,
        installed: Installed,
        renewal: Renewal,
        client_id: str,
        look_every: float = LOOK,
    ) -> None:
        """Look into the database every so many seconds."""
        self._look_every = look_every
        self._web = web
        self._config = config
        self._installed = installed
        self._renewal = renewal
        self._client_id = client_id
        self._known: dict[str, InstalledWorkspace] = {}
        self._version: str | None = None
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._strangers: set[tuple[str, ...]] = set()

    async def name(self) -> str:
        """The app's. Waits for the database, and proves that our keys open what is in it."""
        wait = FIRST_WAIT
        while True:
            try:
                await self._installed.check()
                return self._client_id
            except StoreUnavailable as error:
                log.warning("slack installations not read", error=str(error), next_try_in=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def all(self) -> Sequence[InstalledWorkspace]:
        """Every installation there is now, as far as the database tells."""
        await self.look()
        return tuple(self._known.values())

    async def find(self, head: Head) -> InstalledWorkspace | None:
        """For which installation a delivery is. The first event of an unknown one is logged."""
        await self.look()
        tenants = head.tenants
        if not any(tenant in self._known for tenant in tenants):
            await self._read(tenants)
        workspace = next((self._known[tenant] for tenant in tenants if tenant in self._known), None)
        if workspace is not None:
            await self._in_time(workspace)
        elif tenants not in self._strangers:
            if len(self._strangers) >= STRANGERS:
                self._strangers.clear()
            self._strangers.add(tenants)
            log.warning("slack app is not installed there", tenants=tenants, type=head.type)
        return workspace

    @asynccontextmanager
    async def at(self, team: str) -> AsyncGenerator[InstalledWorkspace]:
        """The installation behind an address. A token that is refused meanwhile ends it, once that is certain."""
        try:
            await self.look()
            if team not in self._known:
                await self._read((team,))
        except StoreUnavailable as error:
            raise Unreachable("The database does not tell the workspace's token.") from error
        workspace = self._known.get(team)
        if workspace is None:
            raise Forbidden(NOT_HERE)
        await self._in_time(workspace)
        try:
            yield workspace
        except Unauthorised as error:
            if await self.lost(workspace):
                raise Forbidden(NOT_HERE) from error
            raise

    async def keep(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Follow the database, renew tokens in time, and look into tokens that were refused, until cancelled."""
        while True:
            await asyncio.sleep(self._look_every)
            try:
                await self.look()
                await self._renew_all()
                for workspace in tuple(self._known.values()):
                    if workspace.api.refused.is_set():
                        await self.lost(workspace)
                await changed()
            except StoreUnavailable as error:
                log.warning("slack installations not looked after", error=str(error))
            except Exception:  # process boundary: whatever it is, tokens have to be renewed in time
                log.exception("slack installations not looked after")

    # --- what there is

    async def look(self, *, now: bool = False) -> None:
        """Read the installations when there may be others; `now`, however short ago that was done.

        What is known stays in use while the database is away.

        Raises:
            StoreUnavailable: nothing is known yet.
        """
        async with self._looking:
            if not now and time.monotonic() - self._looked_at < self._look_every:
                return
            try:
                version = await self._installed.version()
                if version != self._version:
                    self._take_over(await self._installed.all())
                    self._version = version
            except StoreUnavailable:
                if self._version is None:
                    raise
                log.warning("slack installations not read")
            self._looked_at = time.monotonic()

    def _take_over(self, found: Mapping[str, Kept | None]) -> None:
        for tenant in self._known.keys() - found.keys():
            self._drop(tenant)
        for tenant, kept in found.items():
            if kept is not None:  # what our keys do not open stays as we knew it
                self._know(tenant, kept)

    async def _read(self, tenants: Sequence[str]) -> None:
        """It may have been installed a moment ago, by another process."""
        for tenant in tenants:
            kept = await self._installed.read(tenant)
            if kept is not None:
                self._know(tenant, kept)

    def _know(self, tenant: str, kept: Kept) -> None:
        known = self._known.get(tenant)
        if known is None or known.kept.installation.identity != kept.installation.identity:
            self._known[tenant] = InstalledWorkspace(self._web, kept, self._config)
            self._known[tenant].api.renew_by(self._renewing(self._known[tenant]))
            self._strangers.clear()
            log.info("slack workspace", tenant=tenant)
        elif known.kept != kept:
            known.adopt(kept)

    def _drop(self, tenant: str) -> None:
        if self._known.pop(tenant, None) is not None:
            log.info("slack workspace left", tenant=tenant)

    # --- tokens

    def _renewing(self, workspace: InstalledWorkspace) -> Callable[[SecretStr], Awaitable[SecretStr | None]]:
        async def renew(used: SecretStr) -> SecretStr | None:
            try:
                kept = await self._renewal.renewed(workspace.tenant, used)
            except StoreUnavailable as error:
                raise Unreachable("The database does not tell the workspace's token.") from error
            if kept is None or kept.installation.token == used:
                return None
            workspace.adopt(kept)
            return kept.installation.token

        return renew

    async def _in_time(self, workspace: InstalledWorkspace) -> None:
        """Renew a token that is about to expire. When that fails, the call will say so."""
        if self._renewal.due(workspace.kept.installation, LAST):
            await self._renew(workspace)

    async def _renew_all(self) -> None:
        due = [one for one in self._known.values() if self._renewal.due(one.kept.installation)]
        room = asyncio.Semaphore(AT_ONCE)

        async def renew(workspace: InstalledWorkspace) -> None:
            async with room:
                await self._renew(workspace)

        await asyncio.gather(*(renew(one) for one in due if not self._renewal.hopeless(one.kept.installation)))

    async def _renew(self, workspace: InstalledWorkspace) -> None:
        try:
            kept = await self._renewal.renewed(workspace.tenant, workspace.api.token)
        except (PlatformError, StoreUnavailable) as error:
            log.warning("slack token not renewed", tenant=workspace.tenant, error=str(error))
            return
        if kept is not None:
            workspace.adopt(kept)

    async def lost(self, workspace: InstalledWorkspace) -> bool:
        """Whether Slack has ended an installation whose token was refused; then it is removed, if it is still the same.

        A fresh installation in the same workspace has another token, and stays.
        """
        try:
            kept = await self._installed.read(workspace.tenant)
            if kept is None:
                self._drop(workspace.tenant)
                return True
            if kept.installation.token != workspace.api.token:
                workspace.adopt(kept)
            try:
                await workspace.api.identity()
            except Unauthorised as error:
                return await self._remove(workspace, error)
        except (PlatformError, StoreUnavailable) as error:
            log.warning("slack token not checked", tenant=workspace.tenant, error=str(error))
        return False

    async def _remove(self, workspace: InstalledWorkspace, error: Unauthorised) -> bool:
        refused = workspace.kept
        kept = await self._installed.read(workspace.tenant)
        if kept is not None and kept.installation.token != refused.installation.token:
            return False
        if kept is not None and not await self._installed.remove(kept):
            return False
        log.warning("slack app was removed", tenant=workspace.tenant, error=str(error))
        self._drop(workspace.tenant)
        return True
