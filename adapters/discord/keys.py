"""The names under which the relay knows places, conversations and messages of Discord."""

import re

PLATFORM = "discord"
NO_CHANNEL = ":interaction:"
"""In the keys of conversations that no channel holds: of a question in a plain channel, which ends with its answer."""
_KEY = re.compile(r"discord:(dm|\d+):(\d+)(?::\d+)?")


def scope_of(guild: int | None, channel: int | None) -> str:
    """Where a moderator has a say: the server, or the direct message alone."""
    return f"{PLATFORM}:{guild or channel or ''}"


def key_of(guild: object, channel: object) -> str:
    """Key of a channel, thread or direct message; also of the conversation that it holds. No guild: direct messages."""
    return f"{PLATFORM}:{guild or 'dm'}:{channel}"


def chain_key(guild: object, channel: object, message: object) -> str:
    """Key of the conversation to which replies to a message of a channel belong."""
    return f"{key_of(guild, channel)}:{message}"


def message_key(message: object) -> str:
    """The dedupe key that every delivery of a message has."""
    return f"{PLATFORM}:message:{message}"


def channel_in(conversation: str) -> tuple[int | None, int] | None:
    """The server (None for direct messages) and the channel of a conversation's key; None when it has no channel."""
    match = _KEY.fullmatch(conversation)
    return (None if match[1] == "dm" else int(match[1]), int(match[2])) if match else None


def kind_of(guild: int | None) -> str:
    """How the keys of a server's conversations begin; None means direct messages."""
    return f"{PLATFORM}:{guild or 'dm'}:"
