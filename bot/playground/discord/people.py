"""What people do: speak."""

from collections.abc import Sequence

from bot.playground.discord.mentions import with_mentions
from bot.playground.discord.posting import Posting
from bot.playground.discord.refusals import Refusal
from bot.playground.discord.scene import Scene
from bot.playground.discord.sight import check_said, message_for, who_where
from bot.playground.discord.threads import join
from bot.playground.discord.wire import UploadedFile
from bot.playground.discord.world import Message
from bot.playground.view import NotPossible, Upload


class People:
    """The three people, speaking."""

    def __init__(self, scene: Scene, posting: Posting) -> None:
        self._scene = scene
        self._posting = posting

    def speak(
        self,
        person: str,
        channel_id: str,
        text: str,
        files: Sequence[Upload] = (),
        reply_to: str | None = None,
        *,
        notify: bool = True,
    ) -> Message:
        """A message; `@Name` becomes a mention. A reply mentions its author too, unless `notify` is switched off."""
        user, channel = who_where(self._scene.world, person, channel_id)
        text = with_mentions(self._scene.world, text)
        check_said(self._scene.rules, text, files)
        uploads = {n: UploadedFile(file.name, file.content) for n, file in enumerate(files)}
        target = message_for(channel, reply_to, user) if reply_to else None
        try:
            message = self._posting.say(user, channel, text, uploads, target, notify=notify)
        except Refusal as error:
            raise NotPossible(error.message) from error
        if channel.thread:
            join(self._scene, channel, channel.thread, user)
        return message
