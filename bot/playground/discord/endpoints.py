"""The table of REST endpoints: path, bucket and what happens. Paths are written as in the OpenAPI description."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.playground.discord.rules import DiscordRules, Rate
from bot.playground.discord.wire import Asked, Reply, as_object

RateName = Literal["send", "edit", "webhook", "rename", "reaction", "other", "free"]
"""`free`: never closed by `limit_rate`, since a first answer has three seconds only."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path."""

    method: str
    template: str
    act: Callable[[Asked], Reply]
    rate: RateName = "other"
    public: bool = False
    """Needs no bot token and does not count towards the global limit: the path carries the secret."""


def rate_for(endpoint: Endpoint, asked: Asked, rules: DiscordRules) -> tuple[str, str, Rate]:
    """The bucket of a request: name, major parameter and size."""
    name: str = endpoint.rate
    if endpoint.rate == "rename" and (as_object(asked.body) or {}).get("name") is None:
        name = "other"
    rates = {
        "send": rules.sends,
        "edit": rules.edits,
        "webhook": rules.webhooks,
        "rename": rules.renames,
        "reaction": rules.reactions,
    }
    bucket = f"{endpoint.method} {endpoint.template}"
    if name in {"send", "edit"} and rules.sends_and_edits_share:
        bucket, name = "messages", "send"
    elif name == "rename":
        bucket = "rename"
    params = asked.params
    major = params.get("channel_id") or params.get("guild_id") or params.get("webhook_token", "")
    if endpoint.public and "interaction_token" in params:
        major = params["interaction_token"]
    return bucket, major, rates.get(name, rules.others)
