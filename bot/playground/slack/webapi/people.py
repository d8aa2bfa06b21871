"""`auth.*`, `users.*`, `bots.*` and `apps.*`: who is who, and the way into Socket Mode."""

from bot.playground.slack.payloads import bot_json, member_json
from bot.playground.slack.records import Member
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.webapi.paging import page
from bot.playground.slack.wire import JsonObject, JsonValue
from bot.playground.slack.world import BOT_NAME


def auth_test(desk: Desk, _args: Arguments) -> JsonObject:
    """`auth.test`."""
    team, everywhere = desk.world.team, desk.grant is not None and desk.grant.organisation
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": BOT_NAME.lower(),
        "team_id": team.enterprise if everywhere else team.id,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        **({"enterprise_id": team.enterprise} if team.enterprise else {}),
        "is_enterprise_install": everywhere,
    }


def teams_list(desk: Desk, args: Arguments) -> JsonObject:
    """`auth.teams.list`: where the token may be used."""
    teams = (desk.world.team,) if desk.grant is None else desk.grant.teams
    shown, more = page(teams, args, 100, 1000)
    listed: list[JsonValue] = [{"id": team.id, "name": team.name} for team in shown]
    return {"teams": listed, "response_metadata": {"next_cursor": more}}


def connections_open(desk: Desk, _args: Arguments) -> JsonObject:
    """`apps.connections.open`."""
    return {"url": desk.socket_mode.open()}


def bots_info(desk: Desk, args: Arguments) -> JsonObject:
    """`bots.info`."""
    if args.text("bot", desk.world.team.bot_id) != desk.world.team.bot_id:
        raise Refusal("bot_not_found")
    return {"bot": bot_json(desk.world)}


def _user_json(desk: Desk, member: Member) -> JsonObject:
    user = member_json(desk.world, member)
    if "users:read.email" in desk.rules.scopes and member.email and isinstance(user["profile"], dict):
        user["profile"] = {**user["profile"], "email": member.email}
    return user


def users_info(desk: Desk, args: Arguments) -> JsonObject:
    """`users.info`."""
    member = desk.world.members.get(args.required("user", "user_not_found"))
    if member is None:
        raise Refusal("user_not_found")
    return {"user": _user_json(desk, member)}


def users_list(desk: Desk, args: Arguments) -> JsonObject:
    """`users.list`."""
    shown, more = page(list(desk.world.members.values()), args, 1000, 1000)
    listed: list[JsonValue] = [_user_json(desk, member) for member in shown]
    return {"members": listed, "cache_ts": desk.world.founded, "response_metadata": {"next_cursor": more}}


def users_lookup_by_email(desk: Desk, args: Arguments) -> JsonObject:
    """`users.lookupByEmail`."""
    email = args.required("email", "users_not_found").lower()
    member = next((one for one in desk.world.members.values() if one.email == email), None)
    if member is None:
        raise Refusal("users_not_found")
    return {"user": _user_json(desk, member)}


METHODS = (
    Method("auth.teams.list", teams_list, ("cursor", "limit", "include_icon"), tier="tier2"),
    Method("auth.test", auth_test, (), tier="special"),
    Method("apps.connections.open", connections_open, (), token="app"),  # noqa: S106 - the kind of token, not one
    Method("bots.info", bots_info, ("bot", "team_id"), ("users:read",)),
    Method("users.info", users_info, ("user", "include_locale"), ("users:read",), "tier4"),
    Method("users.list", users_list, ("cursor", "limit", "include_locale", "team_id"), ("users:read",), "tier2"),
    Method("users.lookupByEmail", users_lookup_by_email, ("email",), ("users:read.email",)),
)
