"""Slash commands and buttons under Discord's deadlines: committed first, then acknowledged, within three seconds."""

import asyncio
import hashlib
import json
from collections.abc import Callable

import discord
import structlog
from discord import app_commands

from adapters.discord.inbound import author_of, conversation_of, from_ask, is_moderator
from bot.errors import StoreUnavailable
from bot.ports import Notes
from bot.relay.contract import Command, Press, Reception

log = structlog.get_logger()

COMMIT_WITHIN = 2.0
"""Seconds after the interaction was made within which it must be stored. Discord wants the acknowledgement within
three (Interactions, "Receiving and Responding"); the rest is for the acknowledgement's way."""

_NOT_ACCEPTED = "That did not get through, nothing was stored. Please try again."


class Interactions:
    """The command tree and the presses of one client."""

    def __init__(self, client: discord.Client, reception: Reception, now: Callable[[], float]) -> None:
        """Register handlers on the client; `now` gives Unix seconds."""
        self.tree = app_commands.CommandTree(client)
        self._reception = reception
        self._now = now
        self._add_ask()
        for name, description in (
            ("new", "Start over: the next message begins a new conversation"),
            ("stop", "Stop the answer that is being written here"),
            ("help", "What the assistant can do"),
        ):
            self._add_simple(name, description)

    def _add_ask(self) -> None:
        @self.tree.command(name="ask", description="Ask the assistant")
        @app_commands.describe(question="What you want to know", file="A file to read")
        async def ask(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction, question: str, file: discord.Attachment | None = None
        ) -> None:
            await self._ask(interaction, question, file)

    def _add_simple(self, name: str, description: str) -> None:
        @self.tree.command(name=name, description=description)
        async def command(interaction: discord.Interaction) -> None:  # pyright: ignore[reportUnusedFunction]
            await self._simple(interaction)

    async def sync(self, notes: Notes, guild_id: int | None) -> bool:
        """Register the commands when they have changed since the last time. Returns whether it was necessary."""
        guild = discord.Object(guild_id) if guild_id else None
        if guild:
            self.tree.copy_global_to(guild=guild)
        described = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=guild)]
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        name = f"discord commands {self.tree.client.application_id} {guild_id or 'everywhere'}"
        if await notes.read(name) == digest:
            return False
        await self.tree.sync(guild=guild)
        await notes.write(name, digest)
        return True

    async def _ask(self, interaction: discord.Interaction, question: str, file: discord.Attachment | None) -> None:
        if not await self._accepted(interaction, question, file):
            await self._whisper(interaction, _NOT_ACCEPTED)
            return
        try:
            await interaction.response.defer(thinking=True)
        except discord.HTTPException as error:
            # It may have arrived all the same; if not, the answer goes to the channel.
            log.warning("acknowledgement refused", interaction_id=interaction.id, code=error.code)

    async def _accepted(self, interaction: discord.Interaction, question: str, file: discord.Attachment | None) -> bool:
        left = COMMIT_WITHIN - (self._now() - interaction.created_at.timestamp())
        try:
            async with asyncio.timeout(max(left, 0.1)):
                await self._reception.receive(from_ask(interaction, question, file))
        except (TimeoutError, StoreUnavailable) as error:
            log.warning("interaction not accepted", interaction_id=interaction.id, reason=type(error).__name__)
            return False
        return True

    async def _simple(self, interaction: discord.Interaction) -> None:
        command = Command(
            name=interaction.command.name if interaction.command else "help",
            conversation=conversation_of(interaction, own=False),
            person=author_of(interaction.user),
            moderator=is_moderator(interaction.user),
        )
        await self._whisper(interaction, await self._reception.command(command))

    async def press(self, interaction: discord.Interaction, op: str, run_id: str) -> None:
        """A button was pressed: acknowledge at once, then act, then tell the person if there is something to tell."""
        await interaction.response.defer()
        note = await self._reception.press(
            Press(op=op, run_id=run_id, person=author_of(interaction.user), moderator=is_moderator(interaction.user))
        )
        if note:
            await interaction.followup.send(note, ephemeral=True)

    async def _whisper(self, interaction: discord.Interaction, text: str) -> None:
        try:
            await interaction.response.send_message(text, ephemeral=True)
        except discord.HTTPException as error:
            log.warning("reply refused", interaction_id=interaction.id, code=error.code)
