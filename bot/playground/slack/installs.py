"""Where the app is installed, and every credential that came of it: codes, bot tokens, refresh tokens."""

import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.playground.slack.rules import SlackRules
from bot.playground.slack.world import HOME, Team, World

APP_SCOPES: Final = ("connections:write",)


@dataclass(slots=True, eq=False)
class Grant:
    """The app in one workspace, or in a whole organisation."""

    tenant: str
    """Id of the workspace or of the organisation."""
    teams: tuple[Team, ...]
    """Where it may be used."""
    scopes: tuple[str, ...] | None = None
    """What was allowed; None is whatever the manifest says now."""
    tokens: dict[str, float | None] = field(default_factory=dict[str, "float | None"])
    """Bot tokens that were issued, and when each expires (monotonic)."""
    refresh: str | None = None
    """The refresh token that is good now."""
    spent: dict[str, float] = field(default_factory=dict[str, float])
    """Refresh tokens that were used, and until when they work all the same (monotonic)."""
    revoked: bool = False

    @property
    def organisation(self) -> bool:
        """It is an organisation's installation."""
        return self.tenant.startswith("E")


@dataclass(frozen=True, slots=True)
class _Code:
    tenant: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires: float


class Installs:
    """All installations of the app, and the credentials of the app itself."""

    def __init__(self, rules: SlackRules, world: World, app_token: str) -> None:
        self.rules = rules
        self.app_token = app_token
        self.client_id = "1000000000.2000000000"
        self.client_secret = world.token(32)
        self.redirect_urls: list[str] = []
        """As registered on the app's page: addresses that begin with one of them are allowed."""
        self._world = world
        self._teams = [HOME]
        self._grants: dict[str, Grant] = {}
        self._owners: dict[str, Grant] = {}
        """By bot token, revoked ones too."""
        self._codes: dict[str, _Code] = {}

    def found(self, team: Team) -> None:
        """There is another workspace."""
        self._teams.append(team)

    def tenants(self) -> list[tuple[str, str]]:
        """What somebody may choose: (id, name) of all workspaces and organisations."""
        teams = [(team.id, team.name) for team in self._teams]
        return teams + [
            (one, "The whole organisation") for one in sorted({t.enterprise or "" for t in self._teams}) if one
        ]

    # --- who is who

    def grant_of(self, token: str) -> Grant | str:
        """Whose bot token it is, or Slack's word for what is wrong with it."""
        grant = self._owners.get(token)
        if grant is None:
            return "invalid_auth"
        if grant.revoked or token not in grant.tokens:
            return "account_inactive" if grant.revoked else "token_revoked"
        expires = grant.tokens[token]
        return "token_expired" if expires is not None and expires <= time.monotonic() else grant

    def at(self, team: Team) -> Grant | None:
        """The installation through which the app is in a workspace."""
        for tenant in (team.enterprise, team.id):
            grant = self._grants.get(tenant or "")
            if grant is not None and team in grant.teams:
                return grant
        return None

    # --- installing

    def install(self, tenant: str, scopes: tuple[str, ...] | None, token: str = "") -> tuple[Grant, str]:
        """Somebody allowed it. Returns the installation and a fresh bot token."""
        grant = self._grants.get(tenant)
        if grant is None:
            grant = self._grants[tenant] = Grant(tenant, tuple(self._of(tenant)))
        grant.scopes = scopes
        return grant, self._issue(grant, token)

    def uninstall(self, tenant: str) -> Grant:
        """Somebody removed it: every token is dead at once."""
        grant = self._grants.pop(tenant)
        grant.revoked = True
        return grant

    def _of(self, tenant: str) -> Iterable[Team]:
        return (team for team in self._teams if tenant in (team.id, team.enterprise))

    def _issue(self, grant: Grant, token: str = "") -> str:
        rotating = self.rules.token_seconds
        token = token or f"{'xoxe.' if rotating else ''}xoxb-{grant.tenant}-{self._world.token()}"
        grant.tokens[token] = None if rotating is None else time.monotonic() + rotating
        grant.refresh = None if rotating is None else f"xoxe-1-{self._world.token(32)}"
        self._owners[token] = grant
        return token

    # --- OAuth

    def complaint(self, client_id: str, redirect_uri: str, scopes: tuple[str, ...]) -> str | None:
        """Why Slack would not even ask the person."""
        if client_id != self.client_id:
            return "Invalid client_id parameter"
        if not self.redirect_urls or not any(redirect_uri.startswith(one) for one in self.redirect_urls):
            return "redirect_uri did not match any configured URIs"
        unknown = sorted(set(scopes) - set(self.rules.scopes))
        return f"Invalid permissions requested: {', '.join(unknown)}" if unknown or not scopes else None

    def allow(self, tenant: str, scopes: tuple[str, ...], redirect_uri: str) -> str:
        """Somebody pressed Allow. Returns the code, which can be exchanged once, within `code_seconds`."""
        code = f"{self.client_id}.{self._world.token(40)}"
        expires = time.monotonic() + self.rules.code_seconds
        self._codes[code] = _Code(tenant, scopes, redirect_uri, expires)
        return code

    def exchange(self, client_id: str, secret: str, values: dict[str, str]) -> tuple[Grant, str] | str:
        """`oauth.v2.access`: a code or a refresh token for a bot token. Otherwise Slack's word for what is wrong."""
        if client_id != self.client_id:
            return "invalid_client_id"
        if not hmac.compare_digest(secret.encode(), self.client_secret.encode()):
            return "bad_client_secret"
        kind = values.get("grant_type") or "authorization_code"
        if kind == "refresh_token":
            return self._refreshed(values.get("refresh_token", ""))
        if kind != "authorization_code":
            return "invalid_grant_type"
        return self._redeemed(values.get("code", ""), values.get("redirect_uri", ""))

    def _redeemed(self, code: str, redirect_uri: str) -> tuple[Grant, str] | str:
        if not code:
            return "invalid_code"
        found = self._codes.pop(code, None)
        if found is None:
            return "invalid_code"
        if found.expires <= time.monotonic():
            return "code_expired"
        if found.redirect_uri != redirect_uri:
            return "bad_redirect_uri"
        return self.install(found.tenant, found.scopes)

    def _refreshed(self, refresh: str) -> tuple[Grant, str] | str:
        now = time.monotonic()
        for grant in self._grants.values():
            if refresh and (refresh == grant.refresh or grant.spent.get(refresh, 0.0) > now):
                grant.spent.setdefault(refresh, now + self.rules.refresh_grace)
                return grant, self._issue(grant)
        return "invalid_refresh_token"
