"""Rules of a deployment without an `assistants.toml`."""

from dataclasses import dataclass, field

from bot.domain.assistants import Assistant
from bot.domain.channels import ChannelPolicy


@dataclass(frozen=True, slots=True)
class SameEverywhere:
    """Implements `bot.ports.ChannelRules`: one assistant answers everywhere, by one policy."""

    only: Assistant
    everywhere: ChannelPolicy = field(default_factory=ChannelPolicy)

    def policy(self, channel: str) -> ChannelPolicy:
        """The same for all."""
        del channel
        return self.everywhere

    def assistants(self, channel: str) -> tuple[str, ...]:
        """There is one."""
        del channel
        return (self.only.name or "",)

    def assistant(self, channel: str, wanted: str = "") -> Assistant:
        """There is one."""
        del channel, wanted
        return self.only
