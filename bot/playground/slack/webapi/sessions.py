"""`agents.sessions.*`."""

from typing import get_args

from bot.playground.slack.records import Channel, SessionStatus
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject

_TITLE = 200
"""Characters (documented)."""


def _place(desk: Desk, args: Arguments) -> tuple[Channel, str]:
    if desk.rules.streams.session_refusal:
        raise Refusal(desk.rules.streams.session_refusal)
    channel = desk.joined(desk.channel(args, "channel_id"))
    thread = args.text("thread_ts")
    root = desk.world.message(channel.id, thread) if thread else None
    if thread and (root is None or root.thread_ts is not None):
        raise Refusal("invalid_thread_ts")
    return channel, thread


def set_status(desk: Desk, args: Arguments) -> JsonObject:
    """`agents.sessions.setStatus`: what a session is about to do; makes it when there is none."""
    channel, thread = _place(desk, args)
    status = args.required("status")
    title = args.text("title")
    if status not in get_args(SessionStatus) or len(title) > _TITLE:
        raise Refusal("invalid_arguments")
    for named in get_args(SessionStatus):
        if named == status:
            desk.streams.set_session(channel.id, thread, named, title)
    return {}


def rename(desk: Desk, args: Arguments) -> JsonObject:
    """`agents.sessions.rename`."""
    channel, thread = _place(desk, args)
    title = args.required("title")
    if len(title) > _TITLE:
        raise Refusal("invalid_arguments")
    session = desk.world.sessions.get((channel.id, thread))
    if session is None:
        raise Refusal("session_not_found")
    desk.streams.set_session(channel.id, thread, session.status, title)
    return {}


_THREAD = ("channel_id", "thread_ts")

METHODS = (
    Method(
        "agents.sessions.setStatus",
        set_status,
        (*_THREAD, "status", "title", "initiator_user_id", "icon_emoji", "icon_url", "username"),
        ("chat:write", "assistant:write"),
        "tier3",
        writes=True,
    ),
    Method(
        "agents.sessions.rename", rename, (*_THREAD, "title"), ("chat:write", "assistant:write"), "tier3", writes=True
    ),
)
