"""What people do with the bot beside talking: commands, menus, buttons, forms, and typing where it suggests values."""

import asyncio
from collections.abc import Mapping, Sequence

from bot.playground.discord.checks import buttons_of
from bot.playground.discord.commands import Commands
from bot.playground.discord.forms import Form
from bot.playground.discord.interactions import COMMAND, COMPLETION, COMPONENT, FORM, Interaction, Interactions
from bot.playground.discord.options import completing, filled_in
from bot.playground.discord.people_payloads import BOT_PERMISSIONS, member_payload, permissions_of, user_payload
from bot.playground.discord.scene import Scene
from bot.playground.discord.sight import message_for, who_where
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import Channel, Origin, User
from bot.playground.view import FormShown, NotPossible, Upload

_NO_ANSWER = "The application did not respond"
_NO_SUGGESTIONS = "Loading options failed"


class Using:
    """The three people, using the bot. Each waits for the first answer, for as long as Discord does."""

    def __init__(self, scene: Scene, commands: Commands, interactions: Interactions) -> None:
        self._scene = scene
        self._commands = commands
        self._interactions = interactions
        self._forms: dict[str, tuple[Interaction, Form]] = {}

    async def command(
        self, person: str, channel_id: str, name: str, options: Mapping[str, str], files: Sequence[Upload]
    ) -> str:
        """A slash command. Returns its answer when only the person sees it."""
        user, channel = who_where(self._scene.world, person, channel_id)
        command = self._commands.named(name, channel)
        if command is None:
            raise NotPossible(f"There is no command /{name} here.")
        data = filled_in(self._scene, command, channel, options, files)
        origin = Origin(self._scene.world.ids.new(), COMMAND, user, command=f"/{name}")
        return await self._ask(self._interactions.begin(channel, origin), data)

    async def choose(self, person: str, channel_id: str, message_id: str, menu: str) -> str:
        """An entry of a message's menu. Returns its answer when only the person sees it."""
        scene = self._scene
        user, channel = who_where(scene.world, person, channel_id)
        target = message_for(channel, message_id, user)
        command = self._commands.menu(menu, channel)
        if command is None:
            raise NotPossible("There is no such entry here.")
        origin = Origin(scene.world.ids.new(), COMMAND, user, command=command.body.name, target=target.id)
        data: JsonObject = {
            "id": command.id,
            "name": command.body.name,
            "type": 3,
            "target_id": target.id,
            "resolved": {"messages": {target.id: scene.payloads.message(target)}},
        }
        if command.guild_id:
            data["guild_id"] = command.guild_id
        return await self._ask(self._interactions.begin(channel, origin), data)

    async def press(self, person: str, channel_id: str, message_id: str, button_id: str) -> None:
        """A button."""
        user, channel = who_where(self._scene.world, person, channel_id)
        message = message_for(channel, message_id, user)
        button = next((b for b in buttons_of(message.components) if b.custom_id == button_id), None)
        if button is None or button.disabled:
            raise NotPossible("This button cannot be pressed.")
        origin = Origin(self._scene.world.ids.new(), COMPONENT, user, pressed=message.id)
        data: JsonObject = {"custom_id": button_id, "component_type": 2, "id": button.id}
        await self._ask(self._interactions.begin(channel, origin, message), data)

    async def submit(self, person: str, form_id: str, values: Mapping[str, str]) -> str:
        """A form; it stays open when the bot does not answer. Returns its answer when only the person sees it."""
        opener, form = self._forms.get(form_id, (None, None))
        if opener is None or form is None or opener.origin.user is not self._scene.world.people.get(person):
            raise NotPossible("There is no such form.")
        origin = Origin(self._scene.world.ids.new(), FORM, opener.origin.user, opened_by=opener.origin)
        origin.command = opener.origin.command
        data: JsonObject = {"custom_id": form.custom_id, "components": form.filled_in(values)}
        said = await self._ask(self._interactions.begin(opener.channel, origin, opener.pressed), data)
        self._forms.pop(form_id, None)
        return said

    async def complete(self, person: str, channel_id: str, name: str, option: str, typed: str) -> tuple[str, ...]:
        """What the bot suggests for an option while a person types."""
        user, channel = who_where(self._scene.world, person, channel_id)
        command = self._commands.named(name, channel)
        if command is None:
            raise NotPossible(f"There is no command /{name} here.")
        data = completing(command, option, typed)
        interaction = self._interactions.begin(channel, Origin(self._scene.world.ids.new(), COMPLETION, user))
        await self._ask(interaction, data, _NO_SUGGESTIONS)
        return tuple(choice.value for choice in interaction.choices)

    async def _ask(self, interaction: Interaction, data: JsonObject, silence: str = _NO_ANSWER) -> str:
        scene = self._scene
        person = self._person_part(interaction.origin.user, interaction.channel)
        scene.gateway.dispatch("INTERACTION_CREATE", self._interactions.event(interaction, data, person))
        try:
            async with asyncio.timeout(scene.rules.interaction_deadline):
                await interaction.answered.wait()
        except TimeoutError as error:
            interaction.given_up = True
            raise NotPossible(silence) from error
        if interaction.form:
            self._open(interaction, interaction.form)
        original = interaction.original
        return original.content if original and original.only_for and not original.edits else ""

    def _open(self, interaction: Interaction, form: Form) -> None:
        """Show a form; a person has one open at a time."""
        user = interaction.origin.user
        self._forms = {key: kept for key, kept in self._forms.items() if kept[0].origin.user is not user}
        self._forms[interaction.id] = (interaction, form)
        self._scene.showing.tell(FormShown("discord", user.username, form.view(interaction.id)))

    def _person_part(self, user: User, channel: Channel) -> JsonObject:
        world = self._scene.world
        server = world.server_of(channel)
        if server is None:
            return {"user": user_payload(user), "app_permissions": str(BOT_PERMISSIONS)}
        permissions = str(permissions_of(world, user))
        member = member_payload(world, user) | {"user": user_payload(user), "permissions": permissions}
        return {
            "member": member,
            "guild_id": server,
            "guild": {"id": server, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "app_permissions": str(BOT_PERMISSIONS),
        }
