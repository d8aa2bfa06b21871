"""The store: assistants, threads, messages, runs and lanes in SQLite or PostgreSQL; the only room that speaks SQL."""

from bot.store.inspection import Condition, Registers, channels_used, condition, registers
from bot.store.opening import migrate, open_store

__all__ = ["Condition", "Registers", "channels_used", "condition", "migrate", "open_store", "registers"]
