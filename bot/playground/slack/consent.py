"""The pages on which somebody allows an app, and `oauth.v2.access`, by which the app gets its token."""

import base64
import binascii
from html import escape
from urllib.parse import urlencode

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply, refused
from bot.playground.slack.installs import Grant, Installs
from bot.playground.slack.wire import JsonObject, JsonValue
from bot.playground.slack.world import APP_ID

_FIELDS = ("client_id", "scope", "redirect_uri", "state")


class Consent:
    """Answers `/oauth/v2/authorize` and `/api/oauth.v2.access`."""

    def __init__(self, installs: Installs, gate: Gate) -> None:
        self._installs = installs
        self._gate = gate

    async def show(self, request: web.Request) -> web.Response:
        """Ask whether the app may come in, and where."""
        asked = {name: request.query.get(name, "") for name in _FIELDS}
        if complaint := self._complaint(asked):
            return _page(f"<h1>Something went wrong when authorizing this app.</h1><p>{escape(complaint)}</p>", 400)
        hidden = "".join(f'<input type="hidden" name="{one}" value="{escape(asked[one])}">' for one in _FIELDS)
        wanted = request.query.get("team", "")
        places = "".join(
            f'<option value="{tenant}"{" selected" if tenant == wanted else ""}>{escape(name)}</option>'
            for tenant, name in self._installs.tenants()
        )
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in asked["scope"].split(","))
        return _page(
            f"<h1>Parley is requesting permission to access a workspace</h1><ul>{scopes}</ul>"
            f'<form method="post" action="/oauth/v2/authorize">{hidden}<select name="team">{places}</select>'
            '<button name="decision" value="cancel">Cancel</button>'
            '<button name="decision" value="allow">Allow</button></form>'
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Allow or Cancel was pressed: back to the app, with a code or without."""
        form = await request.post()
        asked = {name: str(form.get(name, "")) for name in (*_FIELDS, "team", "decision")}
        if complaint := self._complaint(asked):
            return _page(f"<p>{escape(complaint)}</p>", 400)
        if asked["team"] not in (tenant for tenant, _ in self._installs.tenants()):
            return _page("<p>There is no such workspace.</p>", 400)
        answer = {"error": "access_denied"}
        if asked["decision"] == "allow":
            scopes = tuple(asked["scope"].split(","))
            answer = {"code": self._installs.allow(asked["team"], scopes, asked["redirect_uri"])}
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}")

    def _complaint(self, asked: dict[str, str]) -> str | None:
        scopes = tuple(asked["scope"].split(",")) if asked["scope"] else ()
        return self._installs.complaint(asked["client_id"], asked["redirect_uri"], scopes)

    async def access(self, request: web.Request) -> web.Response:
        """`oauth.v2.access`: a code, or a refresh token, for a bot token."""
        form = await request.post()
        values = {name: str(value) for name, value in form.items()}
        client_id, secret = _basic(request) or (values.get("client_id", ""), values.get("client_secret", ""))
        parameters: JsonObject = {"grant_type": values.get("grant_type", "")}

        async def work() -> Reply:
            got = self._installs.exchange(client_id, secret, values)
            return refused(got) if isinstance(got, str) else Reply(self._answer(*got))

        return await self._gate.pass_through("oauth.v2.access", request, parameters, work)

    def _answer(self, grant: Grant, token: str) -> JsonObject:
        team = grant.teams[0]
        workspace: JsonValue = None if grant.organisation else {"id": team.id, "name": team.name}
        enterprise: JsonValue = {"id": team.enterprise, "name": "The whole organisation"} if team.enterprise else None
        scopes = self._installs.rules.scopes if grant.scopes is None else grant.scopes
        rotating = self._installs.rules.token_seconds
        return {
            "ok": True,
            "app_id": APP_ID,
            "authed_user": {"id": team.user("ada")},
            "scope": ",".join(scopes),
            "token_type": "bot",
            "access_token": token,
            "bot_user_id": team.bot_user,
            "team": workspace,
            "enterprise": enterprise,
            "is_enterprise_install": grant.organisation,
            **({} if rotating is None else {"expires_in": round(rotating), "refresh_token": grant.refresh}),
        }


def _basic(request: web.Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _page(body: str, status: int = 200) -> web.Response:
    return web.Response(text=f"<!doctype html>{body}", status=status, content_type="text/html")
