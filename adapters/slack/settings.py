"""What the Slack adapter is told when it is made."""

from pydantic import SecretStr

from bot.domain.record import Record

SLACK_API = "https://slack.com/api/"


class SlackConfig(Record):
    """Tokens and, for a compatible server, its address."""

    bot_token: SecretStr
    """`xoxb-…`, for everything but opening the socket."""
    app_token: SecretStr
    """`xapp-…` with the scope `connections:write`, for opening the socket only."""
    api_url: str | None = None
    """Base URL of the Web API when it is not Slack's own, e.g. `http://127.0.0.1:8080/api/`."""
    connections: int = 2
    """Sockets that are open at the same time, so that one can be replaced while the other delivers. Slack allows 10."""

    @property
    def base_url(self) -> str:
        """The Web API's address, with its final slash."""
        return (self.api_url or SLACK_API).rstrip("/") + "/"
