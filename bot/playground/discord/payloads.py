"""Channels, threads and messages as Discord's JSON."""

from bot.playground.discord.cdn import Cdn
from bot.playground.discord.clock import timestamp
from bot.playground.discord.people_payloads import member_payload, role_payloads, user_payload
from bot.playground.discord.wire import JsonObject, as_object
from bot.playground.discord.world import (
    DM,
    GROUP,
    GUILD_NAME,
    PRIVATE_THREAD,
    TEXT,
    THREAD_STARTER,
    Attachment,
    Channel,
    Message,
    Origin,
    Poll,
    ThreadState,
    User,
    World,
)

COMMAND = 2
"""Type of an interaction that is a command."""


class Payloads:
    """Turns the world into JSON; addresses of files are signed anew every time."""

    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    # --- channels ---

    def channel(self, channel: Channel) -> JsonObject:
        """A channel of any kind, as HTTP answers it."""
        if channel.thread:
            return self.thread(channel, channel.thread)
        last = next(reversed(channel.messages), None)
        payload: JsonObject = {"id": channel.id, "type": channel.type, "last_message_id": last, "flags": 0}
        if channel.person:
            return payload | {"recipients": [user_payload(channel.person)]}
        if channel.people:
            recipients = [user_payload(user) for user in channel.people]
            group: JsonObject = {"name": channel.name, "icon": None, "owner_id": channel.people[0].id}
            return payload | group | {"recipients": recipients}
        no_overwrites: list[JsonObject] = []
        return payload | {
            "guild_id": self._world.server_of(channel),
            "name": channel.name,
            "position": channel.position,
            "parent_id": None,
            "topic": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "permission_overwrites": no_overwrites,
            "last_pin_timestamp": None,
        }

    def thread(self, channel: Channel, state: ThreadState) -> JsonObject:
        """A thread, with the bot's membership when it is in it."""
        visible = [m for m in channel.messages.values() if m.only_for is None and m.type != THREAD_STARTER]
        payload: JsonObject = {
            "id": channel.id,
            "type": channel.type,
            "guild_id": self._world.guild_id,
            "parent_id": channel.parent.id if channel.parent else None,
            "owner_id": state.owner.id,
            "name": channel.name,
            "last_message_id": next(reversed(channel.messages), None),
            "flags": 0,
            "rate_limit_per_user": 0,
            "message_count": len(visible),
            "total_message_sent": channel.sent,
            "member_count": len(state.members),
            "thread_metadata": {
                "archived": state.archived,
                "archive_timestamp": timestamp(state.archive_changed_at),
                "auto_archive_duration": state.auto_archive,
                "locked": state.locked,
                "create_timestamp": timestamp(state.created_at),
            },
        }
        if channel.type == PRIVATE_THREAD:
            payload["thread_metadata"] = (as_object(payload["thread_metadata"]) or {}) | {"invitable": True}
        if self._world.bot.id in state.members:
            payload["member"] = self.thread_member(channel, state, self._world.bot.id)
        return payload

    @staticmethod
    def thread_member(channel: Channel, state: ThreadState, user_id: str) -> JsonObject:
        """Somebody's membership in a thread."""
        joined = timestamp(state.members[user_id])
        return {"id": channel.id, "user_id": user_id, "join_timestamp": joined, "flags": 0}

    def guild(self) -> JsonObject:
        """The server as GUILD_CREATE gives it to a bot that may not see all members: only itself is listed."""
        world = self._world
        bot_member = member_payload(world, world.bot) | {"user": user_payload(world.bot)}
        everything = [channel for channel in world.channels.values() if not channel.foreign]
        channels = [self.channel(channel) for channel in everything if channel.type == TEXT]
        threads = [self.thread(c, c.thread) for c in world.threads() if c.thread and not c.thread.archived]
        owner = next(user for user in world.people.values() if user.person and user.person.administrator)
        return _GUILD_CONSTANTS | {
            "id": world.guild_id,
            "name": GUILD_NAME,
            "owner_id": owner.id,
            "roles": role_payloads(world),
            "channels": channels,
            "threads": threads,
            "members": [bot_member],
            "member_count": 1 + len(world.people),
            "joined_at": timestamp(world.started_at),
            "premium_tier": world.premium_tier,
        }

    # --- messages ---

    def created(self, message: Message) -> JsonObject:
        """A message as its author hears of it: the only time, with the event, that its nonce is told."""
        payload = self.message(message)
        return payload if message.nonce is None else payload | {"nonce": message.nonce}

    def message(self, message: Message) -> JsonObject:
        """A message with the message that it replies to, as HTTP answers it."""
        payload = self._basic(message)
        if message.reply_to:
            target = message.reply_to
            payload["message_reference"] = self._reference(target)
            still_there = target.id in target.channel.messages
            payload["referenced_message"] = self._referenced(target) if still_there else None
        elif message.forwarded:
            payload["message_reference"] = self._reference(message.forwarded) | {"type": 1}
            payload["message_snapshots"] = [{"message": self._snapshot(message.forwarded)}]
        return payload

    def dispatched(self, message: Message, *, new: bool) -> JsonObject:
        """A message as the gateway gives it: in the server with its place and its author's membership."""
        told = self.created(message) if new else self.message(message)
        payload = told | {"channel_type": message.channel.type}
        if message.channel.type == DM:
            return payload
        mentions = [user_payload(u) | {"member": member_payload(self._world, u)} for u in message.mentions]
        member = member_payload(self._world, message.author)
        return payload | {"guild_id": self._world.guild_id, "member": member, "mentions": mentions}

    def _basic(self, message: Message) -> JsonObject:
        payload: JsonObject = {
            "id": message.id,
            "channel_id": message.channel.id,
            "type": message.type,
            "author": user_payload(message.author),
            "content": message.content,
            "timestamp": timestamp(message.created_at),
            "edited_timestamp": timestamp(message.edits[-1]) if message.edits else None,
            "tts": False,
            "pinned": False,
            "flags": message.flags,
            "mention_everyone": message.everyone,
            "mentions": [user_payload(user) for user in message.mentions],
            "mention_roles": message.roles,
            "attachments": [self.attachment(attachment) for attachment in message.attachments],
            "embeds": message.embeds,
            "components": [component.model_dump(exclude_none=True) for component in message.components],
        }
        if message.stickers:
            payload["sticker_items"] = [{"id": message.id, "name": name, "format_type": 1} for name in message.stickers]
        if message.poll:
            payload["poll"] = self._poll(message, message.poll)
        if message.reactions:
            payload["reactions"] = [self._reaction(message, emoji) for emoji in message.reactions]
        if message.thread and message.thread.thread:
            payload["thread"] = self.thread(message.thread, message.thread.thread)
        if message.origin:
            payload |= self._origin(message, message.origin)
        return payload

    def _referenced(self, message: Message) -> JsonObject:
        """A message that is replied to: it tells to what it replies itself, but not what that says."""
        payload = self._basic(message)
        return payload | {"message_reference": self._reference(message.reply_to)} if message.reply_to else payload

    def _snapshot(self, message: Message) -> JsonObject:
        """A forwarded message: without its author and its place."""
        whole = self._basic(message)
        return {name: whole[name] for name in _IN_SNAPSHOT if name in whole}

    def _reference(self, target: Message) -> JsonObject:
        reference: JsonObject = {"type": 0, "channel_id": target.channel.id, "message_id": target.id}
        server = self._world.server_of(target.channel)
        return reference if server is None else reference | {"guild_id": server}

    @staticmethod
    def _poll(message: Message, poll: Poll) -> JsonObject:
        no_counts: list[JsonObject] = []
        return {
            "question": {"text": poll.question},
            "answers": [
                {"answer_id": number, "poll_media": {"text": text}} for number, text in enumerate(poll.answers, start=1)
            ],
            "expiry": timestamp(message.created_at + 86_400),
            "allow_multiselect": False,
            "layout_type": 1,
            "results": {"is_finalized": False, "answer_counts": no_counts},
        }

    def _reaction(self, message: Message, emoji: str) -> JsonObject:
        users = message.reactions[emoji]
        return {
            "emoji": {"id": None, "name": emoji},
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "burst_colors": [],
            "me_burst": False,
            "me": self._world.bot in users,
        }

    def _origin(self, message: Message, origin: Origin) -> JsonObject:
        payload: JsonObject = {"application_id": self._world.bot.id, "webhook_id": self._world.bot.id}
        if origin.type == COMMAND:
            named = {"id": origin.id, "type": origin.type, "name": (origin.command or "").removeprefix("/")}
            payload["interaction"] = named | {"user": user_payload(origin.user)}
        return payload | {"interaction_metadata": self._metadata(message.channel, origin)}

    def _metadata(self, channel: Channel, origin: Origin) -> JsonObject:
        metadata: JsonObject = {
            "id": origin.id,
            "type": origin.type,
            "user": user_payload(origin.user),
            "authorizing_integration_owners": self.integration_owners(channel, origin.user),
        }
        if origin.opened_by:
            return metadata | {"triggering_interaction_metadata": self._metadata(channel, origin.opened_by)}
        if origin.pressed:
            metadata["interacted_message_id"] = origin.pressed
        if origin.target:
            metadata["target_message_id"] = origin.target
        return metadata

    @staticmethod
    def context(channel: Channel) -> int:
        """Where an interaction happens: in a server, in direct messages with the bot, or in a group without it."""
        return 1 if channel.type == DM else 2 if channel.type == GROUP else 0

    def integration_owners(self, channel: Channel, user: User) -> JsonObject:
        """Who installed the application where an interaction happens: the server, or the person for themselves."""
        if channel.foreign:
            return {"1": user.id}
        return {"0": "0" if channel.type == DM else self._world.guild_id}

    def attachment(self, attachment: Attachment) -> JsonObject:
        """A file with a fresh address."""
        url = self._cdn.url(attachment)
        payload: JsonObject = {
            "id": attachment.id,
            "filename": attachment.filename,
            "size": len(attachment.content),
            "url": url,
            "proxy_url": url,
            "content_type": attachment.media_type,
        }
        optional = {
            "description": attachment.description,
            "width": attachment.width,
            "height": attachment.height,
            "ephemeral": attachment.ephemeral or None,
        }
        return payload | {name: value for name, value in optional.items() if value is not None}


_IN_SNAPSHOT = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
    "components",
    "sticker_items",
)
"""What a forwarded message keeps."""

_GUILD_CONSTANTS: JsonObject = {
    "icon": None,
    "banner": None,
    "splash": None,
    "discovery_splash": None,
    "description": None,
    "vanity_url_code": None,
    "afk_channel_id": None,
    "afk_timeout": 300,
    "application_id": None,
    "default_message_notifications": 1,
    "explicit_content_filter": 0,
    "features": [],
    "large": False,
    "max_members": 500_000,
    "max_video_channel_users": 25,
    "mfa_level": 0,
    "nsfw_level": 0,
    "preferred_locale": "en-US",
    "premium_progress_bar_enabled": False,
    "premium_subscription_count": 0,
    "public_updates_channel_id": None,
    "rules_channel_id": None,
    "safety_alerts_channel_id": None,
    "system_channel_flags": 0,
    "system_channel_id": None,
    "verification_level": 0,
    "unavailable": False,
    "emojis": [],
    "stickers": [],
    "voice_states": [],
    "presences": [],
    "stage_instances": [],
    "guild_scheduled_events": [],
    "soundboard_sounds": [],
}
