"""Registering the commands, when Discord would get something else than the last time."""

import hashlib
import json

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.errors import StoreUnavailable
from bot.ports import Notes

log = structlog.get_logger()

_REMEDIES = {
    400: "Discord refuses a description. If it is about integration_types, switch on User Install under Installation, "
    "or set DISCORD_USER_INSTALLS=false.",
    403: "Invite the bot again with the scope applications.commands, to the server DISCORD_GUILD_ID if that is set.",
    404: "Check DISCORD_GUILD_ID: the bot is not in a server with that id.",
    429: "Discord allows 200 new commands a day. They are registered at the next connection after that.",
}
_OTHERWISE = "It is tried again at the next connection; until then people see the commands as they were."


async def register(tree: app_commands.CommandTree, notes: Notes, guild_id: int | None) -> bool:
    """Register the commands if they have changed: in one server, where they appear at once, or everywhere.

    A failure is logged with what to do about it. Returns whether it was necessary, and done.
    """
    try:
        return await _synced(tree, notes, guild_id)
    except (discord.DiscordException, aiohttp.ClientError, OSError, StoreUnavailable) as error:
        status = error.status if isinstance(error, discord.HTTPException) else 0
        log.warning(
            "discord commands not registered",
            error=str(error) or type(error).__name__,
            target=_target(guild_id),
            todo=_REMEDIES.get(status, _OTHERWISE),
        )
        return False


async def _synced(tree: app_commands.CommandTree, notes: Notes, guild_id: int | None) -> bool:
    guild = discord.Object(guild_id) if guild_id else None
    if guild:
        tree.copy_global_to(guild=guild)
    described = [command.to_dict(tree) for command in tree.get_commands(guild=guild)]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    name = f"discord commands {tree.client.application_id} {_target(guild_id)}"
    if await notes.read(name) == digest:
        return False
    await tree.sync(guild=guild)
    await notes.write(name, digest)
    return True


def _target(guild_id: int | None) -> str:
    return str(guild_id or "everywhere")
