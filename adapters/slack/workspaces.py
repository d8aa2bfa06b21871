"""Where the app is installed: one workspace, or an organisation that shares one installation."""

from pydantic import SecretStr

from adapters.slack.api import SlackApi
from adapters.slack.outbound import Writer
from adapters.slack.settings import SlackConfig
from adapters.slack.users import Users
from adapters.slack.web import Web


class Workspace:
    """One installation: what its bot token opens, who its people are, and what is written there."""

    def __init__(self, web: Web, token: SecretStr, config: SlackConfig) -> None:
        self.prompts = config.prompts
        self.api = SlackApi(web, token)
        self.users = Users(self.api)
        self.writer = Writer(self.api, config)


class Workspaces:
    """All installations that this process serves."""

    def __init__(self, web: Web, config: SlackConfig) -> None:
        """With a bot token in `config` it is the only one."""
        self.only = Workspace(web, config.bot_token, config)

    async def of(self, team: str) -> Workspace:
        """The installation behind an address (`Place.team`), whichever team or enterprise the one token belongs to."""
        del team
        return self.only
