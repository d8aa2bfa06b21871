"""What travels over the page's WebSocket, both ways, as JSON.

To the page: `snapshot` once, then `changes`, and one `result` for every action. From the page: the actions below, each
with a client id that comes back in its result.
"""

from typing import Annotated, Any, Literal, assert_never

from pydantic import Field, TypeAdapter

from bot.domain.record import Record
from bot.playground.child import BotView
from bot.playground.view import (
    PEOPLE,
    Change,
    ChannelShown,
    CommandsShown,
    ConnectionShown,
    FormShown,
    MessageRemoved,
    MessageShown,
    PlatformName,
    SceneryShown,
    Stage,
    StatusShown,
)

Json = dict[str, Any]
"""A JSON object that is about to be serialised; nothing reads it again in Python."""


class Speak(Record):
    """Send a message, with uploads that were made before."""

    action: Literal["speak"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    text: str
    thread: str | None = None
    files: tuple[str, ...] = ()


class Command(Record):
    """Use a slash command."""

    action: Literal["command"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    name: str
    options: dict[str, str] = Field(default_factory=dict[str, str])
    files: tuple[str, ...] = ()


class Press(Record):
    """Press a button under a message."""

    action: Literal["press"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    message: str
    button: str


class Choose(Record):
    """Take an entry of a message's menu."""

    action: Literal["choose"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    message: str
    menu: str


class Submit(Record):
    """Fill in a form."""

    action: Literal["submit"]
    id: str
    platform: PlatformName
    person: str
    form: str
    values: dict[str, str] = Field(default_factory=dict[str, str])


class Complete(Record):
    """Ask what the app suggests for an option."""

    action: Literal["complete"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    command: str
    option: str
    typed: str


class Amend(Record):
    """Edit a message."""

    action: Literal["amend"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    message: str
    text: str


class Retract(Record):
    """Delete a message."""

    action: Literal["retract"]
    id: str
    platform: PlatformName
    person: str
    channel: str
    message: str


class Visit(Record):
    """Open the direct messages with the bot, or its home page."""

    action: Literal["visit"]
    id: str
    platform: PlatformName
    person: str
    place: Literal["messages", "home"]


class LimitRate(Record):
    """Let the platform answer 429 for a while."""

    action: Literal["limit_rate"]
    id: str
    platform: PlatformName
    seconds: float = Field(default=10, gt=0, le=120)


class DropConnection(Record):
    """Cut the bot's socket."""

    action: Literal["drop_connection"]
    id: str
    platform: PlatformName


class KillBot(Record):
    """End the bot's process with SIGKILL."""

    action: Literal["kill"]
    id: str


class StartBot(Record):
    """Start the bot's process again."""

    action: Literal["start"]
    id: str


Action = Annotated[
    Speak
    | Command
    | Press
    | Choose
    | Submit
    | Complete
    | Amend
    | Retract
    | Visit
    | LimitRate
    | DropConnection
    | KillBot
    | StartBot,
    Field(discriminator="action"),
]
_ACTION: TypeAdapter[Action] = TypeAdapter(Action)


def parse_action(text: str) -> Action:
    """Read one action.

    Raises:
        pydantic.ValidationError: when the text is not an action.
    """
    return _ACTION.validate_json(text)


def snapshot_json(slack: Stage, discord: Stage, bot: Json, statuses: list[Json]) -> Json:
    """Everything there is to see at this moment."""
    return {
        "type": "snapshot",
        "people": [person.model_dump(mode="json") for person in PEOPLE],
        "slack": slack.view().model_dump(mode="json"),
        "discord": discord.view().model_dump(mode="json"),
        "bot": bot,
        "statuses": statuses,
    }


SCENERY = ("menus", "prompts", "homes", "titles")
"""Fields of a `PlatformView` that change together, and seldom."""


def scenery_json(stage: Stage) -> Json:
    """Menus, prompts, home pages and titles of a platform, as they are now."""
    seen = stage.view().model_dump(mode="json", include=set(SCENERY))
    return {"kind": "scenery", "platform": stage.platform, **seen}


def bot_json(bot: BotView, model_label: str, model_hint: str) -> Json:
    """The bot's process and the model behind it."""
    return {
        "state": bot.state,
        "last_lines": list(bot.last_lines),
        "model_label": model_label,
        "model_hint": model_hint,
    }


def change_json(change: Change, stage: Stage) -> Json:
    """One change of a stage as the page reads it; `kind` says which."""
    platform = change.platform
    match change:
        case MessageShown():
            return {"kind": "message", "platform": platform, "message": change.message.model_dump(mode="json")}
        case MessageRemoved():
            return {"kind": "removed", "platform": platform, "channel": change.channel, "message": change.message}
        case ChannelShown():
            return {"kind": "channel", "platform": platform, "channel": change.channel.model_dump(mode="json")}
        case StatusShown():
            return {
                "kind": "status",
                "platform": platform,
                "channel": change.channel,
                "thread": change.thread,
                "text": change.text,
            }
        case ConnectionShown():
            return {"kind": "connection", "platform": platform, "connected": change.connected}
        case CommandsShown():
            commands = [command.model_dump(mode="json") for command in change.commands]
            return {"kind": "commands", "platform": platform, "commands": commands}
        case FormShown():
            form = change.form.model_dump(mode="json")
            return {"kind": "form", "platform": platform, "person": change.person, "form": form}
        case SceneryShown():
            return scenery_json(stage)
        case _:
            assert_never(change)


def change_key(change: Change) -> tuple[str, ...]:
    """What the change is about: of two changes with one key only the later one matters."""
    match change:
        case MessageShown():
            return ("message", change.platform, change.message.channel, change.message.id)
        case MessageRemoved():
            return ("message", change.platform, change.channel, change.message)
        case ChannelShown():
            return ("channel", change.platform, change.channel.id)
        case StatusShown():
            return ("status", change.platform, change.channel, change.thread or "")
        case ConnectionShown():
            return ("connection", change.platform)
        case CommandsShown():
            return ("commands", change.platform)
        case FormShown():
            return ("form", change.platform, change.person)
        case SceneryShown():
            return ("scenery", change.platform)
        case _:
            assert_never(change)
