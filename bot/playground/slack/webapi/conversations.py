"""`conversations.*`: channels, who is in them, what was said."""

from collections.abc import Iterable, Sequence

from bot.playground.slack.payloads import channel_json, message_json
from bot.playground.slack.records import Channel, Message
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.webapi.paging import page
from bot.playground.slack.wire import JsonObject, JsonValue

_HISTORY = ("channel", "cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest")
_MOST = 999


def _order(ts: str, name: str) -> tuple[int, int]:
    """A `ts` compares as two integers."""
    seconds, _, micro = ts.partition(".")
    try:
        return int(seconds), int(micro or 0)
    except ValueError:
        raise Refusal(f"invalid_ts_{name}") from None


def _between(messages: Sequence[Message], args: Arguments) -> list[Message]:
    oldest, latest, inclusive = args.text("oldest"), args.text("latest"), args.flag("inclusive")
    kept = list(messages)
    if oldest:
        edge = _order(oldest, "oldest")
        kept = [one for one in kept if _order(one.ts, "") > edge or (inclusive and _order(one.ts, "") == edge)]
    if latest:
        edge = _order(latest, "latest")
        kept = [one for one in kept if _order(one.ts, "") < edge or (inclusive and _order(one.ts, "") == edge)]
    return kept


def _messages(desk: Desk, messages: Sequence[Message], args: Arguments, limit: int) -> JsonObject:
    shown, more = page(messages, args, limit, min(_MOST, desk.rules.history_objects))
    metadata = args.flag("include_all_metadata")
    listed: list[JsonValue] = [message_json(desk.world, one, metadata=metadata) for one in shown]
    return {"messages": listed, "has_more": bool(more), "response_metadata": {"next_cursor": more}}


def history(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.history`: newest first, without replies."""
    channel = desk.channel(args)
    desk.read_scope(channel, "history")
    desk.joined(channel)
    top = [one for one in desk.world.lasting(channel.id) if one.thread_ts is None or one.broadcast]
    return _messages(desk, list(reversed(_between(top, args))), args, 100) | {"pin_count": 0}


def replies(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.replies`: the root, then its replies, oldest first."""
    channel = desk.channel(args)
    desk.read_scope(channel, "history")
    desk.joined(channel)
    message = desk.world.message(channel.id, args.required("ts"))
    if message is None or message.only_for is not None:
        raise Refusal("thread_not_found")
    root = desk.message(channel, message.root)
    thread = [root, *_between(desk.world.replies(channel.id, root.ts), args)]
    return _messages(desk, thread, args, _MOST)


def info(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.info`."""
    channel = desk.channel(args)
    desk.read_scope(channel, "read")
    return {"channel": channel_json(desk.world, channel)}


def _listed(desk: Desk, args: Arguments, channels: Iterable[Channel]) -> JsonObject:
    if desk.grant is not None and desk.grant.organisation and not args.text("team_id"):
        raise Refusal("missing_argument")
    types = args.words("types") or ("public_channel",)
    for kind in types:
        if kind not in _TYPE_SCOPES:
            raise Refusal("invalid_types")
        desk.need_scope(_TYPE_SCOPES[kind])
    wanted = [one for one in channels if ("im" if one.is_direct else "public_channel") in types]
    shown, more = page(wanted, args, 100, _MOST)
    listed: list[JsonValue] = [channel_json(desk.world, channel) for channel in shown]
    return {"channels": listed, "response_metadata": {"next_cursor": more}}


def listing(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.list`: everything that there is."""
    return _listed(desk, args, desk.world.channels.values())


def memberships(desk: Desk, args: Arguments) -> JsonObject:
    """`users.conversations`: only where the bot, or the named member, is in."""
    user = args.text("user") or desk.world.team.bot_user
    return _listed(desk, args, [one for one in desk.world.channels.values() if user in one.members])


def members(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.members`."""
    channel = desk.channel(args)
    desk.read_scope(channel, "read")
    shown, more = page(channel.members, args, 100, _MOST)
    listed: list[JsonValue] = list(shown)
    return {"members": listed, "response_metadata": {"next_cursor": more}}


def open_direct(desk: Desk, args: Arguments) -> JsonObject:
    """`conversations.open`: only the direct messages of one person exist here."""
    users = args.words("users")
    if args.text("channel"):
        channel = desk.channel(args)
    elif len(users) != 1:
        raise Refusal("too_many_users" if users else "users_list_not_supplied")
    elif users[0] not in desk.world.members or users[0] == desk.world.team.bot_user:
        raise Refusal("user_not_found")
    else:
        channel = next(one for one in desk.world.channels.values() if one.person == users[0])
    whole: JsonValue = channel_json(desk.world, channel) if args.flag("return_im") else {"id": channel.id}
    return {"channel": whole, "already_open": True, "no_op": True}


_TYPE_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}

METHODS = (
    Method("conversations.history", history, _HISTORY),
    Method("conversations.replies", replies, ("ts", *_HISTORY)),
    Method("conversations.info", info, ("channel", "include_locale", "include_num_members")),
    Method("conversations.list", listing, ("types", "cursor", "limit", "exclude_archived", "team_id"), tier="tier2"),
    Method("conversations.members", members, ("channel", "cursor", "limit"), tier="tier4"),
    Method("conversations.open", open_direct, ("channel", "users", "return_im", "prevent_creation"), ("im:write",)),
    Method("users.conversations", memberships, ("types", "cursor", "limit", "exclude_archived", "team_id", "user")),
)
