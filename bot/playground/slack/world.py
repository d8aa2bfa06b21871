"""The workspace's state and nothing else: who is here, what was said. Consequences are `workspace.py`."""

import mimetypes
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.playground.slack.records import Channel, Member, Message, OpenForm, Session, SharedFile, Status, Upload
from bot.playground.slack.wire import JsonObject
from bot.playground.view import PEOPLE

APP_ID = "A00PARLEY1"
BOT_NAME = "Parley"


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace, and who the bot is in it."""

    number: int
    """0 is the one that is always there; channels and people of different teams have different ids."""
    name: str
    domain: str
    enterprise: str | None = None
    """The organisation that it belongs to; its teams share the bot's user."""

    @property
    def id(self) -> str:
        """Its own id."""
        return f"T00PARLEY{self.number + 1}"

    @property
    def bot_id(self) -> str:
        """The bot."""
        return f"B00{self.enterprise or f'PARLEY{self.number + 1}'}"

    @property
    def bot_user(self) -> str:
        """The bot's user."""
        return f"U00{self.enterprise or f'PARLEY{self.number + 1}'}"

    def user(self, person: str) -> str:
        """A person's user id: always the same, so that tests can name it."""
        return f"U{self.number}{person.upper():0>8}"

    def direct(self, person: str) -> str:
        """A person's direct messages with the bot."""
        return f"D{self.number}{person.upper():0>8}"

    def channel(self, name: str) -> str:
        """A channel that is there from the beginning."""
        return f"C{self.number}0{name.upper()}"


HOME = Team(number=0, name="Playground workspace", domain="parley-playground")
"""The workspace that is always there."""

_MEDIA_TYPES = mimetypes.MimeTypes()  # the built-in table only: the same on every machine, and no disk access


def media_type(name: str) -> str:
    """What Slack would say a file is, from its name."""
    if name.lower().endswith((".md", ".markdown")):
        return "text/markdown"
    return _MEDIA_TYPES.guess_type(name)[0] or "application/octet-stream"


class World:
    """State of one workspace."""

    def __init__(self, chance: random.Random, team: Team = HOME) -> None:
        self.team = team
        self._chance = chance
        self._last_ts = 0
        self.address = ""
        """Base address of the server, without a final slash."""
        self.founded = int(time.time())
        self.members = {member.id: member for member in _members(team)}
        self.channels = {channel.id: channel for channel in _channels(team, self.founded, self.members.values())}
        self.files: dict[str, SharedFile] = {}
        self.uploads: dict[str, Upload] = {}
        self.statuses: dict[tuple[str, str], Status] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.homes: dict[str, JsonObject] = {}
        """The app's home page as it was published for each user."""
        self.forms: dict[str, OpenForm] = {}
        """Modals that somebody has before them, by the view's id."""
        self.prompts: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        """Suggested prompts (title, message) by channel and thread (empty: the channel's own)."""
        self._messages: dict[str, dict[str, Message]] = {name: {} for name in self.channels}
        self._threads: dict[tuple[str, str], dict[str, None]] = {}
        """The ts of every lasting reply by channel and root, in order."""

    def new_id(self, prefix: str) -> str:
        """An id in Slack's style: a capital letter and ten more characters."""
        return prefix + "".join(self._chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=10))

    def token(self, length: int = 24) -> str:
        """Something that nobody guesses; the same again for the same seed."""
        return "".join(self._chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))

    def next_ts(self) -> str:
        """A fresh `ts`: now, in microseconds, strictly later than every other."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def person(self, person: str) -> Member | None:
        """The member with this id on the page."""
        return next((member for member in self.members.values() if member.person == person), None)

    def channel(self, name: str) -> Channel | None:
        """A channel by id, by `#name`, or somebody's direct messages by user id."""
        if name in self.channels:
            return self.channels[name]
        wanted = name.removeprefix("#")
        return next(
            (one for one in self.channels.values() if one.person == name or (one.name == wanted and not one.is_direct)),
            None,
        )

    def message(self, channel: str, ts: str) -> Message | None:
        """One message, ephemeral ones included."""
        return self._messages.get(channel, {}).get(ts)

    def messages(self, channel: str) -> tuple[Message, ...]:
        """Everything in a channel in order of `ts`, ephemeral messages and replies included."""
        return tuple(self._messages[channel].values())

    def lasting(self, channel: str) -> tuple[Message, ...]:
        """What history knows: no ephemeral messages."""
        return tuple(message for message in self.messages(channel) if message.only_for is None)

    def replies(self, channel: str, root: str) -> tuple[Message, ...]:
        """The lasting replies of a thread, without its root."""
        return tuple(self._messages[channel][ts] for ts in self._threads.get((channel, root), ()))

    def put(self, message: Message) -> None:
        """Add a message or replace the one with its `ts`."""
        self._messages[message.channel][message.ts] = message
        if message.thread_ts is not None and message.only_for is None:
            self._threads.setdefault((message.channel, message.thread_ts), {})[message.ts] = None

    def remove(self, message: Message) -> None:
        """Take a message away."""
        self._messages[message.channel].pop(message.ts, None)
        if message.thread_ts is not None:
            self._threads.get((message.channel, message.thread_ts), {}).pop(message.ts, None)

    def file_address(self, file: SharedFile, *, download: bool = False) -> str:
        """Where a file can be fetched with a token; external files live elsewhere."""
        if file.mode == "external":
            return f"https://drive.example/{file.id}/{quote(file.name)}"
        return f"{self.address}/files-pri/{self.team.id}-{file.id}/{'download/' if download else ''}{quote(file.name)}"

    def expect_upload(self, file_id: str, name: str, length: int) -> str:
        """Make room for an upload of the bot. Returns the address that takes its bytes, once."""
        self.uploads[file_id] = Upload(name, length, self.token(32))
        return f"{self.address}/upload/v1/{file_id}/{self.uploads[file_id].key}"

    def share(self, file_id: str, message: Message) -> None:
        """Note that a message shows a file."""
        file = self.files[file_id]
        self.files[file_id] = replace(file, shares=(*file.shares, (message.channel, message.ts)))


def _members(team: Team) -> Iterable[Member]:
    for person in PEOPLE:
        yield Member(
            id=team.user(person.id),
            person=person.id,
            name=person.name,
            handle=person.id,
            email=f"{person.id}@playground.example",
            administrator=person.administrator,
        )
    yield Member(id=team.bot_user, person="bot", name=BOT_NAME, handle=BOT_NAME.lower())


def _channels(team: Team, created: int, members: Iterable[Member]) -> Iterable[Channel]:
    everybody = tuple(member.id for member in members)
    yield Channel(id=team.channel("general"), name="general", members=everybody, created=created)
    yield Channel(id=team.channel("support"), name="support", members=everybody, created=created)
    for person in PEOPLE:
        ids = (team.user(person.id), team.bot_user)
        yield Channel(
            id=team.direct(person.id), name=person.id, members=ids, created=created, person=team.user(person.id)
        )
