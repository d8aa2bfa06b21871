"""A stand-in Slack server that the unmodified Slack SDK can talk to."""

from bot.playground.slack.faults import FaultKind, Faults
from bot.playground.slack.journal import Call, Notice, Ping, Sent, Unfurl
from bot.playground.slack.records import Message, SharedFile
from bot.playground.slack.request_url import Delivered, RequestUrl, Tampering
from bot.playground.slack.rules import BOT_SCOPES, EVENTS, SlackRules, StreamRules, Tier
from bot.playground.slack.stand_in import SlackStandIn

__all__ = [
    "BOT_SCOPES",
    "EVENTS",
    "Call",
    "Delivered",
    "FaultKind",
    "Faults",
    "Message",
    "Notice",
    "Ping",
    "RequestUrl",
    "Sent",
    "SharedFile",
    "SlackRules",
    "SlackStandIn",
    "StreamRules",
    "Tampering",
    "Tier",
    "Unfurl",
]
