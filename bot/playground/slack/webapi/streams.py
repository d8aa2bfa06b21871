"""`chat.startStream`, `chat.appendStream`, `chat.stopStream`."""

import time
from dataclasses import replace
from typing import get_args

from bot.playground.slack.records import Channel, Message, SessionStatus, Streaming
from bot.playground.slack.streams import shown
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.chat import metadata_of
from bot.playground.slack.webapi.chunks import Addition, added, read_addition
from bot.playground.slack.webapi.content import read_blocks
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject

_DISPLAY_MODES = ("", "timeline", "plan")


def start_stream(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.startStream`: a reply in a thread that grows before the eyes of one person."""
    _open_for_business(desk)
    channel = desk.joined(desk.channel(args))
    args.required("thread_ts")
    thread = desk.thread(channel, args)
    recipient = _recipient(desk, channel, args)
    if args.text("task_display_mode") not in _DISPLAY_MODES:
        raise Refusal("invalid_arguments")
    now = time.monotonic()
    streaming = added(desk, Streaming(recipient, now, now), read_addition(desk, args))
    streaming = replace(streaming, first=streaming.text)
    message = Message(desk.world.next_ts(), channel.id, desk.world.team.bot_user, "", thread_ts=thread, from_bot=True)
    desk.streams.begin(shown(replace(message, streaming=streaming)))
    return {"channel": channel.id, "ts": message.ts}


def _recipient(desk: Desk, channel: Channel, args: Arguments) -> str:
    user, team = args.text("recipient_user_id"), args.text("recipient_team_id")
    if channel.person is not None and not (user and team):
        desk.journal.faults_seen.append("chat.startStream in direct messages without its recipient")
        return channel.person
    if not user:
        raise Refusal("missing_recipient_user_id")
    if not team:
        raise Refusal("missing_recipient_team_id")
    if user not in channel.members or team != desk.world.team.id:
        raise Refusal("user_not_in_channel")
    return user


def append_stream(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.appendStream`: more of a message."""
    _open_for_business(desk)
    message = _streamed(desk, args)
    addition = read_addition(desk, args)
    if not addition.chunks:
        raise Refusal("invalid_arguments")
    _grow(desk, message, addition)
    return {"channel": message.channel, "ts": message.ts}


def stop_stream(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.stopStream`: the last of a message, and what stands below it. People are notified now."""
    _open_for_business(desk)
    message = _streamed(desk, args)
    addition, blocks = read_addition(desk, args), read_blocks(desk, args)
    if "markdown_text" in args and blocks and not desk.rules.streams.text_with_blocks:
        raise Refusal("markdown_text_conflict")
    status = args.text("session_status")
    if status and status not in get_args(SessionStatus):
        raise Refusal("invalid_arguments")
    if len(blocks) > desk.rules.blocks:
        raise Refusal("invalid_blocks")
    message = replace(_grow(desk, message, addition), metadata=metadata_of(args))
    if message.streaming is not None:
        below = replace(message.streaming, blocks=(*message.streaming.blocks, *blocks))
        message = shown(replace(message, streaming=below))
    desk.streams.end(message, "stopped")
    for named in get_args(SessionStatus):
        if named == status:
            desk.streams.set_session(message.channel, message.root, named)
    return {"channel": message.channel, "ts": message.ts}


def _open_for_business(desk: Desk) -> None:
    if desk.rules.streams.refusal:
        raise Refusal(desk.rules.streams.refusal)


def _streamed(desk: Desk, args: Arguments) -> Message:
    message = desk.message(desk.channel(args), args.required("ts", "message_not_found"))
    problem = desk.streams.end_of(message)
    if problem:
        raise Refusal(problem)
    return message


def _grow(desk: Desk, message: Message, addition: Addition) -> Message:
    if message.streaming is None or not addition.chunks:
        return message
    return desk.streams.grow(message, added(desk, message.streaming, addition))


_CONTENT = ("channel", "markdown_text", "chunks")
_LOOKS = ("icon_emoji", "icon_url", "username")

METHODS = (
    Method(
        "chat.startStream",
        start_stream,
        (*_CONTENT, "thread_ts", "recipient_user_id", "recipient_team_id", "task_display_mode", *_LOOKS),
        ("chat:write",),
        "tier2",
        writes=True,
    ),
    Method("chat.appendStream", append_stream, (*_CONTENT, "ts"), ("chat:write",), "tier4", writes=True),
    Method(
        "chat.stopStream",
        stop_stream,
        (*_CONTENT, "ts", "blocks", "metadata", "session_status"),
        ("chat:write",),
        "tier2",
        writes=True,
    ),
)
