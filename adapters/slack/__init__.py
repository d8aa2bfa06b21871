"""Slack, over Socket Mode: slack-bolt receives, slack-sdk writes. `QUIRKS.md` says what is peculiar."""

from adapters.slack.adapter import SlackAdapter
from adapters.slack.settings import SlackConfig

__all__ = ["SlackAdapter", "SlackConfig"]
