"""`reactions.*`."""

import re

from bot.playground.slack.payloads import message_json
from bot.playground.slack.records import Message
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject

_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def _message(desk: Desk, args: Arguments) -> Message:
    if "channel" not in args or "timestamp" not in args:
        raise Refusal("no_item_specified")
    return desk.message(desk.joined(desk.channel(args)), args.required("timestamp"))


def _name(args: Arguments) -> str:
    name = args.required("name", "invalid_name")
    if not _NAME.fullmatch(name):
        raise Refusal("invalid_name")
    return name


def add(desk: Desk, args: Arguments) -> JsonObject:
    """`reactions.add`."""
    name = _name(args)
    if not desk.workspace.react(_message(desk, args), name, desk.world.team.bot_user):
        raise Refusal("already_reacted")
    return {}


def remove(desk: Desk, args: Arguments) -> JsonObject:
    """`reactions.remove`."""
    name = _name(args)
    if not desk.workspace.unreact(_message(desk, args), name, desk.world.team.bot_user):
        raise Refusal("no_reaction")
    return {}


def get(desk: Desk, args: Arguments) -> JsonObject:
    """`reactions.get`."""
    message = _message(desk, args)
    return {"type": "message", "channel": message.channel, "message": message_json(desk.world, message)}


_ITEM = ("channel", "timestamp")

METHODS = (
    Method("reactions.add", add, ("name", *_ITEM), ("reactions:write",), writes=True),
    Method("reactions.remove", remove, ("name", *_ITEM), ("reactions:write",), "tier2", writes=True),
    Method("reactions.get", get, (*_ITEM, "full"), ("reactions:read",)),
)
