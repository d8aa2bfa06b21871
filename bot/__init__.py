"""Parley: one AI assistant in a team's Slack and Discord."""

VERSION = "0.1.0"
