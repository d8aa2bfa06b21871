"""Discord through its gateway and REST API, over discord.py."""

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.settings import DiscordConfig

__all__ = ["DiscordAdapter", "DiscordConfig"]
