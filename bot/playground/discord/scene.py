"""What all parts of the stand-in share: the world, its rules and clock, and who is told about changes."""

import random
import secrets
from dataclasses import dataclass

from bot.playground.discord.cdn import Cdn
from bot.playground.discord.clock import Clock
from bot.playground.discord.faults import Faults
from bot.playground.discord.gateway import Gateway
from bot.playground.discord.greeting import Greeting
from bot.playground.discord.payloads import Payloads
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.showing import Showing
from bot.playground.discord.tokens import bot_token
from bot.playground.discord.wire import JsonObject
from bot.playground.discord.world import SUPPRESS_NOTIFICATIONS, Channel, Message, World


@dataclass(frozen=True, slots=True)
class Ping:
    """Somebody was notified by a message of the bot."""

    message: str
    channel: str
    who: str
    """A name, or `everyone`."""
    because: str
    """`create`, `edit` (highlighted, though Discord notifies nobody), or `reply` (author of the message replied to)."""
    silent: bool
    """The message was sent without notification."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A link in a message of the bot for which Discord would have fetched and shown a preview."""

    message: str
    url: str


class Scene:
    """The shared state, and the one way to change it so that everybody hears of it."""

    def __init__(self, rules: DiscordRules, seed: int | None) -> None:
        """Make the world; with a `seed`, everything random is the same every time."""
        dice = random.Random(seed) if seed is not None else secrets.SystemRandom()  # noqa: S311 - repeatable on demand
        self.rules = rules
        self.clock = Clock()
        self.faults = Faults()
        self.dice = dice
        self.world = World(self.clock, rules.shards)
        self.token = bot_token(self.world.bot.id, dice)
        self.cdn = Cdn(self.world, self.clock, dice.randbytes(32), rules.cdn_life)
        self.payloads = Payloads(self.world, self.cdn)
        self.greeting = Greeting(self.world, rules, self.payloads, self.token, dice)
        self.gateway = Gateway(rules, self.clock, self.faults, self.greeting)
        self.showing = Showing(self.world, self.gateway, rules.typing_seconds)
        self.gateway.on_connection = self.showing.connection_changed
        self.pings: list[Ping] = []
        self.previews: list[Preview] = []

    # --- changes ---

    def message_created(self, message: Message) -> None:
        """Put a message into its channel and tell everybody who may know."""
        channel = message.channel
        channel.messages[message.id] = message
        if message.only_for is None:
            channel.sent += 1
        self._tell(message, "MESSAGE_CREATE")

    def message_changed(self, message: Message) -> None:
        """Tell that a message is not what it was."""
        self._tell(message, "MESSAGE_UPDATE")

    def message_deleted(self, message: Message) -> None:
        """Take a message away."""
        del message.channel.messages[message.id]
        message.version += 1
        if message.only_for is None:
            payload: JsonObject = {"id": message.id, "channel_id": message.channel.id}
            self.dispatch("MESSAGE_DELETE", message.channel, payload)
        self.showing.message_removed(message)

    def messages_deleted(self, channel: Channel, messages: list[Message]) -> None:
        """Take several messages of a channel away, with one event for all."""
        for message in messages:
            del channel.messages[message.id]
            message.version += 1
        ids: JsonObject = {"ids": [message.id for message in messages], "channel_id": channel.id}
        self.dispatch("MESSAGE_DELETE_BULK", channel, ids)
        for message in messages:
            self.showing.message_removed(message)

    def dispatch(self, event: str, channel: Channel, payload: JsonObject) -> None:
        """Send an event about a channel; in the server it carries the server's id."""
        if channel.foreign:
            return
        if channel.person is None:
            payload = payload | {"guild_id": self.world.guild_id}
        self.gateway.dispatch(event, payload)

    def _tell(self, message: Message, event: str) -> None:
        message.version += 1
        if message.only_for is None and not message.channel.foreign:
            self.gateway.dispatch(event, self.payloads.dispatched(message, new=event == "MESSAGE_CREATE"))
        self.showing.message_shown(message)

    def note_pings(self, message: Message, names: list[str], because: str) -> None:
        """Record who was pinged by a message of the bot; an edit records only new ones."""
        silent = bool(message.flags & SUPPRESS_NOTIFICATIONS)
        for name in names:
            if because != "reply" and name in message.pinged:
                continue
            self.pings.append(Ping(message.id, message.channel.id, name, because, silent))
            if because != "reply":
                message.pinged.append(name)
