"""What people do with messages and threads that are there: change, take back, forward, react, close."""

import copy
from collections.abc import Sequence

from bot.playground.discord.mentions import with_mentions
from bot.playground.discord.posting import Posting
from bot.playground.discord.reactions import add_reaction
from bot.playground.discord.refusals import Refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.sight import check_said, message_for, who_where
from bot.playground.discord.threads import change_thread, delete_thread, open_private, open_thread
from bot.playground.discord.wire import JsonObject, ThreadBody, ThreadPatch
from bot.playground.discord.world import Channel, Message, Poll, ThreadState, User
from bot.playground.view import NotPossible

_PURGE = range(2, 101)
"""How many messages Discord deletes at once."""


class Deeds:
    """The three people, acting on what is there."""

    def __init__(self, scene: Scene, posting: Posting) -> None:
        """Act in `scene`."""
        self._scene = scene
        self._posting = posting

    # --- messages ---

    def amend(self, person: str, channel_id: str, message_id: str, text: str) -> None:
        """A person changes the text of a message of theirs."""
        user, channel = who_where(self._scene.world, person, channel_id)
        message = message_for(channel, message_id, user)
        if message.author is not user:
            raise NotPossible("This is somebody else's message.")
        if channel.thread and channel.thread.archived:
            raise NotPossible("This thread is closed.")
        text = with_mentions(self._scene.world, text)
        if text or not message.attachments:
            check_said(self._scene.rules, text, ())
        message.content = text
        message.edits.append(self._scene.clock.now())
        message.mentions = [
            named for named in self._scene.world.users if f"<@{named.id}>" in text and named is not user
        ]
        self._scene.message_changed(message)

    def retract(self, person: str, channel_id: str, message_id: str) -> None:
        """A person takes back a message of theirs; an administrator deletes any."""
        user, channel = who_where(self._scene.world, person, channel_id)
        message = message_for(channel, message_id, user)
        if message.author is not user and not message.only_for and not _moderates(user, channel):
            raise NotPossible("Only administrators can delete what others have written.")
        if message.only_for:
            self._scene.showing.message_removed(message)
            del channel.messages[message.id]
            return
        self._posting.delete(message)

    def purge(self, person: str, channel_id: str, message_ids: Sequence[str]) -> None:
        """An administrator deletes many messages at once, as moderation bots do."""
        user, channel = who_where(self._scene.world, person, channel_id)
        if not _moderates(user, channel):
            raise NotPossible("Only administrators can delete what others have written.")
        if len(message_ids) not in _PURGE:
            raise NotPossible(f"Between {_PURGE.start} and {_PURGE.stop - 1} messages can be deleted at once.")
        self._scene.messages_deleted(channel, [message_for(channel, one, user) for one in message_ids])

    def forward(self, person: str, channel_id: str, message_id: str, to: str) -> Message:
        """A person forwards a message: a picture of it as it is now, in another channel, without words of their own."""
        user, source = who_where(self._scene.world, person, channel_id)
        _, target = who_where(self._scene.world, person, to)
        forwarded = message_for(source, message_id, user)
        return self._say(user, target, "", forwarded=copy.copy(forwarded))

    def stick(self, person: str, channel_id: str, sticker: str) -> Message:
        """A person sends a sticker."""
        user, channel = who_where(self._scene.world, person, channel_id)
        return self._say(user, channel, "", stickers=(sticker,))

    def poll(self, person: str, channel_id: str, question: str, answers: Sequence[str]) -> Message:
        """A person begins a poll."""
        user, channel = who_where(self._scene.world, person, channel_id)
        return self._say(user, channel, "", poll=Poll(question, tuple(answers)))

    def react(self, person: str, channel_id: str, message_id: str, emoji: str) -> None:
        """A person reacts to a message."""
        user, channel = who_where(self._scene.world, person, channel_id)
        add_reaction(self._scene, message_for(channel, message_id, user), emoji, user)

    def unfurl(self, message_id: str, embed: JsonObject) -> None:
        """A message gets an embed (a link's preview), of which Discord tells as of a change, though nobody edited it.

        Of a message that another bot wrote it is simply a part.
        """
        message = self._scene.world.message(message_id)
        if message is None:
            raise NotPossible("This message does not exist any more.")
        message.embeds.append({"type": "rich"} | embed)
        self._scene.message_changed(message)

    def _say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        forwarded: Message | None = None,
        stickers: tuple[str, ...] = (),
        poll: Poll | None = None,
    ) -> Message:
        try:
            return self._posting.say(user, channel, text, {}, None, forwarded=forwarded, stickers=stickers, poll=poll)
        except Refusal as error:
            raise NotPossible(error.message) from error

    # --- threads ---

    def start_thread(self, person: str, channel_id: str, message_id: str, name: str) -> str:
        """A person opens a thread from a message, and gets its id. The bot is not in it."""
        user, channel = who_where(self._scene.world, person, channel_id)
        try:
            return open_thread(self._scene, message_for(channel, message_id, user), ThreadBody(name=name), user).id
        except Refusal as error:
            raise NotPossible(error.message) from error

    def whisper(self, person: str, channel_id: str, name: str) -> str:
        """A person opens a private thread with the bot and gets its id."""
        user, channel = who_where(self._scene.world, person, channel_id)
        return open_private(self._scene, channel, name, (user, self._scene.world.bot)).id

    def archive(self, thread: str, *, locked: bool = False) -> None:
        """A thread is closed; a locked one is not opened again by a message."""
        change_thread(self._scene, *self._thread(thread), ThreadPatch(archived=True, locked=locked))

    def reopen(self, thread: str) -> None:
        """A thread is opened, and unlocked."""
        change_thread(self._scene, *self._thread(thread), ThreadPatch(archived=False, locked=False))

    def lock(self, thread: str) -> None:
        """A thread stays open, but only moderators may write in it."""
        change_thread(self._scene, *self._thread(thread), ThreadPatch(locked=True))

    def delete_thread(self, thread: str) -> None:
        """A thread is deleted with all that was said in it."""
        delete_thread(self._scene, *self._thread(thread))

    def _thread(self, thread: str) -> tuple[Channel, ThreadState]:
        channel = self._scene.world.channels.get(thread)
        if channel is None or channel.thread is None:
            raise NotPossible("There is no such thread.")
        return channel, channel.thread


def _moderates(user: User, channel: Channel) -> bool:
    """Whether somebody may delete what others wrote there; in direct messages nobody may."""
    return channel.person is None and user.person is not None and user.person.administrator
