"""The provider without a language model."""

from bot.models.offline.model import OFFLINE_MODEL, OfflineModel

__all__ = ["OFFLINE_MODEL", "OfflineModel"]
