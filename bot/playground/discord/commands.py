"""Slash commands: how the bot registers them, and what people see of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.discord.refusals import invalid, parsed, refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import CommandBody, JsonObject, as_list
from bot.playground.view import CommandView, OptionView

CHAT_INPUT = 1
STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11
"""Option types that people can fill in here."""
_VIEW_TYPES = {ATTACHMENT: "file", BOOLEAN: "boolean"}
_MAX_CHAT_INPUT, _MAX_OTHERS, _MAX_OPTIONS = 100, 15, 25


@dataclass(frozen=True, slots=True)
class Command:
    """A registered command."""

    id: str
    version: str
    body: CommandBody
    guild_id: str | None

    def works_in_dms(self) -> bool:
        """Whether it is offered in direct messages with the bot."""
        contexts = self.body.contexts
        return self.guild_id is None and self.body.dm_permission is not False and (contexts is None or 1 in contexts)


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
        self._scene.showing.commands_changed(self._views())
        return self.listed(guild_id)

    def find(self, name: str) -> Command | None:
        """A chat-input command by its name; the server's own goes first."""
        everything = [*self._registered.get(self._scene.world.guild_id, []), *self._registered.get(None, [])]
        return next((c for c in everything if c.body.name == name and c.body.type in {None, CHAT_INPUT}), None)

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
        for guild_id in (self._scene.world.guild_id, None):
            for command in self._registered.get(guild_id, []):
                if command.body.type in {None, CHAT_INPUT}:
                    views.setdefault(command.body.name, _view(command.body))
        return tuple(sorted(views.values(), key=lambda view: view.name))

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
    if len(chat) > _MAX_CHAT_INPUT or len(commands) - len(chat) > 2 * _MAX_OTHERS:
        raise invalid("commands", "BASE_TYPE_BAD_LENGTH", f"Must be {_MAX_CHAT_INPUT} or fewer in length.")
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
    if len(options) > _MAX_OPTIONS:
        raise invalid(f"{where}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    required = [bool(option.required) for option in options]
    if required != sorted(required, reverse=True):
        message = "Required options must be placed before non-required options"
        raise invalid(f"{where}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)


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
            )
        )
    return CommandView(name=body.name, description=body.description or "", options=tuple(options))
