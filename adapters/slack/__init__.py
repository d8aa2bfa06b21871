"""Slack: slack-bolt receives, over Socket Mode or HTTP, slack-sdk writes. `QUIRKS.md` says what is peculiar."""

from adapters.slack.adapter import SlackAdapter
from adapters.slack.installations import Installed
from adapters.slack.installing import BACK
from adapters.slack.settings import OAuthConfig, SlackConfig

__all__ = ["BACK", "Installed", "OAuthConfig", "SlackAdapter", "SlackConfig"]
