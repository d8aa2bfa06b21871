"""Members, channels, messages and files as the JSON that Slack sends for them."""

from pathlib import PurePath

from bot.playground.slack.records import Channel, Member, Message, SharedFile
from bot.playground.slack.wire import JsonObject, JsonValue, without_none
from bot.playground.slack.world import APP_ID, BOT_NAME, World

TOMBSTONE = "tombstone"
"""Subtype of what is left of a deleted message that has replies."""
OTHER_BOT = "B00ANOTHER"
SLACKBOT = "USLACKBOT"
_EXTENSIONS = {"jpeg": "jpg", "markdown": "md", "": "binary"}


def member_json(world: World, member: Member) -> JsonObject:
    """A user object."""
    enterprise = None if member.home else world.team.enterprise
    return {
        "id": member.id,
        "team_id": member.home or world.team.id,
        **({"enterprise_user": {"enterprise_id": enterprise}} if enterprise else {}),
        "name": member.handle,
        "real_name": member.name,
        "deleted": False,
        "is_bot": member.is_bot,
        "is_app_user": False,
        "is_admin": member.administrator,
        "is_owner": member.administrator,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_stranger": member.stranger,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "updated": 0,
        "profile": {
            "real_name": member.name,
            "display_name": member.name,
            "display_name_normalized": member.name,
            "real_name_normalized": member.name,
            "team": world.team.id,
            **({"bot_id": world.team.bot_id, "api_app_id": APP_ID} if member.is_bot else {}),
        },
    }


def channel_json(world: World, channel: Channel) -> JsonObject:
    """A conversation object."""
    if channel.is_direct:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_archived": False,
            "is_im": True,
            "is_org_shared": False,
            "user": channel.person,
            "is_user_deleted": False,
            "is_open": True,
            "context_team_id": world.team.id,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": channel.created,
        "creator": channel.members[0],
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "is_member": world.team.bot_user in channel.members,
        "num_members": len(channel.members),
        "context_team_id": world.team.id,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def message_json(world: World, message: Message, *, metadata: bool = False) -> JsonObject:
    """A message object as history and events show it; `metadata` only where it was asked for."""
    shown: JsonObject = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    if message.from_bot:
        shown |= {"bot_id": world.team.bot_id, "app_id": APP_ID, "bot_profile": bot_json(world)}
    files: list[JsonValue] = [file_json(world, world.files[file]) for file in message.files]
    shown |= without_none(
        {
            "team": world.team.id,
            "subtype": message.subtype,
            "client_msg_id": message.client_msg_id,
            "blocks": list(message.blocks) or None,
            "files": files or None,
            "attachments": list(message.attachments) or None,
            "upload": False if files else None,
            "edited": {"user": message.user, "ts": message.edited_ts} if message.edited_ts else None,
            "reactions": [
                {"name": one.name, "users": list(one.users), "count": len(one.users)} for one in message.reactions
            ]
            or None,
            "metadata": message.metadata if metadata else None,
            "streaming_state": _streaming_state(message),
        }
    )
    if message.speaker is not None:
        del shown["user"]
        shown |= {"subtype": "bot_message", "bot_id": OTHER_BOT, "username": message.speaker}
    if message.subtype == TOMBSTONE:
        shown |= {"user": SLACKBOT, "hidden": True}
    return shown | _thread_json(world, message)


def _streaming_state(message: Message) -> str | None:
    if message.streaming is None:
        return None
    return "completed" if message.streaming.end else "in_progress"


def _thread_json(world: World, message: Message) -> JsonObject:
    if message.thread_ts is not None:
        root = world.message(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts, **({"parent_user_id": root.user} if root else {})}
    replies = world.replies(message.channel, message.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": list[JsonValue](users),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def permalink(world: World, channel: str, ts: str) -> str:
    """A message's own address."""
    return f"https://{world.team.domain}.slack.com/archives/{channel}/p{ts.replace('.', '')}"


def bot_json(world: World) -> JsonObject:
    """The bot's profile."""
    return {
        "id": world.team.bot_id,
        "app_id": APP_ID,
        "user_id": world.team.bot_user,
        "name": BOT_NAME,
        "deleted": False,
        "updated": world.founded,
        "team_id": world.team.id,
        "icons": {},
    }


def file_json(world: World, file: SharedFile, *, hidden: bool = True) -> JsonObject:
    """A file object.

    Args:
        world: Where it is and who is who.
        file: The file.
        hidden: Whether a file of Slack Connect keeps its details for `files.info`.
    """
    if file.mode == "tombstone":
        return {"id": file.id, "mode": "tombstone"}
    if hidden and file.needs_info:
        return {"id": file.id, "created": 0, "timestamp": 0, "mode": "file_access", "file_access": "check_file_info"}
    extension = PurePath(file.name).suffix.lstrip(".").lower()
    url = world.file_address(file)
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.media_type,
        "filetype": _EXTENSIONS.get(extension, extension),
        "pretty_type": extension.upper(),
        "user": file.user,
        "user_team": world.team.id,
        "editable": False,
        "size": len(file.content),
        "mode": file.mode,
        "is_external": file.mode == "external",
        "external_type": "gdrive" if file.mode == "external" else "",
        "is_public": True,
        "public_url_shared": False,
        "file_access": "visible",
        "url_private": url,
        **({} if file.mode == "external" else {"url_private_download": world.file_address(file, download=True)}),
        "permalink": f"{world.address}/files/{file.user}/{file.id}/{file.name}",
    } | _shares_json(world, file)


def _shares_json(world: World, file: SharedFile) -> JsonObject:
    shares: JsonObject = {}
    for kind, direct in (("public", False), ("private", True)):
        places: JsonObject = {}
        for name in dict.fromkeys(channel for channel, _ in file.shares):
            channel = world.channels[name]
            if channel.is_direct == direct:
                stamps = [ts for where, ts in file.shares if where == name]
                places[name] = [{"ts": ts, "team_id": world.team.id, "channel_name": channel.name} for ts in stamps]
        if places:
            shares[kind] = places
    names = list(dict.fromkeys(channel for channel, _ in file.shares))
    return {
        "shares": shares,
        "channels": [name for name in names if not world.channels[name].is_direct],
        "groups": [],
        "ims": [name for name in names if world.channels[name].is_direct],
    }
