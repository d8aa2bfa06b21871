"""The door for tools: a tool file imports `tool`, `ToolContext` and `ToolError` from here, nothing else."""

from bot.errors import ToolError
from bot.toolbox.context import ToolContext
from bot.toolbox.declaration import tool

__all__ = ["ToolContext", "ToolError", "tool"]
