"""The store: assistants, threads, messages, runs and lanes in SQLite or PostgreSQL; the only room that speaks SQL."""

from bot.store.inspection import Condition, channels_used, condition
from bot.store.opening import migrate, open_store

__all__ = ["Condition", "channels_used", "condition", "migrate", "open_store"]
