"""Accounts, members, roles and the application as Discord's JSON."""

from bot.playground.discord.clock import timestamp
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import BOT_NAME, User, World

BOT_PERMISSIONS = 309_237_763_136
"""View, send, send in threads, create public threads, embed, attach, read history, react."""
PEOPLE_PERMISSIONS = 309_237_763_136 | 1 << 31
"""The same and application commands."""
ADMINISTRATOR = 1 << 3
ALL_PERMISSIONS = (1 << 51) - 1

_CONTENT_LIMITED, _MEMBERS_LIMITED, _PRESENCE_LIMITED = 1 << 19, 1 << 15, 1 << 13
"""Application flags of bots in fewer than 10,000 places."""


def user_payload(user: User) -> JsonObject:
    """An account."""
    payload: JsonObject = {
        "id": user.id,
        "username": user.username,
        "global_name": None if user.bot else user.name,
        "discriminator": "4242" if user.bot else "0",
        "avatar": None,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
        "public_flags": 0,
        "flags": 0,
    }
    if user.bot:
        payload |= {"username": user.name, "bot": True}
    return payload


def own_user_payload(user: User) -> JsonObject:
    """The bot's own account, as it alone may see it."""
    return user_payload(user) | {"verified": True, "mfa_enabled": True, "locale": "en-US", "email": None}


def permissions_of(world: World, user: User) -> int:
    """What somebody may do in the server."""
    if user.person is None:
        return BOT_PERMISSIONS & ~world.withheld
    return ALL_PERMISSIONS if user.person.administrator else PEOPLE_PERMISSIONS & ~world.withheld


def member_payload(world: World, user: User) -> JsonObject:
    """A member of the server without the account, as it comes inside messages."""
    roles: list[str] = []
    if user.person is None:
        roles.append(world.bot_role)
    elif user.person.administrator:
        roles.append(world.moderators_role)
    return {
        "roles": roles,
        "nick": None,
        "avatar": None,
        "banner": None,
        "joined_at": timestamp(world.started_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "flags": 0,
        "mute": False,
        "deaf": False,
    }


def role_payloads(world: World) -> list[JsonObject]:
    """The server's roles: everyone, the moderators, the bot's own."""
    return [
        _role(world.guild_id, "@everyone", PEOPLE_PERMISSIONS & ~world.withheld, 0),
        _role(world.moderators_role, "Moderators", ADMINISTRATOR, 2),
        _role(world.bot_role, BOT_NAME, BOT_PERMISSIONS & ~world.withheld, 1)
        | {"managed": True, "tags": {"bot_id": world.bot.id}},
    ]


def _role(role_id: str, name: str, permissions: int, position: int) -> JsonObject:
    return {
        "id": role_id,
        "name": name,
        "permissions": str(permissions),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def application_flags(rules: DiscordRules) -> int:
    """Which privileged intents the developer portal shows as granted."""
    flags = _CONTENT_LIMITED if rules.message_content else 0
    flags |= _MEMBERS_LIMITED if rules.members else 0
    return flags | (_PRESENCE_LIMITED if rules.presences else 0)


def application_payload(world: World, rules: DiscordRules) -> JsonObject:
    """The application, as its owner may see it."""
    owner = next(user for user in world.people.values() if user.person and user.person.administrator)
    return {
        "id": world.bot.id,
        "name": BOT_NAME,
        "icon": None,
        "description": "An assistant for the team.",
        "type": None,
        "bot": user_payload(world.bot),
        "bot_public": world.application.public,
        "bot_require_code_grant": world.application.code_grant,
        "verify_key": "0" * 64,
        "flags": application_flags(rules),
        "flags_new": str(application_flags(rules)),
        "redirect_uris": [],
        "interactions_endpoint_url": world.application.interactions_endpoint_url,
        "role_connections_verification_url": None,
        "owner": user_payload(owner),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "integration_types_config": _installs(world, rules),
    }


def _installs(world: World, rules: DiscordRules) -> JsonObject:
    """The ways of installing that are ticked: to a server (0), and for oneself (1)."""
    ticked = {"0": world.application.guild_install, "1": rules.user_installs}
    return {kind: {} for kind, is_ticked in ticked.items() if is_ticked}


def own_guild_payload(world: World, name: str) -> JsonObject:
    """The server as it stands in the bot's list, with what its roles let the bot do."""
    permissions = (PEOPLE_PERMISSIONS | BOT_PERMISSIONS) & ~world.withheld
    no_features: list[str] = []
    return {
        "id": world.guild_id,
        "name": name,
        "icon": None,
        "banner": None,
        "owner": False,
        "permissions": str(permissions),
        "features": no_features,
    }
