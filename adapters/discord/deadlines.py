"""Discord's three seconds: the first answer to an interaction, given once, and how long there is until then."""

from collections.abc import Awaitable

import aiohttp
import discord
import structlog
from discord import ui

log = structlog.get_logger()

ACCEPT_WITHIN = 2.0
"""Seconds after an interaction within which a question is accepted, or not at all. Discord wants its first answer in
three (Interactions, "Receiving and Responding"); the rest is for the way."""
_LEAST = 0.3
"""Seconds for a commit even if the interaction was long on its way."""
_DEADLINE = 3.0
ACKNOWLEDGED_ALREADY = 40060
FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)


def time_left(interaction: discord.Interaction) -> float:
    """Seconds left for accepting what it brings.

    An interaction's id says when it was made, by Discord's clock. Where our own clock disagrees so much that Discord
    would not take an answer any more, it says nothing, and time is counted from now.
    """
    age = (discord.utils.utcnow() - interaction.created_at).total_seconds()
    return max(ACCEPT_WITHIN - age, _LEAST) if 0 <= age < _DEADLINE else ACCEPT_WITHIN


class FirstAnswer:
    """The first answer to one interaction. What goes wrong with it is logged: there is nobody else to be told."""

    def __init__(self, interaction: discord.Interaction) -> None:
        """Nothing is answered yet."""
        self._interaction = interaction
        self.given = False
        """Discord has a first answer."""
        self.somebody_elses = False
        """It is not ours: another process has the same session, and was faster."""

    async def defer(self, *, thinking: bool, ephemeral: bool = False) -> None:
        """Acknowledge. `thinking` shows that an answer is being made; otherwise a button just stops turning."""
        await self._give(self._interaction.response.defer(thinking=thinking, ephemeral=ephemeral))

    async def open(self, form: ui.Modal) -> None:
        """Open a form for the person, which is an acknowledgement as well."""
        await self._give(self._interaction.response.send_modal(form))

    async def say(self, text: str) -> None:
        """Tell the person alone; in the place of "is thinking…" when that stands there already."""
        if not self.given:
            await self._give(self._interaction.response.send_message(text, ephemeral=True))
            return
        try:
            await self._interaction.edit_original_response(content=text)
        except FAILURES as error:
            self._log("reply refused", error)

    async def note(self, text: str) -> None:
        """Tell the person alone, beside what was answered first."""
        try:
            await self._interaction.followup.send(text, ephemeral=True)
        except FAILURES as error:
            self._log("note refused", error)

    async def _give(self, request: Awaitable[object]) -> None:
        try:
            await request
        except FAILURES as error:
            if isinstance(error, discord.HTTPException) and error.code == ACKNOWLEDGED_ALREADY:
                self.given = self.somebody_elses = True
            else:
                self.given = await self._arrived()
            self._log("acknowledgement refused", error)
        else:
            self.given = True

    async def _arrived(self) -> bool:
        """Whether it took effect all the same.

        "Unknown interaction" is said of some that did (discord-api-docs#5558), and a connection may break after it.
        """
        try:
            await self._interaction.original_response()
        except (*FAILURES, discord.ClientException):
            return False
        return True

    def _log(self, what: str, error: Exception) -> None:
        log.warning(what, interaction_id=self._interaction.id, error=type(error).__name__, arrived=self.given)
