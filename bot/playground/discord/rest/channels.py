"""Channels and direct messages."""

from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.refusals import parsed, refusal
from bot.playground.discord.rest.lookup import channel_of
from bot.playground.discord.scene import Scene
from bot.playground.discord.threads import change_thread
from bot.playground.discord.wire import Asked, JsonObject, PrivateChannelBody, Reply, ThreadPatch

_CHANNEL = "/channels/{channel_id}"


class Channels:
    """What is about a channel as a whole."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            Endpoint("GET", _CHANNEL, self.get_channel),
            Endpoint("PATCH", _CHANNEL, self.change_channel, "rename"),
            Endpoint("POST", _CHANNEL + "/typing", self.typing),
            Endpoint("POST", "/users/@me/channels", self.open_dm),
        ]

    def get_channel(self, asked: Asked) -> Reply:
        """A channel."""
        return Reply(200, self._scene.payloads.channel(channel_of(self._scene, asked)))

    def change_channel(self, asked: Asked) -> Reply:
        """Change a thread; the bot may not change channels."""
        channel = channel_of(self._scene, asked)
        if channel.thread is None:
            raise refusal(50013 if channel.person is None else 50024)
        body = parsed(ThreadPatch, asked.body)
        if channel.thread.locked and body.archived is False:  # only who may manage threads opens a locked one
            raise refusal(50013)
        if channel.thread.archived and body.archived is not False:
            raise refusal(50083)
        change_thread(self._scene, channel, channel.thread, body)
        return Reply(200, self._scene.payloads.channel(channel))

    def typing(self, asked: Asked) -> Reply:
        """Show that the bot is typing."""
        channel = channel_of(self._scene, asked)
        bot, moment = self._scene.world.bot, int(self._scene.clock.now())
        self._scene.showing.typing_began(channel)
        payload: JsonObject = {"channel_id": channel.id, "user_id": bot.id, "timestamp": moment}
        self._scene.dispatch("TYPING_START", channel, payload)
        return Reply(204)

    def open_dm(self, asked: Asked) -> Reply:
        """The direct message with somebody."""
        user = self._scene.world.user(parsed(PrivateChannelBody, asked.body).recipient_id)
        if user is None or user.bot:
            raise refusal(10013)
        return Reply(200, self._scene.payloads.channel(self._scene.world.dm_with(user)))
