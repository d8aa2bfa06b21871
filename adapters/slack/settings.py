"""What the Slack adapter is told when it is made."""

from typing import Literal

from pydantic import Field, SecretStr

from bot.domain.record import Record

SLACK_API = "https://slack.com/api/"
BOT_TOKEN = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a setting
APP_TOKEN = "SLACK_APP_TOKEN"  # noqa: S105
SIGNING_SECRET = "SLACK_SIGNING_SECRET"  # noqa: S105


class Prompt(Record):
    """A question that is suggested in the direct messages with the assistant."""

    title: str
    """What stands on it."""
    message: str
    """What is asked."""


PROMPTS = (
    Prompt(title="What can you do?", message="What can you help me with?"),
    Prompt(title="Draft a message", message="Help me write a message to my team. Ask me what it is about."),
    Prompt(title="Explain something", message="Explain a term or an idea to me. Ask me which one."),
    Prompt(title="Work on a file", message="I want to attach a file. What can you do with it?"),
)
"""As in `manifest.json`."""


Mode = Literal["native", "edit"]
"""As Slack's own stream, or as a message that is edited."""


class OAuthConfig(Record):
    """The app's own credentials, with which many workspaces can install it."""

    client_id: str
    client_secret: SecretStr
    redirect_url: str | None = None
    """Where people come back to from Slack, when it is not the only address that the app's page at Slack names."""

    @property
    def encrypted(self) -> bool:
        """People reach us over https, as far as we know."""
        return not (self.redirect_url or "").startswith("http:")


class SlackConfig(Record):
    """Tokens and, for a compatible server, its address."""

    bot_token: SecretStr | None = None
    """`xoxb-…`, for everything but opening the socket. None with `oauth`: each workspace has its own."""
    oauth: OAuthConfig | None = None
    """Instead of `bot_token`: every workspace that installs the app is served."""
    app_token: SecretStr | None = None
    """`xapp-…` with the scope `connections:write`, for opening sockets only: a process that only writes needs none."""
    signing_secret: SecretStr | None = None
    """Given when Slack sends its deliveries to our web server: then there are no sockets."""
    api_url: str | None = None
    """Base URL of the Web API when it is not Slack's own, e.g. `http://127.0.0.1:8080/api/`."""
    connections: int = 2
    """Sockets that a deployment keeps, so that one can be replaced while the other delivers. Slack allows 10."""
    dm: Mode = "native"
    """How answers are written in direct messages."""
    channels: Mode = "edit"
    """How they are written in channels, where only the person who asked sees a native stream grow."""
    native_pause: float = 24 * 3600.0
    """Seconds for which a workspace that has no streams is not asked again."""
    share_waits: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    """Seconds before each look whether Slack shows files that it has taken."""
    look_waits: tuple[float, ...] = (0.0, 1.0, 2.0)
    """Seconds before each look for files that an earlier process may have attached."""

    prompts: tuple[Prompt, ...] = Field(default=PROMPTS, max_length=4)
    """What is suggested in the direct messages."""

    @property
    def base_url(self) -> str:
        """The Web API's address, with its final slash."""
        return (self.api_url or SLACK_API).rstrip("/") + "/"
