"""Models: two wires and a provider without a language model behind one interface."""

from bot.models.config import ModelConfig, RetryPolicy
from bot.models.connect import connect

__all__ = ["ModelConfig", "RetryPolicy", "connect"]
