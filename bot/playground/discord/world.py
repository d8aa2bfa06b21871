"""The server as it is: people, channels, threads, messages, reactions and files. Only state, no rules."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bot.playground.discord.clock import Clock, Snowflakes
from bot.playground.discord.wire import ComponentBody, JsonObject
from bot.playground.view import PEOPLE, Person

BOT_NAME = "Parley"
GUILD_NAME = "Playground server"
CHANNEL_NAMES = ("general", "support")

TEXT, DM, GROUP, THREAD, PRIVATE_THREAD = 0, 1, 3, 11, 12
"""Channel types."""

SUPPRESS_EMBEDS = 1 << 2
HAS_THREAD = 1 << 5
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15
"""Message flags."""

DEFAULT_MESSAGE, REPLY, COMMAND_MESSAGE, THREAD_STARTER = 0, 19, 20, 21
"""Message types."""


@dataclass(slots=True, eq=False)
class User:
    """An account: one of the people, or the bot."""

    id: str
    username: str
    name: str
    person: Person | None = None
    """None for the bot."""

    @property
    def bot(self) -> bool:
        """Whether it is the bot."""
        return self.person is None


@dataclass(slots=True, eq=False)
class ThreadState:
    """What only threads have."""

    owner: User
    starter: str
    """The message that it was opened from, in its parent."""
    created_at: float
    auto_archive: int
    """Minutes."""
    archived: bool = False
    locked: bool = False
    archive_changed_at: float = 0.0
    members: dict[str, float] = field(default_factory=dict[str, float])
    """User id to the moment of joining."""


@dataclass(slots=True, eq=False)
class Attachment:
    """A file on the content network."""

    id: str
    channel: str
    filename: str
    content: bytes = field(repr=False)
    media_type: str
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False


@dataclass(slots=True, eq=False)
class Origin:
    """The interaction that a message answers."""

    id: str
    type: Literal[2, 3, 4, 5]
    """Command, button, suggestions, form."""
    user: User
    command: str | None = None
    """As people see it: `/ask`, or the entry of a message's menu."""
    pressed: str | None = None
    """Id of the message whose button was pressed."""
    target: str | None = None
    """Id of the message whose menu was used."""
    opened_by: "Origin | None" = None
    """Of a form: the interaction that opened it."""


@dataclass(slots=True)
class ApplicationState:
    """What the developer portal says, as far as tests change it."""

    interactions_endpoint_url: str | None = None
    """Where interactions go instead of the gateway."""
    public: bool = False
    """Anybody may add the bot to a server."""
    code_grant: bool = False
    """Adding it needs a web page of ours."""
    guild_install: bool = True
    """It can be added to servers."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with answers to choose from."""

    question: str
    answers: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Message:
    """A message, ephemeral ones included."""

    id: str
    channel: "Channel"
    author: User
    content: str
    type: int
    created_at: float
    flags: int = 0
    edits: list[float] = field(default_factory=list[float])
    mentions: list[User] = field(default_factory=list[User])
    roles: list[str] = field(default_factory=list[str])
    """Mentioned roles, by id."""
    everyone: bool = False
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    embeds: list[JsonObject] = field(default_factory=list[JsonObject])
    components: list[ComponentBody] = field(default_factory=list[ComponentBody])
    nonce: int | str | None = None
    reply_to: "Message | None" = None
    origin: Origin | None = None
    only_for: User | None = None
    """The one person who sees it (ephemeral)."""
    reactions: dict[str, list[User]] = field(default_factory=dict[str, list[User]])
    pinged: list[str] = field(default_factory=list[str])
    """Names of those whom the text pinged; not the author of the message that it replies to."""
    previewed: set[str] = field(default_factory=set[str])
    """Links for which a preview was shown."""
    thread: "Channel | None" = None
    """The thread that was opened from it."""
    forwarded: "Message | None" = None
    """The message that it forwards, as it was then."""
    stickers: tuple[str, ...] = ()
    """Names."""
    poll: Poll | None = None
    version: int = 0
    """Counts every change."""


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel, a direct message with the bot, or a thread."""

    id: str
    type: int
    name: str
    position: int = 0
    parent: "Channel | None" = None
    person: User | None = None
    """For direct messages: with whom."""
    thread: ThreadState | None = None
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    """By id, oldest first."""
    sent: int = 0
    """Messages ever sent; deletions do not lower it."""
    people: tuple[User, ...] = ()
    """Who is in a group of which the bot is no member."""
    server: str = ""
    """Id of a server in which the bot is not installed."""
    denied: int | None = None
    """An error code that every request of the bot for it gets (50001 or 50013); set by tests."""

    @property
    def foreign(self) -> bool:
        """Whether the bot is no member here: its people use it because they have installed it for themselves."""
        return bool(self.people or self.server)

    def seen_by(self, user: User) -> bool:
        """Whether somebody can look into it."""
        return self.person in (None, user) and (not self.people or user in self.people)


class World:
    """Everything that exists, with look-ups."""

    def __init__(self, clock: Clock, shards: int = 1) -> None:
        """Make everybody and everything; of so many shards, the server belongs to the last."""
        self.ids = Snowflakes(clock)
        self.started_at = clock.now()
        self.bot = User(self.ids.new(), "parley", BOT_NAME)
        self.people = {person.id: User(self.ids.new(), person.id, person.name, person) for person in PEOPLE}
        self.guild_id = self.ids.new(lambda moment: moment % shards == shards - 1)
        self.moderators_role = self.ids.new()
        self.bot_role = self.ids.new()
        self.application = ApplicationState()
        self.bot_is_member = True
        """The bot is in the server."""
        self.premium_tier = 0
        """Boosts: 2 and 3 raise what a file may have."""
        self.withheld = 0
        """Permissions that the server gives neither to everybody nor to the bot, as bits."""
        self.channels: dict[str, Channel] = {}
        self.attachments: dict[str, Attachment] = {}
        for position, name in enumerate(CHANNEL_NAMES):
            self.add(Channel(self.ids.new(), TEXT, name, position))
        for user in self.people.values():
            self.add(Channel(self.ids.new(), DM, BOT_NAME, person=user))

    def remove(self, channel: Channel) -> None:
        """Take a channel out of the world, with all that was said in it."""
        del self.channels[channel.id]
        channel.messages.clear()

    def add(self, channel: Channel) -> None:
        """Put a channel into the world."""
        self.channels[channel.id] = channel

    @property
    def users(self) -> Iterator[User]:
        """Everybody, the bot first."""
        yield self.bot
        yield from self.people.values()

    def user(self, user_id: str) -> User | None:
        """One account by its id."""
        return next((user for user in self.users if user.id == user_id), None)

    def channel_named(self, name: str) -> Channel:
        """A text channel by its name."""
        return next(channel for channel in self.channels.values() if channel.type == TEXT and channel.name == name)

    def dm_with(self, user: User) -> Channel:
        """The direct message between the bot and somebody."""
        return next(channel for channel in self.channels.values() if channel.person is user)

    def server_of(self, channel: Channel) -> str | None:
        """Id of the server that a channel is in; None for direct messages and groups."""
        return None if channel.type in {DM, GROUP} else channel.server or self.guild_id

    def threads(self) -> Iterable[Channel]:
        """All threads, archived ones included."""
        return [channel for channel in self.channels.values() if channel.thread]

    def message(self, message_id: str) -> Message | None:
        """A message, wherever it is."""
        return next((c.messages[message_id] for c in self.channels.values() if message_id in c.messages), None)
