"""Serving every workspace that has installed the app: the parts that belong together."""

from collections.abc import Sequence

from adapters.slack.installations import Installed
from adapters.slack.installed_workspaces import InstalledWorkspaces
from adapters.slack.installing import Installing
from adapters.slack.oauth import Application
from adapters.slack.renewal import Renewal
from adapters.slack.settings import SlackConfig
from adapters.slack.watch import Watch
from adapters.slack.web import Web
from bot.errors import OperatorError
from bot.ports import Notes
from bot.relay.contract import Reception, Route


class Many:
    """What the adapter needs beyond one workspace."""

    def __init__(self, web: Web, config: SlackConfig, installed: Installed, notes: Notes, watch: Watch) -> None:
        """Keep in `installed` where the app is.

        Raises:
            OperatorError: the app's credentials are missing.
        """
        if config.oauth is None:
            raise OperatorError("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are missing.")
        self._web = web
        self._config = config
        self._oauth = config.oauth
        self._installed = installed
        self._notes = notes
        self._application = Application(web, config.oauth, config.base_url)
        renewal = Renewal(installed, self._application)
        self.workspaces = InstalledWorkspaces(web, config, installed, renewal, config.oauth.client_id, watch.look)

    def installing(self, reception: Reception) -> Sequence[Route]:
        """The addresses where people install the app."""

        async def done() -> None:
            await self.workspaces.look(now=True)

        parts = (self._oauth, self._application, self._installed, self._notes, reception, done)
        return Installing(self._web, self._config, *parts).routes()
