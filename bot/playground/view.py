"""What the page shows: both stand-in platforms in one vocabulary, and what a person can do on it.

The stand-in servers fill these records from the very payloads that the bot sent; the page renders nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import Field

from bot.domain.record import Record

PlatformName = Literal["slack", "discord"]


class Person(Record):
    """Somebody one can speak as. The same three people live in both places."""

    id: str
    """Short and the same on both platforms: `ada`, `ben`, `chloe`."""
    name: str
    initials: str
    administrator: bool = False


PEOPLE: tuple[Person, ...] = (
    Person(id="ada", name="Ada Moreno", initials="AM", administrator=True),
    Person(id="ben", name="Ben Okafor", initials="BO"),
    Person(id="chloe", name="Chloe Lindqvist", initials="CL"),
)


class ChannelView(Record):
    """A channel, a direct message with the bot, or a Discord thread."""

    id: str
    name: str
    kind: Literal["channel", "dm", "thread"]
    parent: str | None = None
    """For Discord threads: the channel."""
    person: str | None = None
    """For direct messages: whose it is; others do not see it."""


class FileView(Record):
    """A file card."""

    id: str
    name: str
    size: int
    media_type: str
    url: str
    """Path on the page's own server."""


class ButtonView(Record):
    """A button under a message."""

    id: str
    label: str
    style: Literal["primary", "secondary", "danger"] = "secondary"
    disabled: bool = False


StepState = Literal["pending", "running", "done", "failed"]


class StepView(Record):
    """A step of an answer, shown as a card beside its text (Slack's task updates)."""

    id: str
    title: str
    state: StepState
    details: str = ""
    output: str = ""


class MessageView(Record):
    """One message as everybody (or one person) sees it."""

    id: str
    channel: str
    thread: str | None = None
    """Slack: root message of the thread it is in, None at top level. Discord: always None (threads are channels)."""
    author: str
    """A person's id, or `bot`."""
    author_name: str
    at: float
    """Unix seconds."""
    edits: int = 0
    first_edit: float | None = None
    last_edit: float | None = None
    html: str
    """Rendered by the server from what the platform received; safe to insert."""
    files: tuple[FileView, ...] = ()
    buttons: tuple[ButtonView, ...] = ()
    reactions: tuple[str, ...] = ()
    """Emoji characters."""
    replies: int = 0
    """Slack: how many messages are in its thread."""
    opens: str | None = None
    """Discord: the thread that was opened from it."""
    only_for: str | None = None
    """The one person who sees it (ephemeral)."""
    pings: tuple[str, ...] = ()
    """Who was pinged by it, by name; `everyone` included. Shown in red."""
    state: Literal["sent", "thinking", "failed"] = "sent"
    """`thinking`: a Discord interaction that was deferred and is not answered yet."""
    note: str | None = None
    """A small line under the author: `Ada used /ask`."""
    steps: tuple[StepView, ...] = ()
    footer: str = ""
    """Rendered small print below the text; safe to insert."""
    streaming: bool = False
    """It is being written by Slack's native stream: the end is still open."""
    loud: bool = True
    """Somebody was notified of it; a continuation notifies nobody."""


class OptionView(Record):
    """An option of a slash command."""

    name: str
    description: str
    required: bool = False
    type: Literal["text", "file", "boolean"] = "text"
    completes: bool = False
    """The app suggests values while one types (`Stage.complete`)."""


class MenuView(Record):
    """An entry of the menu that a message has (Slack's message shortcuts, Discord's message commands)."""

    id: str
    label: str


class FieldView(Record):
    """A field of a form."""

    id: str
    label: str
    placeholder: str = ""
    value: str = ""
    multiline: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    """The value is one of these; anything may be written when there are none."""


class FormView(Record):
    """A form that the app opens for one person (Slack's modals, Discord's modals)."""

    id: str
    title: str
    fields: tuple[FieldView, ...]
    submit: str = "Submit"


class PromptView(Record):
    """A suggested prompt in the direct messages with the bot."""

    title: str
    text: str


class HomeView(Record):
    """The app's home page as one person sees it."""

    person: str
    html: str


class CommandView(Record):
    """A slash command that the bot registered (Discord) or that the app declares (Slack)."""

    name: str
    description: str
    options: tuple[OptionView, ...] = ()


