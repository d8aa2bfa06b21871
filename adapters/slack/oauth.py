"""The app itself at Slack, with its own credentials: asking people to install it, and getting tokens for that."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp
from pydantic import Field, SecretStr

from adapters.slack.api import read
from adapters.slack.payloads import Named, Payload
from adapters.slack.settings import OAuthConfig
from adapters.slack.web import Web


class Place(Named):
    """A workspace or an organisation."""

    name: str | None = None


class Access(Payload):
    """A success of `oauth.v2.access`."""

    access_token: SecretStr
    token_type: str = "bot"  # noqa: S105 - the kind of token
    refresh_token: SecretStr | None = None
    expires_in: float | None = None
    """Seconds."""
    scope: str = ""
    app_id: str = Field("", pattern=r"^[A-Z0-9]*$")
    team: Place | None = None
    enterprise: Place | None = None
    is_enterprise_install: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the token may do."""
        return tuple(filter(None, self.scope.split(",")))

    def tokens(self, now: float) -> Mapping[str, object]:
        """The fields of an `Installation` that are new."""
        expires_at = None if self.expires_in is None else now + self.expires_in
        return {
            "token": self.access_token,
            "refresh": self.refresh_token,
            "expires_at": expires_at,
            "lasts": self.expires_in,
        }


class Application:
    """The app's own requests."""

    def __init__(self, web: Web, config: OAuthConfig, base_url: str) -> None:
        """`base_url` is the address of the Web API, beside which the page is on which people allow the app."""
        self._web = web
        self._config = config
        parts = urlsplit(base_url)
        path = parts.path.rstrip("/").removesuffix("/api") + "/oauth/v2/authorize"
        self._authorize = urlunsplit((parts.scheme, parts.netloc, path, "", ""))

    def consent_url(self, state: str, scopes: Sequence[str]) -> str:
        """Where somebody is asked whether the app may come in."""
        asked = {"client_id": self._config.client_id, "scope": ",".join(scopes), "user_scope": "", "state": state}
        if self._config.redirect_url:
            asked["redirect_uri"] = self._config.redirect_url
        return f"{self._authorize}?{urlencode(asked)}"

    async def redeemed(self, code: str) -> Access:
        """The token that a code stands for, once."""
        return await self._access({"code": code, "redirect_uri": self._config.redirect_url})

    async def refreshed(self, refresh: SecretStr) -> Access:
        """The next token."""
        return await self._access({"grant_type": "refresh_token", "refresh_token": refresh.get_secret_value()})

    async def _access(self, wanted: Mapping[str, str | None]) -> Access:
        client = self._web.client()
        client.session = self._web.session()
        basic = aiohttp.encode_basic_auth(self._config.client_id, self._config.client_secret.get_secret_value())
        data = {name: value for name, value in wanted.items() if value is not None}
        return read(Access, await client.api_call("oauth.v2.access", data=data, headers={"Authorization": basic}))
