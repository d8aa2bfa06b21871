"""What the Discord adapter is given."""

from pydantic import SecretStr

from bot.domain.record import Record


class DiscordConfig(Record):
    """One Discord application."""

    token: SecretStr
    api_url: str | None = None
    """Another REST API than discord.com; ends in `/api/v10`."""
    gateway_url: str | None = None
    """Another gateway."""
    guild_id: int | None = None
    """Register commands in this server only, where they appear at once."""
    message_content: bool = True
    """Ask for the privileged message-content intent. Refused by Discord, the adapter goes on without it."""
    user_installs: bool = False
    """Offer commands to people who have installed the application for themselves, wherever they are."""
    restart_pause: float = 5.0
    """Seconds before a client that ended with an error is made anew, doubled each time that happens again soon."""
    identify_interval: float = 5.25
    """Seconds between two IDENTIFYs of one bucket; Discord wants five."""
    store_patience: float = 30.0
    """Seconds for which a message waits for a database that is away; then its author is told to write again."""
    request_patience: float = 60.0
    """Seconds after which nobody waits any more for the answer to a message or an edit."""
