"""Messages and reactions."""

from bot.playground.discord.endpoints import Endpoint
from bot.playground.discord.intents import without_content
from bot.playground.discord.posting import Posting
from bot.playground.discord.reactions import add_reaction, remove_reaction
from bot.playground.discord.refusals import invalid, parsed, refusal
from bot.playground.discord.rest.lookup import channel_of, message_of
from bot.playground.discord.scene import Scene
from bot.playground.discord.wire import Asked, JsonObject, MessageBody, Reply
from bot.playground.discord.world import Message

_CHANNEL = "/channels/{channel_id}"
_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"


class Messages:
    """What is about messages."""

    def __init__(self, scene: Scene, posting: Posting) -> None:
        self._scene = scene
        self._posting = posting

    def endpoints(self) -> list[Endpoint]:
        """All of them."""
        return [
            Endpoint("GET", _CHANNEL + "/messages", self.history),
            Endpoint("POST", _CHANNEL + "/messages", self.send, "send"),
            Endpoint("GET", _MESSAGE, self.get_message),
            Endpoint("PATCH", _MESSAGE, self.edit, "edit"),
            Endpoint("DELETE", _MESSAGE, self.delete),
            Endpoint("PUT", _REACTION, self.react, "reaction"),
            Endpoint("DELETE", _REACTION, self.unreact, "reaction"),
        ]

    def history(self, asked: Asked) -> Reply:
        """Messages of a channel, the newest first."""
        messages = [m for m in channel_of(self._scene, asked).messages.values() if m.only_for is None]
        page = _page(messages, asked)
        return Reply(200, [self._read(message) for message in page])

    def send(self, asked: Asked) -> Reply:
        """Send a message."""
        message = self._posting.send(channel_of(self._scene, asked), parsed(MessageBody, asked.body), asked.files)
        return Reply(200, self._scene.payloads.created(message))

    def get_message(self, asked: Asked) -> Reply:
        """One message."""
        return Reply(200, self._read(message_of(self._scene, asked)))

    def _read(self, message: Message) -> JsonObject:
        """A message as the application may see it."""
        scene = self._scene
        payload = scene.payloads.message(message)
        if scene.rules.message_content or message.channel.person:
            return payload
        told = without_content(payload | {"guild_id": scene.world.guild_id}, scene.world.bot.id)
        return {name: value for name, value in told.items() if name != "guild_id"}

    def edit(self, asked: Asked) -> Reply:
        """Edit a message of the bot."""
        message = message_of(self._scene, asked)
        if not message.author.bot:
            raise refusal(50005)
        if message.channel.thread and message.channel.thread.archived:
            raise refusal(50083)
        self._posting.edit(message, parsed(MessageBody, asked.body), asked.files)
        return Reply(200, self._scene.payloads.message(message))

    def delete(self, asked: Asked) -> Reply:
        """Delete a message of the bot; it may not delete others'."""
        message = message_of(self._scene, asked)
        if not message.author.bot:
            raise refusal(50013)
        self._posting.delete(message)
        return Reply(204)

    def react(self, asked: Asked) -> Reply:
        """React to a message."""
        add_reaction(self._scene, message_of(self._scene, asked), asked.params["emoji_name"], self._scene.world.bot)
        return Reply(204)

    def unreact(self, asked: Asked) -> Reply:
        """Take the bot's reaction back."""
        remove_reaction(self._scene, message_of(self._scene, asked), asked.params["emoji_name"], self._scene.world.bot)
        return Reply(204)


def _page(messages: list[Message], asked: Asked) -> list[Message]:
    query = asked.query
    try:
        limit = int(query.get("limit", "50"))
        edge = {name: int(query[name]) for name in ("after", "before", "around") if name in query}
    except ValueError as error:
        raise invalid("limit", "NUMBER_TYPE_COERCE", "Value is not a number.") from error
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    if "after" in edge:
        page = [message for message in messages if int(message.id) > edge["after"]][:limit]
    elif "around" in edge:
        older = [message for message in messages if int(message.id) <= edge["around"]][-(limit // 2 + 1) :]
        page = (older + [message for message in messages if int(message.id) > edge["around"]])[:limit]
    else:
        page = [message for message in messages if int(message.id) < edge.get("before", 1 << 64)][-limit:]
    return page[::-1]
