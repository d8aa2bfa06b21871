"""`files.*`: what a file is, and the first and last step of an upload (the middle one is `file_server.py`)."""

import time

from bot.playground.slack.payloads import file_json
from bot.playground.slack.records import Message, SharedFile
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.webapi.content import read_content
from bot.playground.slack.webapi.desk import Desk, Method
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_text
from bot.playground.slack.world import media_type


def info(desk: Desk, args: Arguments) -> JsonObject:
    """`files.info`."""
    file = desk.world.files.get(args.required("file", "file_not_found"))
    if file is None:
        raise Refusal("file_not_found")
    if file.mode == "tombstone":
        raise Refusal("file_deleted")
    shown: JsonValue = file_json(desk.world, file, hidden=False)
    return {"file": shown, "comments": [], "response_metadata": {"next_cursor": ""}}


def get_upload_url(desk: Desk, args: Arguments) -> JsonObject:
    """`files.getUploadURLExternal`."""
    name, length = args.required("filename"), args.number("length", 0)
    if length < 1:
        raise Refusal("invalid_arguments")
    file_id = desk.world.new_id("F")
    return {"upload_url": desk.world.expect_upload(file_id, name, length), "file_id": file_id}


def complete_upload(desk: Desk, args: Arguments) -> JsonObject:
    """`files.completeUploadExternal`: answers at once; the share in the channel comes later."""
    wanted = [as_object(one) for one in as_list(args.json("files"))]
    if not wanted:
        raise Refusal("invalid_arguments")
    files = [_complete(desk, as_text(one.get("id")), as_text(one.get("title"))) for one in wanted]
    for name in [*args.words("channel_id"), *args.words("channels")]:
        _share(desk, args, name, files)
    listed: list[JsonValue] = [file_json(desk.world, file) for file in files]
    return {"files": listed}


def _complete(desk: Desk, file_id: str, title: str) -> SharedFile:
    """The uploaded file; a second completion of the same one is accepted."""
    if file_id in desk.world.files:
        return desk.world.files[file_id]
    upload = desk.world.uploads.get(file_id)
    if upload is None or upload.content is None:
        raise Refusal("file_not_found")
    file = SharedFile(
        id=file_id,
        name=upload.name,
        title=title or upload.name,
        media_type=media_type(upload.name),
        user=desk.world.team.bot_user,
        created=int(time.time()),
        content=upload.content,
    )
    desk.world.files[file_id] = file
    return file


def _share(desk: Desk, args: Arguments, name: str, files: list[SharedFile]) -> None:
    channel = desk.world.channels.get(name)
    if channel is None:
        raise Refusal("channel_not_found")
    desk.joined(channel)
    comment = read_content(desk, Arguments({"text": args.text("initial_comment")}), empty_ok=True)
    blocks = read_content(desk, Arguments({"blocks": args.json("blocks")}), empty_ok=True).blocks
    desk.workspace.share_later(
        Message(
            ts="",
            channel=channel.id,
            user=desk.world.team.bot_user,
            text=comment.text,
            blocks=blocks,
            thread_ts=desk.thread(channel, args),
            subtype="file_share",
            files=tuple(file.id for file in files),
            from_bot=True,
        )
    )


METHODS = (
    Method("files.info", info, ("file", "count", "cursor", "limit", "page"), ("files:read",), "tier4"),
    Method(
        "files.getUploadURLExternal",
        get_upload_url,
        ("filename", "length", "alt_txt", "snippet_type"),
        ("files:write",),
        "tier4",
        writes=True,
    ),
    Method(
        "files.completeUploadExternal",
        complete_upload,
        ("files", "channel_id", "channels", "initial_comment", "thread_ts", "blocks"),
        ("files:write",),
        "tier4",
        writes=True,
    ),
)
