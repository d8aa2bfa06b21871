"""What the gateway's side says by itself to somebody who wrote a message. Best effort."""

import aiohttp
import discord
import structlog

log = structlog.get_logger()

_NOT_TAKEN = "I could not take that down just now. Please try again in a moment."


async def not_taken(message: discord.Message, *, told: bool) -> None:
    """Say that a message was not taken; a mark where we may not be meant, or where we cannot speak."""
    if not (told and await say(message, _NOT_TAKEN)):
        await mark(message, "⚠️")


async def say(message: discord.Message, text: str) -> bool:
    """Reply to a message. Returns whether it worked. Discord has nothing private for who did not use a command."""
    try:
        await message.reply(text)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("reply refused", error=str(error) or type(error).__name__)
        return False
    return True


async def mark(message: discord.Message, emoji: str) -> None:
    """React to a message."""
    try:
        await message.add_reaction(emoji)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.info("reaction refused", error=str(error) or type(error).__name__)
