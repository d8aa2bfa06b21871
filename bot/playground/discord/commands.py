"""Slash commands: how the bot registers them, and what people see of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.discord.refusals import invalid, parsed, refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import CommandBody, CommandOption, JsonObject, as_list
from bot.playground.discord.world import DM, GROUP, Channel
from bot.playground.view import CommandView, MenuView, OptionView

CHAT_INPUT, MESSAGE = 1, 3
"""Command types: typed, and in the menu that messages have."""
STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11
"""Option types that people can fill in here."""
_VIEW_TYPES = {ATTACHMENT: "file", BOOLEAN: "boolean"}
_MAX_CHAT_INPUT, _MAX_OTHERS, _MAX_OPTIONS = 100, 15, 25
_MAX_CHARACTERS = 8000
"""Names and descriptions of a command together."""
_COMPLETED = frozenset({STRING, INTEGER, NUMBER})


@dataclass(frozen=True, slots=True)
class Command:
    """A registered command."""

    id: str
    version: str
    body: CommandBody
    guild_id: str | None

    def offered_in(self, channel: Channel) -> bool:
        """Whether people find it there: it was registered for the place, and for the way in which it was installed."""
        if channel.foreign and self.guild_id is not None:
            return False
        if int(channel.foreign) not in (self.body.integration_types or (0,)):
            return False
        if channel.type == DM:
            return self.guild_id is None and self.body.dm_permission is not False and self._within(1)
        return self._within(2 if channel.type == GROUP else 0)

    def _within(self, context: int) -> bool:
        return self.guild_id is not None or self.body.contexts is None or context in self.body.contexts


class Commands:
    """The registered commands, per server and global. Global ones work at once here; Discord may take a while."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._registered: dict[str | None, list[Command]] = {}
        self._created_at: list[float] = []

    def listed(self, guild_id: str | None) -> list[JsonObject]:
        """What GET answers."""
        return [self._payload(command) for command in self._registered.get(guild_id, [])]

    def overwrite(self, guild_id: str | None, body: object) -> list[JsonObject]:
        """Replace all commands of a server, or all global ones."""
        wanted = [parsed(CommandBody, item) for item in as_list(body)]
        _check(wanted)
        known = {(c.body.name, c.body.type): c for c in self._registered.get(guild_id, [])}
        self._count_new(sum((body.name, body.type) not in known for body in wanted))
        registered: list[Command] = []
        for command in wanted:
            old = known.get((command.name, command.type))
            registered.append(old if old and old.body == command else self._made(command, guild_id, old))
        self._registered[guild_id] = registered
        self._scene.showing.commands_changed(self._views(), self._menus())
        return self.listed(guild_id)

    def named(self, name: str, channel: Channel) -> Command | None:
        """A typed command by its name, where it is offered; the server's own goes first."""
        return next((c for c in self._all(CHAT_INPUT) if c.body.name == name and c.offered_in(channel)), None)

    def menu(self, command_id: str, channel: Channel) -> Command | None:
        """An entry of the menu that messages have, by its id, where it is offered."""
        return next((c for c in self._all(MESSAGE) if c.id == command_id and c.offered_in(channel)), None)

    def _all(self, kind: int) -> list[Command]:
        everything = [*self._registered.get(self._scene.world.guild_id, []), *self._registered.get(None, [])]
        return [command for command in everything if (command.body.type or CHAT_INPUT) == kind]

    def _made(self, body: CommandBody, guild_id: str | None, old: Command | None) -> Command:
        ids = self._scene.world.ids
        return Command(old.id if old else ids.new(), ids.new(), body, guild_id)

    def _count_new(self, count: int) -> None:
        now = self._scene.clock.now()
        today = [moment for moment in self._created_at if moment > now - 86_400]
        if len(today) + count > self._scene.rules.commands_per_day:
            raise refusal(30034)
        self._created_at = today + [now] * count

    def _views(self) -> tuple[CommandView, ...]:
        views: dict[str, CommandView] = {}
        for command in self._all(CHAT_INPUT):
            views.setdefault(command.body.name, _view(command.body))
        return tuple(sorted(views.values(), key=lambda view: view.name))

    def _menus(self) -> tuple[MenuView, ...]:
        views: dict[str, MenuView] = {}
        for command in self._all(MESSAGE):
            views.setdefault(command.body.name, MenuView(id=command.id, label=command.body.name))
        return tuple(views.values())

    def _payload(self, command: Command) -> JsonObject:
        body = command.body
        payload: JsonObject = body.model_dump(exclude_none=True)
        permissions = body.default_member_permissions
        payload |= {
            "id": command.id,
            "application_id": self._scene.world.bot.id,
            "version": command.version,
            "type": body.type or CHAT_INPUT,
            "description": body.description or "",
            "default_member_permissions": None if permissions is None else str(permissions),
            "dm_permission": body.dm_permission is not False,
            "integration_types": list(body.integration_types or (0,)),
            "nsfw": bool(body.nsfw),
            "contexts": None if body.contexts is None else list(body.contexts),
        }
        return payload | ({} if command.guild_id is None else {"guild_id": command.guild_id})


def _check(commands: Sequence[CommandBody]) -> None:
    chat = [command for command in commands if command.type in {None, CHAT_INPUT}]
    menus = [command for command in commands if command.type == MESSAGE]
    others = len(commands) - len(chat) - len(menus)
    if len(chat) > _MAX_CHAT_INPUT or max(len(menus), others) > _MAX_OTHERS:
        raise refusal(30032)
    names = [(command.name, command.type) for command in commands]
    if len(set(names)) < len(names):
        message = "Application command names must be unique"
        raise invalid("0", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    for index, command in enumerate(commands):
        _check_one(command, f"{index}")


def _check_one(command: CommandBody, where: str) -> None:
    options = command.options or ()
    is_chat = command.type in {None, CHAT_INPUT}
    if not 1 <= len(command.name) <= 32 or (is_chat and command.name != command.name.lower()):
        raise invalid(f"{where}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if is_chat and not 1 <= len(command.description or "") <= 100:
        raise invalid(f"{where}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if not is_chat and (command.description or options):
        message = "Context menu commands cannot have description"
        raise invalid(f"{where}.description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_IMMUTABLE", message)
    if sum(len(option.name) + len(option.description) for option in options) > _MAX_CHARACTERS:
        raise invalid(where, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
    for index, option in enumerate(options):
        _check_option(option, f"{where}.options.{index}")
    if len(options) > _MAX_OPTIONS:
        raise invalid(f"{where}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    required = [bool(option.required) for option in options]
    if required != sorted(required, reverse=True):
        message = "Required options must be placed before non-required options"
        raise invalid(f"{where}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)


def _check_option(option: CommandOption, where: str) -> None:
    if not re.fullmatch(r"[-_\w]{1,32}", option.name) or option.name != option.name.lower():
        raise invalid(f"{where}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not 1 <= len(option.description) <= 100:
        raise invalid(f"{where}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if option.autocomplete and (option.type not in _COMPLETED or option.model_dump().get("choices")):
        message = "Autocomplete is not possible for this option"
        raise invalid(f"{where}.autocomplete", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", message)


def _view(body: CommandBody) -> CommandView:
    options: list[OptionView] = []
    for option in body.options or ():
        kind = _VIEW_TYPES.get(option.type, "text")
        options.append(
            OptionView(
                name=option.name,
                description=option.description,
                required=bool(option.required),
                type="file" if kind == "file" else "boolean" if kind == "boolean" else "text",
                completes=bool(option.autocomplete),
            )
        )
    return CommandView(name=body.name, description=body.description or "", options=tuple(options))
