"""Models: two wires and a provider without a language model behind one interface."""

from bot.models.config import ModelConfig, RetryPolicy
from bot.models.connect import connect
from bot.models.offline import OFFLINE_MODEL
from bot.models.profiles import DEFAULT_MODEL

__all__ = ["DEFAULT_MODEL", "OFFLINE_MODEL", "ModelConfig", "RetryPolicy", "connect"]
