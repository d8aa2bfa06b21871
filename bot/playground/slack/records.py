"""What a workspace consists of: members, channels, messages, files. Frozen; the world replaces them."""

from dataclasses import dataclass, field
from typing import Literal

from bot.playground.slack.wire import JsonObject

FileMode = Literal["hosted", "snippet", "tombstone", "external"]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in the workspace: a person, or the bot's own user."""

    id: str
    person: str
    """Id of the person on the page; `bot` for the bot."""
    name: str
    handle: str
    email: str = ""
    administrator: bool = False
    home: str = ""
    """Id of another company's workspace, when they only share a channel with us (Slack Connect)."""
    stranger: bool = False
    """Of another company, and in none of the bot's channels."""

    @property
    def is_bot(self) -> bool:
        """It is the bot's user."""
        return self.person == "bot"


@dataclass(frozen=True, slots=True)
class Channel:
    """A public channel, or the direct messages of one person with the bot."""

    id: str
    name: str
    members: tuple[str, ...]
    created: int
    person: str | None = None
    """User id of the person whose direct messages these are."""

    @property
    def is_direct(self) -> bool:
        """Direct messages, not a channel."""
        return self.person is not None

    @property
    def type(self) -> str:
        """What events call it: `im` or `channel`."""
        return "im" if self.is_direct else "channel"


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji name and the user ids that chose it."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an answer, as task chunks made it."""

    id: str
    title: str
    status: str
    """`pending`, `in_progress`, `complete` or `error`."""
    details: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Streaming:
    """What a message has of the stream by which it was written."""

    recipient: str
    """User id of the one person who sees it grow."""
    began: float
    """Monotonic seconds."""
    touched: float
    """When something was appended last."""
    text: str = ""
    first: str = ""
    """What everybody else sees until it ends."""
    steps: tuple[Step, ...] = ()
    plan: str = ""
    blocks: tuple[JsonObject, ...] = ()
    """Below the text."""
    weight: int = 0
    """Bytes of its text, and twice those of its steps."""
    end: Literal["", "stopped", "stopped_by_user", "expired"] = ""
    """Why nothing more can be appended; empty while it is open."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `ts` is its id."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[JsonObject, ...] = ()
    thread_ts: str | None = None
    """Root of its thread, for replies only."""
    broadcast: bool = False
    """A reply that also shows in the channel."""
    subtype: str | None = None
    files: tuple[str, ...] = ()
    metadata: JsonObject | None = None
    client_msg_id: str | None = None
    reactions: tuple[Reaction, ...] = ()
    edits: tuple[float, ...] = ()
    """Unix seconds of every edit."""
    edited_ts: str | None = None
    only_for: str | None = None
    """User id of the one person who sees it (ephemeral)."""
    from_bot: bool = False
    streaming: Streaming | None = None
    """It was begun by `chat.startStream`."""
    note: str | None = None
    """What the page shows above it: who used which command."""
    speaker: str | None = None
    """Name of another app that says it; `user` is then the person who installed that app."""
    attachments: tuple[JsonObject, ...] = ()
    """Forwarded messages and previews of links, as Slack hangs them on."""

    @property
    def root(self) -> str:
        """Root of the thread that it is in or would open."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file of the workspace."""

    id: str
    name: str
    title: str
    media_type: str
    user: str
    created: int
    content: bytes = field(repr=False)
    mode: FileMode = "hosted"
    needs_info: bool = False
    """Slack Connect: events name only the id, `files.info` has the rest."""
    shares: tuple[tuple[str, str], ...] = ()
    """Channel and message ts of every share."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the bot announced; `content` is None until its bytes are there."""

    name: str
    length: int
    key: str
    """Secret part of the upload address."""
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """What the assistant says it is doing in a thread."""

    channel: str
    thread: str
    text: str
    loading_messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A modal before somebody's eyes."""

    user: str
    view: JsonObject


SessionStatus = Literal["processing", "active", "suspended", "closed"]


@dataclass(frozen=True, slots=True)
class Session:
    """An agent's session in a thread."""

    channel: str
    thread: str
    status: SessionStatus
    title: str = ""
