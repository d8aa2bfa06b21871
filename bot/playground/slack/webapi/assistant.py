"""`assistant.threads.*` and `views.open`."""

from bot.playground.slack.records import Channel, Status
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_text
from bot.playground.slack.world import APP_ID, BOT_ID, TEAM_ID

MOST_LOADING_MESSAGES = 10
MOST_PROMPTS = 4
"""Reported."""
_MODAL_TITLE = 24


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
    desk.world.titles[channel.id, thread] = args.required("title")
    return {}


def set_suggested_prompts(desk: Desk, args: Arguments) -> JsonObject:
    """`assistant.threads.setSuggestedPrompts`, with a thread or for the whole Messages tab."""
    channel = desk.joined(desk.channel(args, "channel_id"))
    prompts = [as_object(one) for one in as_list(args.json("prompts"))]
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        raise Refusal("invalid_arguments")
    pairs = tuple((as_text(one.get("title")), as_text(one.get("message"))) for one in prompts)
    if not all(title and message for title, message in pairs):
        raise Refusal("invalid_arguments")
    desk.world.prompts[channel.id, args.text("thread_ts")] = pairs
    return {}


def open_view(desk: Desk, args: Arguments) -> JsonObject:
    """`views.open`: the view is checked and noted; nobody can fill it in yet."""
    problem = desk.interactions.use_trigger(args.required("trigger_id", "invalid_trigger_id"))
    if problem is not None:
        raise Refusal(problem)
    view = as_object(args.json("view"))
    title = as_text(as_object(view.get("title")).get("text"))
    if view.get("type") != "modal" or not title or len(title) > _MODAL_TITLE or not as_list(view.get("blocks")):
        raise Refusal("invalid_arguments")
    state: JsonValue = {"values": {}}
    more: JsonObject = {"id": desk.world.new_id("V"), "team_id": TEAM_ID, "app_id": APP_ID, "bot_id": BOT_ID}
    opened: JsonObject = {**view, **more, "hash": desk.world.token(10), "state": state}
    desk.views.append(opened)
    shown: JsonValue = opened
    return {"view": shown}


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
    Method("views.open", open_view, ("trigger_id", "interactivity_pointer", "view"), tier="tier4", writes=True),
)
