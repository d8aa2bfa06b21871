"""The workspace's state and nothing else: who is here, what was said. Consequences are `workspace.py`."""

import mimetypes
import random
import time
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from bot.playground.slack.records import Channel, Member, Message, OpenForm, Session, SharedFile, Status, Upload
from bot.playground.slack.wire import JsonObject
from bot.playground.view import PEOPLE, Person

TEAM_ID = "T00PARLEY1"
TEAM_NAME = "Playground workspace"
DOMAIN = "parley-playground"
APP_ID = "A00PARLEY1"
BOT_ID = "B00PARLEY1"
BOT_USER = "U00PARLEY1"
BOT_NAME = "Parley"

_MEDIA_TYPES = mimetypes.MimeTypes()  # the built-in table only: the same on every machine, and no disk access


def media_type(name: str) -> str:
    """What Slack would say a file is, from its name."""
    if name.lower().endswith((".md", ".markdown")):
        return "text/markdown"
    return _MEDIA_TYPES.guess_type(name)[0] or "application/octet-stream"


def user_id(person: Person) -> str:
    """A person's user id: always the same, so that tests can name it."""
    return f"U{person.id.upper():0>9}"


class World:
    """State of one workspace."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._last_ts = 0
        self.address = ""
        """Base address of the server, without a final slash."""
        self.founded = int(time.time())
        self.members = {member.id: member for member in _members()}
        self.channels = {channel.id: channel for channel in _channels(self.founded, self.members.values())}
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
        return f"{self.address}/files-pri/{TEAM_ID}-{file.id}/{'download/' if download else ''}{quote(file.name)}"

    def expect_upload(self, file_id: str, name: str, length: int) -> str:
        """Make room for an upload of the bot. Returns the address that takes its bytes, once."""
        self.uploads[file_id] = Upload(name, length, self.token(32))
        return f"{self.address}/upload/v1/{file_id}/{self.uploads[file_id].key}"

    def share(self, file_id: str, message: Message) -> None:
        """Note that a message shows a file."""
        file = self.files[file_id]
        self.files[file_id] = replace(file, shares=(*file.shares, (message.channel, message.ts)))


def _members() -> Iterable[Member]:
    for person in PEOPLE:
        yield Member(
            id=user_id(person),
            person=person.id,
            name=person.name,
            handle=person.id,
            email=f"{person.id}@playground.example",
            administrator=person.administrator,
        )
    yield Member(id=BOT_USER, person="bot", name=BOT_NAME, handle=BOT_NAME.lower())


def _channels(created: int, members: Iterable[Member]) -> Iterable[Channel]:
    everybody = tuple(member.id for member in members)
    yield Channel(id="C00GENERAL", name="general", members=everybody, created=created)
    yield Channel(id="C00SUPPORT", name="support", members=everybody, created=created)
    for person in PEOPLE:
        ids = (user_id(person), BOT_USER)
        yield Channel(
            id=f"D{person.id.upper():0>9}", name=person.id, members=ids, created=created, person=user_id(person)
        )
