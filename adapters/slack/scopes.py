"""The permissions that the app's manifest asks for, and what people miss without each of them."""

from collections.abc import Mapping
from typing import NamedTuple


class Missed(NamedTuple):
    """What does not work without a scope."""

    what: str
    vital: bool = False
    """Without it there is no conversation at all, at least of one kind."""


WITHOUT: Mapping[str, Missed] = {
    "app_mentions:read": Missed("mentions in channels are not heard", vital=True),
    "chat:write": Missed("nothing can be answered", vital=True),
    "im:history": Missed("direct messages are not heard", vital=True),
    "channels:history": Missed("follow-ups in threads of public channels need a mention, and nothing is read there"),
    "groups:history": Missed("follow-ups in threads of private channels need a mention, and nothing is read there"),
    "mpim:history": Missed("follow-ups in group messages need a mention, and nothing is read there"),
    "commands": Missed("slash commands and menus of messages are missing"),
    "files:read": Missed("attached files cannot be read"),
    "files:write": Missed("answers cannot bring files"),
    "users:read": Missed("people are called by their ids, and administrators are not known as moderators"),
    "assistant:write": Missed("no status line and no suggested questions are shown"),
    "reactions:write": Missed("messages that wait get no mark"),
    "reactions:read": Missed("reactions are not seen"),
    "channels:read": Missed("what was said in public channels while the bot was away is found in part"),
    "groups:read": Missed("what was said in private channels while the bot was away is found in part"),
    "mpim:read": Missed("what was said in group messages while the bot was away is found in part"),
    "im:read": Missed("what was said in direct messages while the bot was away is found in part"),
    "im:write": Missed("direct messages cannot be opened"),
}
