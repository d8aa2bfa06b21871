"""What is in force in one channel."""

from typing import Literal

from bot.domain.record import Record

Manner = Literal["stream", "status"]
"""How an answer comes: as it is being made, or all at once while a status line says that work is going on."""


class ChannelPolicy(Record):
    """What the operator wants in a channel, from `assistants.toml`; the defaults hold where nothing is said."""

    assistant: str = ""
    """Name of the assistant that answers here; empty means the one of the settings."""
    mentions: Literal["always", "threads", "required"] = "threads"
    """When a message is for the assistant: every one (`always`), one that mentions it or follows in a conversation that
    it is part of (`threads`), or only one that mentions it (`required`). Direct messages always are."""
    threads: Literal["thread", "reply", "channel"] = "thread"
    """Where a mention in a channel is answered: in a thread, as a reply in the channel (a chain of replies is one
    conversation), or plainly in the channel, which then is one conversation."""
    delivery: Manner = "stream"
