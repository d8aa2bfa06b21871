"""What the stand-in noticed: every call, every would-be ping and unfurl, and what a careful app would not do."""

from typing import Literal

from bot.domain.record import Record
from bot.playground.slack.wire import JsonObject


class Call(Record):
    """One HTTP request to the Web API, a response URL, or a file address."""

    method: str
    at: float
    """Unix seconds, when it arrived."""
    parameters: JsonObject
    status: int
    """HTTP status; 0 when the connection was cut."""
    error: str | None = None
    """Slack's error word; None when it was carried out. One that took effect and failed all the same has the fault's
    name (`cut_after`, `500_after`)."""

    @property
    def ok(self) -> bool:
        """It was carried out and answered."""
        return self.status == 200 and self.error is None


class Ping(Record):
    """Somebody whom a bot message notifies (`post`) or whose mention an edit makes visible (`edit`)."""

    channel: str
    ts: str
    who: str
    """A person's name, `everyone`, or what the message addressed (a group)."""
    by: Literal["post", "edit"]


class Unfurl(Record):
    """A link in a bot message that Slack would have fetched for a preview."""

    channel: str
    ts: str
    url: str


class Notice(Record):
    """People were notified of a bot message: when it was posted, or when its stream ended."""

    channel: str
    ts: str
    by: Literal["post", "stop"]


class Sent(Record):
    """One Socket Mode envelope that went out."""

    kind: str
    """`events_api`, `interactive` or `slash_commands`."""
    envelope_id: str
    connection: int
    """Which connection got it, counted from 1."""
    attempt: int
    """0 for the first delivery."""
    event_type: str = ""
    event_id: str = ""
    at: float


class Journal:
    """Lists for tests to read; nothing here changes what the stand-in does."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.pings: list[Ping] = []
        self.unfurls: list[Unfurl] = []
        self.notices: list[Notice] = []
        self.sent: list[Sent] = []
        self.faults_seen: list[str] = []
