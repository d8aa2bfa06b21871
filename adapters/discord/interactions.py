"""Slash commands and buttons under Discord's deadlines: committed first, then acknowledged, within three seconds."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord.buttons import Pressed
from adapters.discord.handlers import Handlers
from adapters.discord.inbound import channel_of, from_ask, in_plain_channel, is_moderator
from adapters.discord.keys import scope_of
from adapters.discord.material import author_of
from bot.errors import StoreUnavailable
from bot.ports import Notes
from bot.relay.contract import COMMANDS, Command, CommandName, Press, Reception

log = structlog.get_logger()

ACKNOWLEDGE_WITHIN = 2.2
"""Seconds after which an interaction is acknowledged although its outcome is not known yet. Discord wants that within
three (Interactions, "Receiving and Responding"); the rest is for the way. By our own clock: Discord's may differ."""

_FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError)
T = TypeVar("T")

_NOT_ACCEPTED = "That did not get through, nothing was stored. Please try again."
_NOT_DONE = "That could not be done just now. Please try again."


class Interactions:
    """The command tree and the presses of one client."""

    def __init__(self, client: discord.Client, reception: Reception, handlers: Handlers) -> None:
        """Register handlers on the client."""
        self.tree = app_commands.CommandTree(client)
        self._reception = reception
        self._handlers = handlers
        self._add_ask()
        for name, description in COMMANDS.items():
            self._add_simple(name, description)

    def _add_ask(self) -> None:
        @self.tree.command(name="ask", description="Ask the assistant")
        @app_commands.describe(question="What you want to know", file="A file to read")
        async def ask(  # pyright: ignore[reportUnusedFunction] - the decorator registers it
            interaction: discord.Interaction, question: str, file: discord.Attachment | None = None
        ) -> None:
            with self._handlers.one():
                await self._ask(interaction, question, file)

    def _add_simple(self, name: CommandName, description: str) -> None:
        @self.tree.command(name=name, description=description)
        async def command(interaction: discord.Interaction) -> None:  # pyright: ignore[reportUnusedFunction]
            with self._handlers.one():
                await self._simple(interaction, name)

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
        async with _begun(self._reception.receive(from_ask(interaction, question, file))) as storing:
            late = await _takes_long(storing)
            if late:
                await self._defer(interaction, ephemeral=False)
            try:
                await storing
            except StoreUnavailable as error:
                log.warning("interaction not accepted", interaction_id=interaction.id, reason=type(error).__name__)
                await self._say(interaction, _NOT_ACCEPTED)
                return
        if not late:
            await self._defer(interaction, ephemeral=False)

    async def _simple(self, interaction: discord.Interaction, name: CommandName) -> None:
        async with _begun(self._carried_out(interaction, name)) as work:
            if await _takes_long(work):
                await self._defer(interaction, ephemeral=True)
            try:
                note = await work
            except StoreUnavailable as error:
                log.warning("command not carried out", interaction_id=interaction.id, reason=type(error).__name__)
                note = _NOT_DONE
        await self._say(interaction, note)

    async def _carried_out(self, interaction: discord.Interaction, name: CommandName) -> str:
        last = await self._last(interaction)
        command = Command(
            name=name,
            conversation=last or channel_of(interaction),
            elsewhere=last is not None,
            person=author_of(interaction.user),
            moderator=is_moderator(interaction.user),
            scope=scope_of(interaction.guild_id, interaction.channel_id),
        )
        return await self._reception.command(command)

    async def _last(self, interaction: discord.Interaction) -> str | None:
        """The conversation of a command in a plain channel, which has none itself: where the person last spoke."""
        if not in_plain_channel(interaction):
            return None
        return await self._reception.last_conversation(channel_of(interaction), author_of(interaction.user))

    async def press(self, interaction: discord.Interaction, pressed: Pressed) -> None:
        """A button was pressed: acknowledge at once, then act, then tell the person if there is something to tell."""
        person, moderator = author_of(interaction.user), is_moderator(interaction.user)
        try:
            await interaction.response.defer()
        except _FAILURES as error:  # the person sees that it failed, but they did press
            log.warning("acknowledgement refused", interaction_id=interaction.id, error=type(error).__name__)
        scope = scope_of(interaction.guild_id, interaction.channel_id)
        press = Press(
            op=pressed.op, run_id=pressed.run_id, call=pressed.call, person=person, moderator=moderator, scope=scope
        )
        try:
            note = await self._reception.press(press)
        except StoreUnavailable as error:
            log.warning("press not carried out", interaction_id=interaction.id, reason=type(error).__name__)
            note = _NOT_DONE
        if note:
            await self._tell(interaction, note)

    async def _tell(self, interaction: discord.Interaction, note: str) -> None:
        try:
            await interaction.followup.send(note, ephemeral=True)
        except _FAILURES as error:
            log.warning("note refused", interaction_id=interaction.id, error=type(error).__name__)

    async def _defer(self, interaction: discord.Interaction, *, ephemeral: bool) -> None:
        try:
            await interaction.response.defer(thinking=True, ephemeral=ephemeral)
        except _FAILURES as error:
            # It may have arrived all the same; if not, the answer goes to the channel.
            log.warning("acknowledgement refused", interaction_id=interaction.id, error=type(error).__name__)

    async def _say(self, interaction: discord.Interaction, text: str) -> None:
        """To the person alone; in the place of "is thinking…" when that stands there already."""
        try:
            if interaction.response.is_done():
                await interaction.edit_original_response(content=text)
            else:
                await interaction.response.send_message(text, ephemeral=True)
        except _FAILURES as error:
            log.warning("reply refused", interaction_id=interaction.id, error=type(error).__name__)


@asynccontextmanager
async def _begun(work: Coroutine[object, object, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """Work that a deadline does not end: a store that is told to stop may have committed already."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _takes_long(work: asyncio.Task[T]) -> bool:
    """Whether it is not done when the interaction has to be acknowledged."""
    _, pending = await asyncio.wait({work}, timeout=ACKNOWLEDGE_WITHIN)
    return bool(pending)
