"""Options of slash commands as people fill them in."""

import re
from collections.abc import Mapping, Sequence

from bot.playground.discord.cdn import clean_filename, media_type_of
from bot.playground.discord.commands import ATTACHMENT, BOOLEAN, INTEGER, NUMBER, Command
from bot.playground.discord.scene import Scene
from bot.playground.discord.sight import check_said
from bot.playground.discord.wire import CommandOption, JsonObject
from bot.playground.discord.world import Attachment, Channel
from bot.playground.view import NotPossible, Upload


def filled_in(
    scene: Scene, command: Command, channel: Channel, options: Mapping[str, str], files: Sequence[Upload]
) -> JsonObject:
    """The data of a command with its options; files go to the first options that take some.

    Raises:
        NotPossible: what the picker would not let pass.
    """
    known = _known(command)
    if unknown := set(options) - set(known):
        raise NotPossible(f"/{command.body.name} has no option {sorted(unknown)[0]}.")
    chosen: list[JsonObject] = [
        {"name": n, "type": known[n].type, "value": _value(known[n], text)} for n, text in options.items()
    ]
    resolved: JsonObject = {}
    waiting = [option for option in known.values() if option.type == ATTACHMENT]
    for option, upload in zip(waiting, files, strict=False):
        attachment = _uploaded(scene, channel, upload)
        resolved[attachment.id] = scene.payloads.attachment(attachment)
        chosen.append({"name": option.name, "type": ATTACHMENT, "value": attachment.id})
    given = {option["name"] for option in chosen}
    if missing := [option.name for option in known.values() if option.required and option.name not in given]:
        raise NotPossible(f"The option {missing[0]} is required.")
    data = _data(command, chosen)
    return data | ({"resolved": {"attachments": resolved}} if resolved else {})


def completing(command: Command, option: str, typed: str) -> JsonObject:
    """The data while somebody types into an option.

    Raises:
        NotPossible: nothing is suggested for it.
    """
    known = _known(command).get(option)
    if known is None or not known.autocomplete:
        raise NotPossible(f"Nothing is suggested for {option}.")
    return _data(command, [{"name": option, "type": known.type, "value": typed, "focused": True}])


def _data(command: Command, options: Sequence[JsonObject]) -> JsonObject:
    data: JsonObject = {"id": command.id, "name": command.body.name, "type": 1, "options": list(options)}
    return data | ({"guild_id": command.guild_id} if command.guild_id else {})


def _known(command: Command) -> dict[str, CommandOption]:
    return {option.name: option for option in command.body.options or ()}


def _uploaded(scene: Scene, channel: Channel, upload: Upload) -> Attachment:
    check_said(scene.rules, "", (upload,))
    world = scene.world
    name = clean_filename(upload.name)
    media_type = media_type_of(name, upload.content)
    attachment = Attachment(world.ids.new(), channel.id, name, upload.content, media_type, ephemeral=True)
    world.attachments[attachment.id] = attachment
    return attachment


def _value(option: CommandOption, text: str) -> str | int | float | bool:
    """What a person typed, as the option's type."""
    try:
        if option.type == INTEGER:
            return int(text)
        if option.type == NUMBER:
            return float(text)
    except ValueError as error:
        raise NotPossible(f"{option.name} has to be a number.") from error
    if option.type == BOOLEAN:
        return bool(re.fullmatch(r"(?i)true|yes|on|1", text))
    return text
