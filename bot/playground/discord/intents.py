"""Intents: which events a session gets, and when a message's content is left out."""

from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.wire import JsonObject, as_list, as_object

GUILDS, GUILD_MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
KNOWN = (1 << 26) - 1

_IN_GUILD: dict[str, int] = {
    "GUILD_CREATE": GUILDS,
    "THREAD_CREATE": GUILDS,
    "THREAD_UPDATE": GUILDS,
    "THREAD_DELETE": GUILDS,
    "GUILD_DELETE": GUILDS,
    "THREAD_MEMBERS_UPDATE": GUILDS,
    "MESSAGE_CREATE": 1 << 9,
    "MESSAGE_UPDATE": 1 << 9,
    "MESSAGE_DELETE": 1 << 9,
    "MESSAGE_DELETE_BULK": 1 << 9,
    "MESSAGE_REACTION_ADD": 1 << 10,
    "MESSAGE_REACTION_REMOVE": 1 << 10,
    "TYPING_START": 1 << 11,
}
_IN_DM: dict[str, int] = {
    "MESSAGE_CREATE": 1 << 12,
    "MESSAGE_UPDATE": 1 << 12,
    "MESSAGE_DELETE": 1 << 12,
    "MESSAGE_REACTION_ADD": 1 << 13,
    "MESSAGE_REACTION_REMOVE": 1 << 13,
    "TYPING_START": 1 << 14,
}
_ABOUT_GUILD = ("GUILD_CREATE", "GUILD_DELETE")
_BLANK: JsonObject = {"content": "", "embeds": [], "attachments": [], "components": []}
_LEFT_OUT = ("poll", "message_snapshots")


def privileged_not_granted(intents: int, rules: DiscordRules) -> bool:
    """Whether a session asks for more than the application was granted (close code 4014)."""
    granted = MESSAGE_CONTENT if rules.message_content else 0
    granted |= GUILD_MEMBERS if rules.members else 0
    granted |= PRESENCES if rules.presences else 0
    return bool(intents & (MESSAGE_CONTENT | GUILD_MEMBERS | PRESENCES) & ~granted)


def wanted(event: str, payload: JsonObject, intents: int) -> bool:
    """Whether a session with these intents gets the event."""
    needed = (_IN_GUILD if "guild_id" in payload or event in _ABOUT_GUILD else _IN_DM).get(event)
    return needed is None or bool(intents & needed)


def redacted(event: str, payload: JsonObject, intents: int, bot_id: str) -> JsonObject:
    """The payload as a session may see it: without MESSAGE_CONTENT, the text of others is blank unless it is for us."""
    if intents & MESSAGE_CONTENT or event not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"}:
        return payload
    return without_content(payload, bot_id)


def without_content(payload: JsonObject, bot_id: str) -> JsonObject:
    """A message as an application without MESSAGE_CONTENT sees it, over HTTP as well; direct messages keep theirs."""
    if "guild_id" not in payload:
        return payload
    payload = _blanked(payload, bot_id)
    target = as_object(payload.get("referenced_message"))
    return payload if target is None else payload | {"referenced_message": _blanked(target, bot_id)}


def _blanked(message: JsonObject, bot_id: str) -> JsonObject:
    if _for_us(message, bot_id):
        return message
    kept = {name: value for name, value in message.items() if name not in _LEFT_OUT}
    return kept | _BLANK


def _for_us(message: JsonObject, bot_id: str) -> bool:
    everybody = [message.get("author"), *as_list(message.get("mentions"))]
    return any((as_object(user) or {}).get("id") == bot_id for user in everybody)
