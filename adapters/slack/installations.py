"""What is kept of an installation: the tokens of one workspace or organisation, and who we are there. Always sealed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import structlog
from pydantic import SecretStr, ValidationError

from adapters.slack.places import PLATFORM
from adapters.slack.replies import Identity
from bot.domain.record import Record
from bot.errors import OperatorError, StoreUnavailable
from bot.ports import Installations
from bot.sealing import Seal

log = structlog.get_logger()


class Installation(Record):
    """The app in a workspace, or in an organisation with all its workspaces."""

    name: str
    """What people call it."""
    identity: Identity
    """Who we are there; `at` is when it was installed, by Slack's clock."""
    token: SecretStr
    """For calls, `xoxb-…`."""
    refresh: SecretStr | None = None
    """For the next token, once; None when tokens do not expire."""
    expires_at: float | None = None
    """Unix seconds, by the clock of the process that got the token."""
    lasts: float | None = None
    """Seconds that the token was good for when it was new."""
    scopes: tuple[str, ...] = ()
    renewing: str = ""
    """Mark of the one who fetches the next token just now."""

    @property
    def tenant(self) -> str:
        """The workspace, or the enterprise of an org-wide install."""
        return self.identity.tenant

    def opened(self) -> str:
        """As JSON with the tokens in the open: to be sealed at once."""
        values = cast("dict[str, object]", self.model_dump(mode="json", exclude={"token", "refresh"}))
        refresh = self.refresh.get_secret_value() if self.refresh else None
        return json.dumps({**values, "token": self.token.get_secret_value(), "refresh": refresh})


@dataclass(frozen=True, slots=True)
class Kept:
    """An installation as it was read, by which it is replaced or removed: nobody undoes what they have not seen."""

    installation: Installation
    sealed: str


class Installed:
    """All installations, sealed on their way in and opened on their way out."""

    def __init__(self, store: Installations, seal: Seal) -> None:
        """Keep them in `store`."""
        self._store = store
        self._seal = seal

    async def version(self) -> str:
        """Another one after every change, in whichever process."""
        return await self._store.version()

    async def all(self) -> Mapping[str, Kept | None]:
        """By tenant. None is what our keys do not open: another process may have a newer key.

        Raises:
            StoreUnavailable: nobody knows just now.
        """
        found = await self._store.all(f"{PLATFORM}:")
        return {name.removeprefix(f"{PLATFORM}:"): self._opened_or_none(name, sealed) for name, sealed in found.items()}

    async def check(self) -> None:
        """See whether our keys open all that is kept, and seal with the first of them what another one sealed.

        Raises:
            OperatorError: they do not; the text names the setting.
            StoreUnavailable: nobody knows just now.
        """
        for sealed in (await self._store.all(f"{PLATFORM}:")).values():
            kept = self._opened(sealed)
            if not self._seal.is_current(sealed):
                await self.replace(kept, kept.installation)

    async def read(self, tenant: str) -> Kept | None:
        """One of them, if the app is installed there.

        Raises:
            StoreUnavailable: it cannot be read, or not with our keys.
        """
        sealed = await self._store.read(_name(tenant))
        if sealed is None:
            return None
        kept = self._opened_or_none(_name(tenant), sealed)
        if kept is None:
            raise StoreUnavailable("An installation was sealed with another key.")
        return kept

    async def save(self, installation: Installation) -> None:
        """Insert or replace: it has just been installed."""
        await self._store.save(_name(installation.tenant), self._seal.seal(installation.opened()))

    async def replace(self, kept: Kept, installation: Installation) -> Kept | None:
        """Replace what is still as it was read. None when it is not."""
        sealed = self._seal.seal(installation.opened())
        done = await self._store.replace(_name(installation.tenant), sealed, kept.sealed)
        return Kept(installation, sealed) if done else None

    async def remove(self, kept: Kept) -> bool:
        """Delete what is still as it was read, and say whether it was."""
        return await self._store.remove(_name(kept.installation.tenant), kept.sealed)

    def _opened_or_none(self, name: str, sealed: str) -> Kept | None:
        try:
            return self._opened(sealed)
        except OperatorError as error:
            log.warning("slack installation not opened", name=name, error=str(error))
            return None

    def _opened(self, sealed: str) -> Kept:
        text = self._seal.open(sealed)
        try:
            return Kept(Installation.model_validate_json(text), sealed)
        except ValidationError:
            raise OperatorError("An installation in the database is of another version of this program.") from None


def _name(tenant: str) -> str:
    return f"{PLATFORM}:{tenant}"
