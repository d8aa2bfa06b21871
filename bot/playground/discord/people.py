"""What people do: speak, use commands, press buttons."""

import asyncio
import re
from collections.abc import Mapping, Sequence

from bot.playground.discord.cdn import clean_filename, media_type_of
from bot.playground.discord.checks import buttons_of
from bot.playground.discord.commands import ATTACHMENT, BOOLEAN, INTEGER, NUMBER, Command, Commands
from bot.playground.discord.interactions import COMMAND, COMPONENT, Interaction, Interactions
from bot.playground.discord.mentions import with_mentions
from bot.playground.discord.people_payloads import BOT_PERMISSIONS, member_payload, permissions_of, user_payload
from bot.playground.discord.posting import Posting
from bot.playground.discord.refusals import Refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.sight import check_said, message_for, who_where
from bot.playground.discord.threads import join
from bot.playground.discord.wire import CommandOption, JsonObject, UploadedFile
from bot.playground.discord.world import Attachment, Channel, Message, Origin, User
from bot.playground.view import NotPossible, Upload

_NO_ANSWER = "The application did not respond"


class People:
    """The three people, acting."""

    def __init__(self, scene: Scene, posting: Posting, commands: Commands, interactions: Interactions) -> None:
        self._scene = scene
        self._posting = posting
        self._commands = commands
        self._interactions = interactions

    # --- messages ---

    def speak(
        self,
        person: str,
        channel_id: str,
        text: str,
        files: Sequence[Upload] = (),
        reply_to: str | None = None,
        *,
        notify: bool = True,
    ) -> Message:
        """A message; `@Name` becomes a mention. A reply mentions its author too, unless `notify` is switched off."""
        user, channel = self._who_where(person, channel_id)
        text = with_mentions(self._scene.world, text)
        self._check_text(text, files)
        uploads = {n: UploadedFile(file.name, file.content) for n, file in enumerate(files)}
        target = self._message(channel, reply_to, user) if reply_to else None
        try:
            message = self._posting.say(user, channel, text, uploads, target, notify=notify)
        except Refusal as error:
            raise NotPossible(error.message) from error
        if channel.thread:
            join(self._scene, channel, channel.thread, user)
        return message

    def _check_text(self, text: str, files: Sequence[Upload]) -> None:
        check_said(self._scene.rules, text, files)

    # --- interactions ---

    async def command(
        self, person: str, channel_id: str, name: str, options: Mapping[str, str], files: Sequence[Upload]
    ) -> str:
        """A slash command; waits for the first answer. Returns its text when only the person sees it."""
        user, channel = self._who_where(person, channel_id)
        command = self._commands.find(name)
        if command is None or (channel.person and not command.works_in_dms()):
            raise NotPossible(f"There is no command /{name} here.")
        data = self._command_data(command, channel, options, files)
        origin = Origin(self._scene.world.ids.new(), COMMAND, user, command=name)
        return await self._ask(self._interactions.begin(channel, origin), data)

    async def press(self, person: str, channel_id: str, message_id: str, button_id: str) -> None:
        """A button; waits for the first answer."""
        user, channel = self._who_where(person, channel_id)
        message = self._message(channel, message_id, user)
        button = next((b for b in buttons_of(message.components) if b.custom_id == button_id), None)
        if button is None or button.disabled:
            raise NotPossible("This button cannot be pressed.")
        origin = Origin(self._scene.world.ids.new(), COMPONENT, user, pressed=message.id)
        data: JsonObject = {"custom_id": button_id, "component_type": 2, "id": button.id}
        await self._ask(self._interactions.begin(channel, origin, message), data)

    async def _ask(self, interaction: Interaction, data: JsonObject) -> str:
        scene = self._scene
        person = self._person_part(interaction.origin.user, interaction.channel)
        scene.gateway.dispatch("INTERACTION_CREATE", self._interactions.event(interaction, data, person))
        try:
            async with asyncio.timeout(scene.rules.interaction_deadline):
                await interaction.answered.wait()
        except TimeoutError as error:
            interaction.given_up = True
            raise NotPossible(_NO_ANSWER) from error
        original = interaction.original
        return original.content if original and original.only_for and not original.edits else ""

    def _person_part(self, user: User, channel: Channel) -> JsonObject:
        world = self._scene.world
        if channel.person:
            return {"user": user_payload(user), "app_permissions": str(BOT_PERMISSIONS)}
        permissions = str(permissions_of(user))
        member = member_payload(world, user) | {"user": user_payload(user), "permissions": permissions}
        return {
            "member": member,
            "guild_id": world.guild_id,
            "guild": {"id": world.guild_id, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "app_permissions": str(BOT_PERMISSIONS),
        }

    def _command_data(
        self, command: Command, channel: Channel, options: Mapping[str, str], files: Sequence[Upload]
    ) -> JsonObject:
        known = {option.name: option for option in command.body.options or ()}
        if unknown := set(options) - set(known):
            raise NotPossible(f"/{command.body.name} has no option {sorted(unknown)[0]}.")
        chosen = [{"name": n, "type": known[n].type, "value": _value(known[n], text)} for n, text in options.items()]
        resolved: JsonObject = {}
        waiting = [option for option in known.values() if option.type == ATTACHMENT]
        for option, upload in zip(waiting, files, strict=False):
            attachment = self._uploaded(channel, upload)
            resolved[attachment.id] = self._scene.payloads.attachment(attachment)
            chosen.append({"name": option.name, "type": ATTACHMENT, "value": attachment.id})
        given = {option["name"] for option in chosen}
        if missing := [option.name for option in known.values() if option.required and option.name not in given]:
            raise NotPossible(f"The option {missing[0]} is required.")
        data: JsonObject = {"id": command.id, "name": command.body.name, "type": 1, "options": chosen}
        if command.guild_id:
            data["guild_id"] = command.guild_id
        return data | ({"resolved": {"attachments": resolved}} if resolved else {})

    def _uploaded(self, channel: Channel, upload: Upload) -> Attachment:
        self._check_text("", (upload,))
        world = self._scene.world
        name = clean_filename(upload.name)
        media_type = media_type_of(name, upload.content)
        attachment = Attachment(world.ids.new(), channel.id, name, upload.content, media_type, ephemeral=True)
        world.attachments[attachment.id] = attachment
        return attachment

    # --- who and where ---

    def _who_where(self, person: str, channel_id: str) -> tuple[User, Channel]:
        return who_where(self._scene.world, person, channel_id)

    @staticmethod
    def _message(channel: Channel, message_id: str, user: User) -> Message:
        return message_for(channel, message_id, user)


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