class PlatformView(Record):
    """One pane, whole."""

    platform: PlatformName
    title: str
    """Name of the workspace or server."""
    bot_connected: bool
    bot_name: str
    channels: tuple[ChannelView, ...]
    messages: tuple[MessageView, ...]
    commands: tuple[CommandView, ...]
    menus: tuple[MenuView, ...] = ()
    prompts: dict[str, tuple[PromptView, ...]] = Field(default_factory=dict)
    """By channel: what is suggested above its composer."""
    homes: tuple[HomeView, ...] = ()
    titles: dict[str, str] = Field(default_factory=dict)
    """By `channel thread`: what the app calls a conversation in the direct messages with it."""


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A message is new or has changed."""

    platform: PlatformName
    message: MessageView


@dataclass(frozen=True, slots=True)
class MessageRemoved:
    """A message is gone."""

    platform: PlatformName
    channel: str
    message: str


@dataclass(frozen=True, slots=True)
class ChannelShown:
    """A channel or thread is new or has changed."""

    platform: PlatformName
    channel: ChannelView


@dataclass(frozen=True, slots=True)
class StatusShown:
    """Somebody is typing or the assistant says what it is doing; empty text clears it."""

    platform: PlatformName
    channel: str
    thread: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ConnectionShown:
    """The bot connected or lost its connection."""

    platform: PlatformName
    connected: bool


@dataclass(frozen=True, slots=True)
class CommandsShown:
    """The bot's slash commands are registered."""

    platform: PlatformName
    commands: tuple[CommandView, ...]


@dataclass(frozen=True, slots=True)
class FormShown:
    """The app opened a form for somebody."""

    platform: PlatformName
    person: str
    form: FormView


@dataclass(frozen=True, slots=True)
class SceneryShown:
    """Menus, prompts, homes or titles have changed: look at the pane's `PlatformView` again."""

    platform: PlatformName


Change = (
    MessageShown
    | MessageRemoved
    | ChannelShown
    | StatusShown
    | ConnectionShown
    | CommandsShown
    | FormShown
    | SceneryShown
)


class Upload(Record):
    """A file that a person attaches."""

    name: str
    content: bytes = Field(repr=False)


class NotPossible(Exception):
    """A person tried something that the platform refuses; the text is shown to them."""


class Stage(Protocol):
    """A stand-in platform as the page and the tests drive it: people act, trouble is made, changes are told.

    Tests use the same methods, so what the page can do is what is tested.
    """

    platform: PlatformName

    def view(self) -> PlatformView:
        """Everything there is to see."""
        ...

    def watch(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every change. Returns the function that ends it."""
        ...

    async def speak(
        self, person: str, channel: str, text: str, *, thread: str | None = None, files: tuple[Upload, ...] = ()
    ) -> str:
        """A person sends a message; `@Parley` (the bot's name) in the text becomes a real mention. Returns its id.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def command(
        self, person: str, channel: str, name: str, options: dict[str, str], files: tuple[Upload, ...] = ()
    ) -> str:
        """A person uses a slash command. Returns what the platform itself shows at once (often nothing).

        On Slack `options["text"]` is everything behind the command. Files go to the first option of type `file`.

        Raises:
            NotPossible: with the reason, e.g. that the application did not respond.
        """
        ...

    async def press(self, person: str, channel: str, message: str, button: str) -> None:
        """A person presses a button.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def choose(self, person: str, channel: str, message: str, menu: str) -> str:
        """A person takes an entry of a message's menu. Returns what the platform itself shows at once (often nothing).

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def submit(self, person: str, form: str, values: dict[str, str]) -> None:
        """A person fills in a form that was opened for them (`FormShown`), by field.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def complete(self, person: str, channel: str, command: str, option: str, typed: str) -> tuple[str, ...]:
        """What the app suggests for an option while a person types.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def amend(self, person: str, channel: str, message: str, text: str) -> None:
        """A person edits a message of theirs.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def retract(self, person: str, channel: str, message: str) -> None:
        """A person deletes a message of theirs; an administrator may delete any.

        Raises:
            NotPossible: with the reason.
        """
        ...

    async def visit(self, person: str, place: Literal["messages", "home"]) -> None:
        """A person opens the direct messages with the bot, or its home page.

        Raises:
            NotPossible: the platform has no such page.
        """
        ...

    def file(self, file_id: str) -> tuple[str, str, bytes] | None:
        """A file's name, media type and content, for the page's own download path `/files/{platform}/{id}`."""
        ...

    def limit_rate(self, seconds: float) -> None:
        """Answer 429 to everything that writes for so long."""
        ...

    def drop_connection(self) -> None:
        """Cut the bot's socket without a goodbye; it has to come back by itself."""
        ...
