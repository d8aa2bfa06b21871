"""Everything that people do with the bot beside writing messages, and who deals with it."""

import discord
from discord import app_commands

from adapters.discord.buttons import Pressed
from adapters.discord.commands import Commands
from adapters.discord.forms import AboutMessage, submitted
from adapters.discord.handlers import Handlers
from adapters.discord.menus import Menus
from adapters.discord.presses import Presses
from adapters.discord.questions import Questions
from adapters.discord.settings import DiscordConfig
from bot.relay.contract import Reception


class Interactions:
    """Commands, menus, forms and buttons of one client."""

    def __init__(
        self,
        client: discord.Client,
        tree: app_commands.CommandTree,
        reception: Reception,
        handlers: Handlers,
        config: DiscordConfig,
    ) -> None:
        """Put commands and menus on the tree."""
        questions = Questions(reception, config.store_patience)
        self._client = client
        self._handlers = handlers
        self._presses = Presses(reception)
        self._menus = Menus(client, tree, questions, handlers, to_guests=config.user_installs)
        Commands(tree, reception, questions, handlers, to_guests=config.user_installs)

    def follow(self) -> None:
        """Hear presses and forms, whoever made them: an earlier version, or this one before a restart."""

        async def on_run_button(interaction: discord.Interaction, pressed: Pressed) -> None:
            with self._handlers.one():
                await self._presses.pressed(interaction, pressed)

        async def on_interaction(interaction: discord.Interaction) -> None:
            with self._handlers.one():
                await self._submitted(interaction)

        for handler in (on_run_button, on_interaction):
            self._client.event(handler)

    async def _submitted(self, interaction: discord.Interaction) -> None:
        filled = submitted(interaction)
        if filled is None:
            return
        if isinstance(filled.form, AboutMessage):
            await self._menus.asked(interaction, filled, filled.form)
        else:
            await self._presses.commented(interaction, filled, filled.form)
