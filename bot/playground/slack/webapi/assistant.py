"""`assistant.threads.*`."""

from bot.playground.slack.records import Channel, Status
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, as_list, as_object, as_text

MOST_LOADING_MESSAGES = 10
MOST_PROMPTS = 4
"""Reported."""
_TITLE = 200
"""Characters of a conversation's title (that of `agents.sessions.rename`)."""


def _place(desk: Desk, args: Arguments) -> tuple[Channel, str]:
    channel = desk.joined(desk.channel(args, "channel_id"))
    thread = args.required("thread_ts", "invalid_thread_ts")
    if desk.world.message(channel.id, thread) is None:
        raise Refusal("invalid_thread_ts")
    return channel, thread


def set_status(desk: Desk, args: Arguments) -> JsonObject:
    """`assistant.threads.setStatus`: an empty status clears it."""
    channel, thread = _place(desk, args)
    if "status" not in args:
        raise Refusal("invalid_arguments")
    loading = as_list(args.json("loading_messages"))
    if len(loading) > MOST_LOADING_MESSAGES or not all(isinstance(one, str) for one in loading):
        raise Refusal("invalid_arguments")
    messages = tuple(as_text(one) for one in loading)
    desk.workspace.set_status(Status(channel.id, thread, args.text("status"), messages))
    return {}


def set_title(desk: Desk, args: Arguments) -> JsonObject:
    """`assistant.threads.setTitle`."""
    channel, thread = _place(desk, args)
    if not channel.is_direct:
        raise Refusal("channel_not_found")
    title = args.required("title")
    if len(title) > _TITLE:
        raise Refusal("invalid_arguments")
    desk.world.titles[channel.id, thread] = title
    desk.workspace.redecorate()
    return {}


def set_suggested_prompts(desk: Desk, args: Arguments) -> JsonObject:
    """`assistant.threads.setSuggestedPrompts`, with a thread or for the whole Messages tab."""
    channel = desk.joined(desk.channel(args, "channel_id"))
    if not channel.is_direct:
        raise Refusal("channel_not_found")
    prompts = [as_object(one) for one in as_list(args.json("prompts"))]
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        raise Refusal("invalid_arguments")
    pairs = tuple((as_text(one.get("title")), as_text(one.get("message"))) for one in prompts)
    if not all(title and message for title, message in pairs):
        raise Refusal("invalid_arguments")
    desk.world.prompts[channel.id, args.text("thread_ts")] = pairs
    desk.workspace.redecorate()
    return {}


_THREAD = ("channel_id", "thread_ts")

METHODS = (
    Method(
        "assistant.threads.setStatus",
        set_status,
        (*_THREAD, "status", "loading_messages", "icon_emoji", "icon_url", "username"),
        ("chat:write", "assistant:write"),
        "special",
        writes=True,
    ),
    Method("assistant.threads.setTitle", set_title, (*_THREAD, "title"), ("assistant:write",), "tier4", writes=True),
    Method(
        "assistant.threads.setSuggestedPrompts",
        set_suggested_prompts,
        (*_THREAD, "title", "prompts"),
        ("assistant:write",),
        "tier4",
        writes=True,
    ),
)
