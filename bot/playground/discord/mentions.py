"""Who a text mentions, and whom of them the message may ping."""

import re
from dataclasses import dataclass, field

from bot.playground.discord.refusals import invalid
from bot.playground.discord.wire import AllowedMentions
from bot.playground.discord.world import BOT_NAME, User, World

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")

MESSAGE_DEFAULT = AllowedMentions(parse=("everyone", "roles", "users"), replied_user=True)
"""What holds for channel messages without `allowed_mentions`."""
WEBHOOK_DEFAULT = AllowedMentions(parse=("users",), replied_user=True)
"""The same for interaction answers."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a message mentions, after `allowed_mentions`."""

    users: list[User] = field(default_factory=list[User])
    """In the text, or replied to."""
    roles: list[str] = field(default_factory=list[str])
    everyone: bool = False
    names: list[str] = field(default_factory=list[str])
    """Who is pinged by the text itself."""


def mentions_in(
    world: World, content: str, allowed: AllowedMentions, *, author: User, replied_to: User | None = None
) -> Mentions:
    """Read a text under `allowed_mentions`.

    Code is not spared: whether Discord pings from inside code is not documented, so the strict reading is taken.

    Raises:
        Refusal: `parse` and a list of ids exclude each other.
    """
    parse = allowed.parse or ()
    _check_exclusive("users", parse, allowed.users)
    _check_exclusive("roles", parse, allowed.roles)
    named = [user for user_id in _USER.findall(content) if (user := world.user(user_id))]
    users = [user for user in named if "users" in parse or user.id in (allowed.users or ())]
    known_roles = {world.moderators_role: "Moderators", world.bot_role: BOT_NAME}
    roles = [role for role in _ROLE.findall(content) if role in known_roles]
    roles = [role for role in roles if "roles" in parse or role in (allowed.roles or ())]
    everyone = "everyone" in parse and bool(_EVERYONE.search(content))
    names = [user.name for user in users if user is not author] + [known_roles[role] for role in roles]
    if replied_to and allowed.replied_user:
        users.append(replied_to)
    unique = list(dict.fromkeys(users))
    return Mentions(unique, list(dict.fromkeys(roles)), everyone, [*dict.fromkeys(names), *["everyone"] * everyone])


def _check_exclusive(kind: str, parse: tuple[str | None, ...], ids: tuple[str | None, ...] | None) -> None:
    if kind in parse and ids:
        text = f"parse:[{kind!r}] and {kind}: [ids...] are mutually exclusive."
        raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)


def with_mentions(world: World, text: str) -> str:
    """A person's text with `@Name` of the bot and of people turned into real mentions."""
    for user in sorted(world.users, key=lambda user: -len(user.name)):
        text = re.sub(rf"(?<![\w<])@{re.escape(user.name)}\b", f"<@{user.id}>", text)
    return text
