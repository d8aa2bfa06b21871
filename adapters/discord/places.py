"""The adapter's own words in `Address.place` (where an answer goes) and `Posted.ref` (which message carries it)."""

from typing import Literal

import discord

from adapters.discord.keys import chain_key
from bot.domain.record import Record

_WRITABLE = (discord.ChannelType.text, discord.ChannelType.news)
MIB = 1024 * 1024
_USUAL_FILE = 10 * MIB
"""What a file may have where Discord says nothing else (Uploading Files)."""
REQUEST_LIMIT = 25 * MIB
"""What all files of one request may have together (the same page)."""

Audience = Literal["", "asker", "guest"]
"""Who sees an answer: everybody in the channel; the asker alone; or the people of a place where we are no member. The
last two are reached through the interaction's token only, and when that has ended, the asker by a direct message."""


class Place(Record, extra="ignore"):
    """One answer's place. All values are texts, as they are stored; what other versions wrote is ignored."""

    channel: str
    """Channel, thread or direct message in which the person spoke."""
    guild: str = ""
    """Empty in direct messages."""
    message: str = ""
    """The person's message; empty for interactions."""
    parent: str = ""
    """Of a thread: the channel in which an answer is given that the thread cannot take. Empty for a private thread,
    whose answers nobody else may see, and where nobody can write (a forum)."""
    style: str = ""
    """How the answer stands in a plain channel: as a `reply` that notifies, plainly in the `channel`, or empty."""
    file_limit: str = ""
    """Bytes that a file may have here, as Discord says."""
    thread_name: str = ""
    """Set when the answer opens a thread from the person's message; the thread then has the message's id."""
    application: str = ""
    token: str = ""
    """The interaction's token; empty for messages."""
    interaction: str = ""
    """The interaction's id; empty for messages."""
    history: Literal["", "yes"] = "yes"
    """Whether the asker may read what was said before here; they are not told more by us than Discord shows them."""
    audience: Audience = ""
    person: str = ""
    """The asker, when the answer is not for everybody in a channel of ours."""
    quote: str = ""
    """The question, shown above the answer because Discord shows only that somebody used /ask."""

    @property
    def target(self) -> int:
        """The channel that new messages go to."""
        return int(self.message if self.thread_name else self.channel)

    @property
    def max_file_bytes(self) -> int:
        """What one file may have."""
        told = int(self.file_limit) if self.file_limit.isdecimal() else _USUAL_FILE
        return min(told, REQUEST_LIMIT)

    def followed_as(self, channel: int, message: object) -> str | None:
        """Key of the conversation of replies to a message of ours in a plain channel of a server."""
        plain = self.parent or self.channel
        return chain_key(self.guild, channel, message) if self.guild and str(channel) == plain else None

    @property
    def asked(self) -> int | None:
        """What is answered, as a snowflake: by Discord's clock every answer comes later."""
        asked = self.message or self.interaction
        return int(asked) if asked else None


class Ref(Record, extra="ignore"):
    """A message that the bot posted."""

    channel: str
    message: str
    """Empty for an interaction's original message."""
    key: str = ""
    through: Literal["", "token"] = ""
    """A further message of an interaction is edited through its token: no channel of ours holds it."""

    @property
    def original(self) -> bool:
        """Whether it is the interaction's own message."""
        return not self.message


def history_for(channel: object, person: object) -> Literal["", "yes"]:
    """As `Place.history`, for somebody who wrote a message; yes where their permissions are not known."""
    if not isinstance(person, discord.Member) or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return "yes"
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return "yes"
    return "yes" if channel.permissions_for(person).read_message_history else ""


def refuge_of(channel: object) -> str:
    """As `Place.parent`."""
    if not isinstance(channel, discord.Thread) or channel.is_private():
        return ""
    parent = channel.parent
    return str(parent.id) if parent is not None and parent.type in _WRITABLE else ""
