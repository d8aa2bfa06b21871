"""Everything about chat that is the same on every platform: messages become runs, runs become answers."""

from bot.relay.policy import RelayPolicy
from bot.relay.relay import Relay

__all__ = ["Relay", "RelayPolicy"]
