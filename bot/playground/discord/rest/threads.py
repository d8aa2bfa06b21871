"""Threads and who is in them."""

from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.refusals import parsed, refusal
from bot.playground.discord.rest.lookup import message_of, thread_of
from bot.playground.discord.scene import Scene
from bot.playground.discord.threads import join, leave, open_thread
from bot.playground.discord.wire import Asked, Reply, ThreadBody

_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_MEMBERS = "/channels/{channel_id}/thread-members"


class Threads:
    """What is about threads."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            Endpoint("POST", _MESSAGE + "/threads", self.open_thread),
            Endpoint("GET", _MEMBERS, self.thread_members),
            Endpoint("PUT", _MEMBERS + "/@me", self.join_thread),
            Endpoint("DELETE", _MEMBERS + "/@me", self.leave_thread),
            Endpoint("GET", "/guilds/{guild_id}/threads/active", self.active_threads),
        ]

    def open_thread(self, asked: Asked) -> Reply:
        """Open a thread from a message."""
        message, body = message_of(self._scene, asked), parsed(ThreadBody, asked.body)
        thread = open_thread(self._scene, message, body, self._scene.world.bot)
        return Reply(201, self._scene.payloads.channel(thread))

    def thread_members(self, asked: Asked) -> Reply:
        """Who is in a thread."""
        channel, state = thread_of(self._scene, asked)
        return Reply(200, [self._scene.payloads.thread_member(channel, state, user) for user in state.members])

    def join_thread(self, asked: Asked) -> Reply:
        """The bot joins a thread."""
        join(self._scene, *thread_of(self._scene, asked), self._scene.world.bot)
        return Reply(204)

    def leave_thread(self, asked: Asked) -> Reply:
        """The bot leaves a thread."""
        leave(self._scene, *thread_of(self._scene, asked), self._scene.world.bot)
        return Reply(204)

    def active_threads(self, asked: Asked) -> Reply:
        """All threads that are not archived."""
        if asked.params["guild_id"] != self._scene.world.guild_id:
            raise refusal(10004)
        payloads = self._scene.payloads
        active = [(c, c.thread) for c in self._scene.world.threads() if c.thread and not c.thread.archived]
        mine = [(c, state) for c, state in active if self._scene.world.bot.id in state.members]
        members = [payloads.thread_member(c, state, self._scene.world.bot.id) for c, state in mine]
        return Reply(200, {"threads": [payloads.thread(c, state) for c, state in active], "members": members})
