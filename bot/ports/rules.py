"""What the operator wants in which channel."""

from typing import Protocol

from bot.domain.assistants import Assistant
from bot.domain.channels import ChannelPolicy


class ChannelRules(Protocol):
    """What is in force in each channel. Channels are named as in `Event.ruled_by`; nothing here waits."""

    def policy(self, channel: str) -> ChannelPolicy:
        """When and how messages are answered there."""
        ...

    def assistants(self, channel: str) -> tuple[str, ...]:
        """Names of the assistants that people may choose there, the usual one first."""
        ...

    def assistant(self, channel: str, wanted: str = "") -> Assistant:
        """Who answers there: the one that is wanted, if it may be chosen there, and otherwise the usual one.

        Its instructions and tools are those of this channel: what is accepted with them holds for the whole run.
        """
        ...
