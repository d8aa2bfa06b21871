"""A stand-in Discord server: enough of Discord's HTTP API and gateway for the unmodified discord.py."""

from bot.playground.discord.calls import Call
from bot.playground.discord.faults import FaultKind
from bot.playground.discord.rules import DiscordRules, Rate
from bot.playground.discord.scene import Ping, Preview
from bot.playground.discord.standin import DiscordStandIn

__all__ = ["Call", "DiscordRules", "DiscordStandIn", "FaultKind", "Ping", "Preview", "Rate"]
