"""The adapter's own words in `Address.place` (where an answer goes) and `Posted.ref` (which message carries it)."""

from bot.domain.record import Record


class Place(Record, extra="ignore"):
    """One answer's place. All values are texts, as they are stored; what other versions wrote is ignored."""

    channel: str
    """Channel, thread or direct message in which the person spoke."""
    guild: str = ""
    """Empty in direct messages."""
    message: str = ""
    """The person's message; empty for interactions."""
    thread_name: str = ""
    """Set when the answer opens a thread from the person's message; the thread then has the message's id."""
    application: str = ""
    token: str = ""
    """The interaction's token; empty for messages."""
    interaction: str = ""
    """The interaction's id; empty for messages."""
    quote: str = ""
    """The question, shown above the answer because Discord shows only that somebody used /ask."""

    @property
    def target(self) -> int:
        """The channel that new messages go to."""
        return int(self.message if self.thread_name else self.channel)

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

    @property
    def original(self) -> bool:
        """Whether it is the interaction's own message."""
        return not self.message
