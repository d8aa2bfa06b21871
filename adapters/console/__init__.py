"""A terminal as a chat platform, and the template for new adapters."""

from adapters.console.adapter import ConsoleAdapter
from adapters.console.settings import ConsoleConfig

__all__ = ["ConsoleAdapter", "ConsoleConfig"]
