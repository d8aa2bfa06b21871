"""Where something is in Slack: conversation keys, answer addresses and message references."""

from bot.domain.channels import Manner
from bot.domain.deliveries import Address
from bot.domain.names import person_name
from bot.domain.record import Record

PLATFORM = "slack"
NO_THREAD = ":slash-"
"""In the keys of conversations that no thread holds: of the question of a slash command."""
LEAD_LENGTH = 300
"""Characters of a slash command's question that are quoted above its answer."""


def conversation_key(team: str, channel: str, root: str) -> str:
    """Key of a thread; `root` is the `ts` of its first message. `team` is the enterprise in an org-wide install."""
    return f"{PLATFORM}:{team}:{channel}:{root}"


def kinds_of(team: str) -> tuple[str, ...]:
    """How the keys of a workspace's conversations begin: in direct messages, in channels, in private groups."""
    return tuple(f"{PLATFORM}:{team}:{letter}" for letter in "DCG")


def channel_key(team: str, channel: str) -> str:
    """Name of a channel in `Event.channel`."""
    return f"{PLATFORM}:{team}:{channel}"


def scope_of(team: str) -> str:
    """Where a moderator of that workspace or enterprise has a say."""
    return f"{PLATFORM}:{team}"


def whole_channel_key(team: str, channel: str) -> str:
    """Key of the one conversation of a channel in which answers stand plainly, beside the questions."""
    return f"{channel_key(team, channel)}:channel"


def apart_key(team: str, channel: str, deed: str) -> str:
    """Key of a conversation that begins outside of threads: with a slash command, or privately."""
    return f"{channel_key(team, channel)}{NO_THREAD}{deed}"


def lead_of(name: str, question: str) -> str:
    """Who asked what, in one line, for an answer to a question that nobody else saw."""
    return " ".join(f"{person_name(name)} asked: {question}".split())[:LEAD_LENGTH]


EVENT_TYPE = "parley_segment"
"""Type of the metadata by which a message is found again."""


def metadata(key: str) -> dict[str, object]:
    """The argument of a call that gives a message its key."""
    return {"metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}}}


class Place(Record, extra="ignore"):
    """An answer address in Slack's words (`Address.place`); what other versions wrote into it is ignored."""

    team: str
    channel: str
    thread: str | None = None
    """Root of the thread to answer in; None answers at top level (slash commands)."""
    lead: str | None = None
    """Who asked what, shown above the answer to a slash command, whose question nobody else saw."""
    asked: str | None = None
    """`ts` of the message that is answered; commands and forms have none."""
    recipient: str | None = None
    """User id of the person who asked: a native stream grows before their eyes, …"""
    recipient_team: str | None = None
    """… and their own workspace."""
    private: str | None = None
    """User id of the one person who sees the answer."""
    response_url: str | None = None
    """Slack's own way back to the person of a command or form (30 minutes, 5 times), when we may not speak there."""

    @classmethod
    def of(cls, address: Address) -> "Place":
        """Read an address that `address` wrote."""
        return cls.model_validate(address.place)

    def address(self, manner: Manner = "stream") -> Address:
        """As the relay keeps it, with how the answer is to come."""
        return Address(
            platform=PLATFORM,
            place=self.model_dump(exclude_none=True),
            scope=scope_of(self.team),
            secrets=("response_url",) if self.response_url else (),
            manner=manner,
            private=self.private is not None,
        )


class Ref(Record, extra="ignore"):
    """A message that exists (`Posted.ref`)."""

    channel: str
    ts: str = ""
    """Empty for what only one person sees: nothing can be done to it any more."""
    stream: str | None = None
    """Key of a message that was begun as a native stream: its metadata come only with the end of that."""
    shows: str | None = None
    """Fingerprint of the text of what only one person sees."""

    def as_dict(self) -> dict[str, str]:
        """As the relay keeps it."""
        return self.model_dump(exclude_none=True)
