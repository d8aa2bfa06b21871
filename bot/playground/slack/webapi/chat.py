"""`chat.*`: posting, editing, deleting."""

from dataclasses import replace

from bot.playground.slack.payloads import message_json, permalink
from bot.playground.slack.records import Channel, Message
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.content import Content, read_content
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, JsonValue

_CONTENT = ("text", "blocks", "attachments", "markdown_text", "parse", "link_names", "mrkdwn", "as_user")


def metadata_of(args: Arguments) -> JsonObject | None:
    """What a message carries for the application, if anything."""
    metadata = args.json("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if (
        not isinstance(metadata, dict)
        or not isinstance(metadata.get("event_type"), str)
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        raise Refusal("invalid_metadata_format")
    return metadata


def _compose(desk: Desk, channel: Channel, args: Arguments, content: Content) -> Message:
    return Message(
        ts=desk.world.next_ts(),
        channel=channel.id,
        user=desk.world.team.bot_user,
        text=content.text[: desk.rules.text_cut],
        blocks=content.blocks,
        thread_ts=desk.thread(channel, args),
        broadcast=args.flag("reply_broadcast"),
        subtype="thread_broadcast" if args.flag("reply_broadcast") else None,
        metadata=metadata_of(args),
        client_msg_id=args.text("client_msg_id") or None,
        from_bot=True,
    )


def _names(args: Arguments) -> bool:
    return args.flag("link_names") or args.text("parse") == "full"


def _posted_before(desk: Desk, message: Message) -> bool:
    known = {one.client_msg_id for one in desk.world.messages(message.channel)}
    return message.client_msg_id is not None and message.client_msg_id in known


def post_message(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.postMessage`."""
    channel = desk.joined(desk.channel(args, anything=True))
    message = _compose(desk, channel, args, read_content(desk, args))
    if desk.rules.client_msg_id_dedupes and _posted_before(desk, message):
        raise Refusal("duplicate_client_msg_id")
    unfurl = args.flag("unfurl_links", default=True) or args.flag("unfurl_media", default=True)
    desk.workspace.say(message, unfurl=unfurl, names=_names(args))
    return {"channel": channel.id, "ts": message.ts, "message": message_json(desk.world, message, metadata=True)}


def post_ephemeral(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.postEphemeral`."""
    channel = desk.joined(desk.channel(args, anything=True))
    user = args.required("user", "user_not_in_channel")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    message = replace(_compose(desk, channel, args, read_content(desk, args)), only_for=user)
    desk.workspace.say(message, names=_names(args))
    return {"message_ts": message.ts}


def update(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.update`."""
    channel = desk.channel(args)
    old = desk.message(channel, args.required("ts", "message_not_found"))
    if old.user != desk.world.team.bot_user:
        raise Refusal("cant_update_message")
    if old.streaming is not None and not desk.streams.end_of(old):
        raise Refusal("streaming_state_conflict")
    text = args.text("text")
    if len(text.encode()) > desk.rules.update_bytes:
        raise Refusal("msg_too_long")
    files = args.words("file_ids")
    content = read_content(desk, args, empty_ok=bool(files))
    if bool(text) != bool(content.blocks) and "markdown_text" not in args and not files:
        desk.journal.faults_seen.append(f"chat.update of {old.ts} names only {'text' if text else 'blocks'}")
    if any(file not in desk.world.files for file in files):
        raise Refusal("file_not_found")
    new = replace(
        old,
        text=content.text if "text" in args else old.text,
        blocks=content.blocks if "blocks" in args or "markdown_text" in args or text else old.blocks,
        metadata=metadata_of(args) or old.metadata,
        files=(*old.files, *(file for file in files if file not in old.files)),
        streaming=replace(old.streaming, steps=()) if old.streaming else None,  # an edit replaces everything
    )
    new = desk.workspace.edit(old, new, names=_names(args))
    shown: JsonValue = message_json(desk.world, new)
    return {"channel": channel.id, "ts": new.ts, "text": new.text, "message": shown}


def delete(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.delete`."""
    channel = desk.channel(args)
    message = desk.message(channel, args.required("ts", "message_not_found"))
    if message.user != desk.world.team.bot_user or (message.streaming is not None and not desk.streams.end_of(message)):
        raise Refusal("cant_delete_message")
    desk.workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(desk: Desk, args: Arguments) -> JsonObject:
    """`chat.getPermalink`."""
    channel = desk.channel(args)
    message = desk.message(channel, args.required("message_ts", "message_not_found"))
    link = permalink(desk.world, channel.id, message.ts)
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


METHODS = (
    Method(
        "chat.postMessage",
        post_message,
        (
            *("channel", "thread_ts", "reply_broadcast", "unfurl_links", "unfurl_media", "metadata", "client_msg_id"),
            *_CONTENT,
        ),
        ("chat:write",),
        "special",
        writes=True,
        per_channel=True,
    ),
    Method(
        "chat.postEphemeral",
        post_ephemeral,
        ("channel", "user", "thread_ts", *_CONTENT),
        ("chat:write",),
        "tier4",
        writes=True,
    ),
    Method(
        "chat.update",
        update,
        ("channel", "ts", "file_ids", "metadata", "reply_broadcast", *_CONTENT),
        ("chat:write",),
        writes=True,
    ),
    Method("chat.delete", delete, ("channel", "ts", "as_user"), ("chat:write",), writes=True),
    Method("chat.getPermalink", get_permalink, ("channel", "message_ts"), tier="special"),
)
