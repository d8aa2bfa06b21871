"""The HTTP end of the Web API: token, rate, scope, arguments, and only then the method."""

from collections.abc import Sequence

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply, rate_limited, refused
from bot.playground.slack.installs import APP_SCOPES, Installs
from bot.playground.slack.premises import Premises
from bot.playground.slack.webapi import METHODS
from bot.playground.slack.webapi.arguments import Arguments, Refusal, read_arguments
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, as_text


def bearer(request: web.Request) -> str:
    """The token of the Authorization header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else ""


class WebApi:
    """Answers `/api/{method}`."""

    def __init__(self, premises: Sequence[Premises], installs: Installs, gate: Gate) -> None:
        """Every call belongs to the premises that its token, and in an organisation its arguments, point to."""
        self._premises = premises
        self._installs = installs
        self._gate = gate

    async def handle(self, request: web.Request) -> web.Response:
        """One call."""
        name = request.match_info["method"]
        problem: Refusal | None = None
        values: JsonObject = {}
        try:
            values = await read_arguments(request)
        except Refusal as refusal:
            problem = refusal
        token = bearer(request) or as_text(values.pop("token", ""))

        async def work() -> Reply:
            return self._answer(name, token, values, problem)

        return await self._gate.pass_through(name, request, values, work)

    def _answer(self, name: str, token: str, values: JsonObject, problem: Refusal | None) -> Reply:
        method = METHODS.get(name)
        if method is None:
            return refused("unknown_method", req_method=name)
        place = self._place(method, token, values)
        if isinstance(place, str):
            return refused(place)
        desk = place.desk
        channel = desk.world.channel(as_text(values.get("channel"))) if method.per_channel else None
        wait = place.rates.wait(name, method.tier, writes=method.writes, channel=channel.id if channel else "")
        if wait:
            return rate_limited(wait)
        try:
            if problem is not None:
                raise problem
            return _reply(desk, method, _carry_out(desk, method, values))
        except Refusal as refusal:
            return _reply(desk, method, {"ok": False, "error": refusal.error, **refusal.more})

    def _place(self, method: Method, token: str, values: JsonObject) -> Premises | str:
        """Where the call belongs, or Slack's word for what is wrong with its token."""
        home = self._premises[0]
        if not token:
            return "not_authed"
        if token == self._installs.app_token:
            fits = method.token == "app" or method.name == "auth.test"  # noqa: S105 - the kind of token
            return home if fits else "not_allowed_token_type"
        grant = self._installs.grant_of(token)
        if isinstance(grant, str):
            return grant
        if method.token == "app":  # noqa: S105 - the kind of token
            return "not_allowed_token_type"
        places = [one for one in self._premises if one.world.team in grant.teams]
        return next((one for one in places if _named(one, values)), places[0])


def _named(place: Premises, values: JsonObject) -> bool:
    """Whether an argument names something of this workspace: itself, a channel, a person or a file."""
    world = place.world
    ids = [as_text(values.get(name)) for name in ("team_id", "channel", "channel_id", "user", "user_id", "file")]
    known = {world.team.id, *world.channels, *world.members, *world.files}
    return any(one in known for one in ids if one)


def _carry_out(desk: Desk, method: Method, values: JsonObject) -> JsonObject:
    desk.need_scope(*method.scopes)
    for name in values.keys() - set(method.accepts):
        desk.journal.faults_seen.append(f"{method.name} has no argument {name}")
    return {"ok": True, **method.handle(desk, Arguments(values))}


def _reply(desk: Desk, method: Method, body: JsonObject) -> Reply:
    scopes = desk.scopes if method.token == "bot" else APP_SCOPES  # noqa: S105 - kind
    return Reply(
        body,
        headers={
            "X-OAuth-Scopes": ",".join(scopes),
            "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
            "X-Slack-Req-Id": desk.world.token(),
        },
    )
