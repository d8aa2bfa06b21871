"""Where something is in Slack: conversation keys, answer addresses and message references."""

from bot.domain.deliveries import Address
from bot.domain.record import Record

PLATFORM = "slack"
LEAD_LENGTH = 300
"""Characters of a slash command's question that are quoted above its answer."""


def conversation_key(team: str, channel: str, root: str) -> str:
    """Key of a thread; `root` is the `ts` of its first message. `team` is the enterprise in an org-wide install."""
    return f"{PLATFORM}:{team}:{channel}:{root}"


class Place(Record):
    """An answer address in Slack's words (`Address.place`)."""

    team: str
    channel: str
    thread: str | None = None
    """Root of the thread to answer in; None answers at top level (slash commands)."""
    message: str | None = None
    """The message that is answered, for reactions."""
    lead: str | None = None
    """Who asked what, shown above the answer to a slash command, whose question nobody else saw."""
    asker: str | None = None
    """Who used the slash command."""
    response_url: str | None = None
    """Slack's own way back to the person of a slash command (30 minutes, 5 times), when the channel is closed to us."""

    @classmethod
    def of(cls, address: Address) -> "Place":
        """Read an address that `address` wrote."""
        return cls.model_validate(address.place)

    def address(self) -> Address:
        """As the relay keeps it."""
        return Address(platform=PLATFORM, place=self.model_dump(exclude_none=True))


class Ref(Record):
    """A message that exists (`Posted.ref`)."""

    channel: str
    ts: str
    lead: str | None = None
    """Repeated in every edit, because an edit replaces all blocks."""

    def as_dict(self) -> dict[str, str]:
        """As the relay keeps it."""
        return self.model_dump(exclude_none=True)
