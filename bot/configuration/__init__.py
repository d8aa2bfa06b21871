"""What the operator wants in which channel: reading `assistants.toml`, resolving it, explaining it."""

from bot.configuration.explaining import Told, explain, which_channel
from bot.configuration.mistakes import Around
from bot.configuration.reading import Reading, read
from bot.configuration.rules import Rules
from bot.configuration.staff import GENERAL_INSTRUCTIONS, staff

__all__ = ["GENERAL_INSTRUCTIONS", "Around", "Reading", "Rules", "Told", "explain", "read", "staff", "which_channel"]
