"""The HTTP end of the Web API: token, rate, scope, arguments, and only then the method."""

from dataclasses import dataclass

from aiohttp import web

from bot.playground.slack.gate import Gate, Reply, rate_limited, refused
from bot.playground.slack.rates import Rates
from bot.playground.slack.webapi import METHODS
from bot.playground.slack.webapi.arguments import Arguments, Refusal, read_arguments
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, as_text


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that this workspace issued."""

    bot: str
    app: str


def bearer(request: web.Request) -> str:
    """The token of the Authorization header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else ""


class WebApi:
    """Answers `/api/{method}`."""

    def __init__(self, desk: Desk, rates: Rates, tokens: Tokens, gate: Gate) -> None:
        self._desk = desk
        self._rates = rates
        self._tokens = tokens
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
        wrong = self._wrong_token(method, token)
        if wrong is not None:
            return refused(wrong)
        channel = self._desk.world.channel(as_text(values.get("channel"))) if method.per_channel else None
        wait = self._rates.wait(name, method.tier, writes=method.writes, channel=channel.id if channel else "")
        if wait:
            return rate_limited(wait)
        try:
            if problem is not None:
                raise problem
            return self._reply(method, self._carry_out(method, values))
        except Refusal as refusal:
            return self._reply(method, {"ok": False, "error": refusal.error, **refusal.more})

    def _carry_out(self, method: Method, values: JsonObject) -> JsonObject:
        self._desk.need_scope(*method.scopes)
        for name in values.keys() - set(method.accepts):
            self._desk.journal.faults_seen.append(f"{method.name} has no argument {name}")
        return {"ok": True, **method.handle(self._desk, Arguments(values))}

    def _reply(self, method: Method, body: JsonObject) -> Reply:
        scopes = self._desk.rules.scopes if method.token == "bot" else ("connections:write",)  # noqa: S105 - kind
        return Reply(
            body,
            headers={
                "X-OAuth-Scopes": ",".join(scopes),
                "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
                "X-Slack-Req-Id": self._desk.world.token(),
            },
        )

    def _wrong_token(self, method: Method, token: str) -> str | None:
        if not token:
            return "not_authed"
        if token not in (self._tokens.bot, self._tokens.app):
            return "invalid_auth"
        wanted = self._tokens.bot if method.token == "bot" else self._tokens.app  # noqa: S105 - the kind of token
        if token != wanted and method.name != "auth.test":
            return "not_allowed_token_type"
        return None
