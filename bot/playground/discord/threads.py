"""Threads: opening them from a message, archiving and waking them, who is in them."""

from collections.abc import Sequence

from bot.playground.discord.refusals import invalid, refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import JsonObject, ThreadBody, ThreadPatch
from bot.playground.discord.world import (
    HAS_THREAD,
    PRIVATE_THREAD,
    TEXT,
    THREAD,
    THREAD_STARTER,
    Channel,
    Message,
    ThreadState,
    User,
)

_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


def open_thread(scene: Scene, message: Message, body: ThreadBody, owner: User) -> Channel:
    """Open a thread from a message; it has the message's id."""
    if message.channel.type != TEXT:
        raise refusal(50024)
    if message.thread:
        raise refusal(160004)
    _check_name(body.name)
    minutes = body.auto_archive_duration or 1440
    if minutes not in _ARCHIVE_MINUTES:
        allowed = ", ".join(str(minute) for minute in _ARCHIVE_MINUTES)
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of ({allowed}).")
    _check_room(scene)
    now = scene.clock.now()
    state = ThreadState(owner, message.id, now, minutes, archive_changed_at=now)
    state.members = dict.fromkeys((owner.id, message.author.id), now)
    thread = Channel(message.id, THREAD, body.name, parent=message.channel, thread=state)
    scene.world.add(thread)
    message.thread = thread
    message.flags |= HAS_THREAD
    scene.dispatch("THREAD_CREATE", thread, scene.payloads.thread(thread, state) | {"newly_created": True})
    scene.showing.channel_shown(thread)
    scene.message_changed(message)
    starter = Message(scene.world.ids.new(), thread, message.author, "", THREAD_STARTER, now, reply_to=message)
    scene.message_created(starter)
    return thread


def open_private(scene: Scene, parent: Channel, name: str, members: Sequence[User]) -> Channel:
    """Open a thread that only its members see, from no message."""
    now, thread_id = scene.clock.now(), scene.world.ids.new()
    state = ThreadState(members[0], thread_id, now, 1440, archive_changed_at=now)
    state.members = dict.fromkeys((member.id for member in members), now)
    thread = Channel(thread_id, PRIVATE_THREAD, name, parent=parent, thread=state)
    scene.world.add(thread)
    scene.dispatch("THREAD_CREATE", thread, scene.payloads.thread(thread, state))
    scene.showing.channel_shown(thread)
    return thread


def change_thread(scene: Scene, channel: Channel, state: ThreadState, body: ThreadPatch) -> None:
    """Rename, archive, lock."""
    if body.name is not None:
        _check_name(body.name)
        channel.name = body.name
    if body.auto_archive_duration is not None:
        state.auto_archive = body.auto_archive_duration
    if body.locked is not None:
        state.locked = body.locked
    if body.archived is not None and body.archived != state.archived:
        if not body.archived:
            _check_room(scene)
        state.archived = body.archived
        state.archive_changed_at = scene.clock.now()
    _tell(scene, channel, state)


def wake(scene: Scene, channel: Channel, *, moderator: bool = False) -> None:
    """A new message reopens an archived thread; a locked one refuses (160005) everybody but moderators."""
    state = channel.thread
    if state is None:
        return
    if state.locked and not moderator:
        raise refusal(160005)
    if state.archived:
        _check_room(scene)
        state.archived, state.archive_changed_at = False, scene.clock.now()
        _tell(scene, channel, state)


def delete_thread(scene: Scene, channel: Channel, state: ThreadState) -> None:
    """Delete a thread with its messages, of which Discord says nothing one by one; the message it began from stays."""
    told: JsonObject = {
        "id": channel.id,
        "type": channel.type,
        "parent_id": channel.parent.id if channel.parent else None,
    }
    said = list(channel.messages.values())
    scene.world.remove(channel)
    scene.dispatch("THREAD_DELETE", channel, told)
    starter = channel.parent.messages.get(state.starter) if channel.parent else None
    for message in said:
        scene.showing.message_removed(message)
    if starter:
        starter.thread = None
        starter.flags &= ~HAS_THREAD
        scene.message_changed(starter)


def join(scene: Scene, channel: Channel, state: ThreadState, user: User) -> None:
    """Somebody becomes a member of a thread."""
    if user.id in state.members:
        return
    state.members[user.id] = scene.clock.now()
    _members_changed(scene, channel, state, {"added_members": [scene.payloads.thread_member(channel, state, user.id)]})


def leave(scene: Scene, channel: Channel, state: ThreadState, user: User) -> None:
    """Somebody leaves a thread."""
    if state.members.pop(user.id, None) is not None:
        _members_changed(scene, channel, state, {"removed_member_ids": [user.id]})


def _members_changed(scene: Scene, channel: Channel, state: ThreadState, change: JsonObject) -> None:
    payload = change | {"id": channel.id, "member_count": len(state.members)}
    scene.dispatch("THREAD_MEMBERS_UPDATE", channel, payload)


def _tell(scene: Scene, channel: Channel, state: ThreadState) -> None:
    scene.dispatch("THREAD_UPDATE", channel, scene.payloads.thread(channel, state))
    scene.showing.channel_shown(channel)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 100:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")


def _check_room(scene: Scene) -> None:
    active = sum(1 for channel in scene.world.threads() if channel.thread and not channel.thread.archived)
    if active >= scene.rules.max_active_threads:
        raise refusal(160006)
