"""How people install the app in their workspace: `/slack/install` sends them to Slack, which sends them back here."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import cast

import structlog

from adapters.slack import install_pages as pages
from adapters.slack.attendance import mark_of
from adapters.slack.errors import slack_errors
from adapters.slack.installations import Installation, Installed
from adapters.slack.oauth import Access, Application
from adapters.slack.settings import OAuthConfig, SlackConfig
from adapters.slack.stamps import micros
from adapters.slack.web import Web
from adapters.slack.workspaces import Workspace
from bot.errors import PlatformError, RateLimited, Refused, StoreUnavailable, Unreachable
from bot.ports import Notes
from bot.relay.contract import Reception, Route, WebReply, WebRequest

log = structlog.get_logger()

INSTALL = "/slack/install"
BACK = "/slack/oauth_redirect"
PATIENCE = 600
"""Seconds from the beginning of an installation to its end."""
COOKIE = "parley_install"


class Installing:
    """The two addresses.

    What the person brings back from Slack has to be what this browser was sent away with (`state`, also in a cookie),
    signed by us, young, and not used before.
    """

    def __init__(
        self,
        web: Web,
        config: SlackConfig,
        oauth: OAuthConfig,
        application: Application,
        installed: Installed,
        notes: Notes,
        reception: Reception,
        done: Callable[[], Awaitable[None]],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep what comes of it in `installed` and call `done`; `reception` knows which states were used."""
        self._web = web
        self._config = config
        self._oauth = oauth
        self._application = application
        self._installed = installed
        self._notes = notes
        self._reception = reception
        self._done = done
        self._now = now
        self._scopes = wanted_scopes()

    def routes(self) -> Sequence[Route]:
        """What is opened to everybody."""
        return (Route("GET", INSTALL, self.begin), Route("GET", BACK, self.end))

    async def begin(self, request: WebRequest) -> WebReply:
        """Send somebody to Slack."""
        del request
        state = self._signed(f"{int(self._now()) + PATIENCE}.{secrets.token_urlsafe(24)}")
        location = ("Location", self._application.consent_url(state, self._scopes))
        return WebReply(status=302, headers=(location, *pages.HEADERS, self._cookie(state, PATIENCE)))

    async def end(self, request: WebRequest) -> WebReply:
        """Somebody comes back from Slack."""
        page = await self._ended(request)
        return page.reply(self._cookie("", 0))

    async def _ended(self, request: WebRequest) -> pages.Page:
        state = request.query.get("state", "")
        if not self._is_ours(state, request):
            return pages.STALE
        try:
            if not await self._reception.first_time(f"slack install {_digest(state)}"):
                return pages.STALE
        except StoreUnavailable:
            return pages.LATER
        if error := request.query.get("error"):
            log.info("slack app not installed", error=error[:100])
            return pages.CANCELLED if error == "access_denied" else pages.REFUSED
        return await self._install(request.query.get("code", ""))

    async def _install(self, code: str) -> pages.Page:
        try:
            with slack_errors():
                access = await self._application.redeemed(code)
            installation = await self._found_out(access)
        except (RateLimited, Unreachable) as error:
            log.warning("slack app not installed", error=str(error))
            return pages.LATER
        except PlatformError as error:
            log.warning("slack app not installed", error=str(error))
            return pages.STALE if isinstance(error, Refused) and "code" in str(error) else pages.REFUSED
        try:
            await self._keep(installation)
        except StoreUnavailable as error:
            log.warning("slack installation not stored", tenant=installation.tenant, error=str(error))
            return pages.LATER
        return pages.installed(installation.name, access.app_id, installation.identity, self._lacking(access))

    async def _found_out(self, access: Access) -> Installation:
        """Who we are there: the token's first use, and the proof that it is good."""
        if access.token_type != "bot":  # noqa: S105 - the kind of token
            raise Refused("Slack gave a token of another kind.")
        now = self._now()
        workspace = Workspace(self._web, access.access_token, self._config)
        identity = await workspace.api.identity()
        place = access.enterprise if access.is_enterprise_install else access.team
        if access.is_enterprise_install:
            enterprise = place.id if place else identity.enterprise_id
            identity = identity.model_copy(update={"enterprise_id": enterprise, "is_enterprise_install": True})
        return Installation.model_validate(
            {
                "name": (place.name if place else None) or identity.tenant,
                "identity": identity,
                "scopes": access.scopes,
                **access.tokens(now),
            }
        )

    async def _keep(self, installation: Installation) -> None:
        await self._installed.save(installation)
        # What was said before is not ours to answer, also when the app was here once.
        await self._notes.raise_to(mark_of(installation.identity), micros(f"{installation.identity.at:.6f}"))
        log.info("slack app installed", tenant=installation.tenant)
        await self._done()

    def _lacking(self, access: Access) -> Sequence[str]:
        return sorted(set(self._scopes) - set(access.scopes))

    # --- state

    def _signed(self, text: str) -> str:
        return f"{text}.{self._mac(text)}"

    def _mac(self, text: str) -> str:
        key = f"parley install state {self._oauth.client_secret.get_secret_value()}".encode()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _is_ours(self, state: str, request: WebRequest) -> bool:
        text, _, mac = state.rpartition(".")
        expires, _, _ = text.partition(".")
        if not (state.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        signed = hmac.compare_digest(self._mac(text).encode(), mac.encode())
        same_browser = hmac.compare_digest(_cookie_of(request).encode(), state.encode())
        return signed and same_browser and self._now() < int(expires)

    def _cookie(self, value: str, seconds: int) -> tuple[str, str]:
        secure = "; Secure" if self._oauth.encrypted else ""
        return "Set-Cookie", f"{COOKIE}={value}; Max-Age={seconds}; Path=/slack; HttpOnly; SameSite=Lax{secure}"


def wanted_scopes() -> tuple[str, ...]:
    """The bot scopes of the app's manifest."""
    manifest: object = json.loads(Path(__file__).with_name("manifest.json").read_text(encoding="utf-8"))
    for name in ("oauth_config", "scopes", "bot"):
        manifest = cast("dict[str, object]", manifest)[name]
    return tuple(cast("list[str]", manifest))


def _cookie_of(request: WebRequest) -> str:
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _digest(state: str) -> str:
    """A used state needs not be kept in the open."""
    return hashlib.sha256(state.encode()).hexdigest()
