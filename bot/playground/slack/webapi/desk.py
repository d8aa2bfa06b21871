"""What Web API methods work with, and the checks that many of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.playground.slack.installs import Grant
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.journal import Journal
from bot.playground.slack.records import Channel, Message
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.streams import Streams
from bot.playground.slack.webapi.arguments import Arguments, Refusal
from bot.playground.slack.wire import JsonObject
from bot.playground.slack.workspace import Workspace
from bot.playground.slack.world import World


@dataclass(slots=True)
class Desk:
    """The rooms that a method may enter."""

    rules: SlackRules
    world: World
    workspace: Workspace
    socket_mode: SocketMode
    interactions: Interactions
    streams: Streams
    journal: Journal
    views: list[JsonObject]
    """Modals that were opened."""
    installed: Callable[[], Grant | None]
    """The installation through which the app is here."""

    @property
    def grant(self) -> Grant | None:
        """The installation through which the app is here now."""
        return self.installed()

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the bot token may do."""
        granted = None if self.grant is None else self.grant.scopes
        return self.rules.scopes if granted is None else granted

    def need_scope(self, *scopes: str) -> None:
        """Refuse unless the token has one of these scopes."""
        if scopes and not any(scope in self.scopes for scope in scopes):
            raise Refusal("missing_scope", needed=scopes[0], provided=",".join(self.scopes))

    def channel(self, args: Arguments, name: str = "channel", *, anything: bool = False) -> Channel:
        """The channel that an argument names: an id, or (`anything`) also a `#name` or a user."""
        wanted = args.required(name, "channel_not_found" if anything else "invalid_arguments")
        channel = self.world.channel(wanted) if anything else self.world.channels.get(wanted)
        if channel is None:
            raise Refusal("channel_not_found")
        return channel

    def joined(self, channel: Channel) -> Channel:
        """The channel, if the bot is in it."""
        if self.world.team.bot_user not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: str) -> Message:
        """A message that history knows; ephemeral ones cannot be addressed."""
        message = self.world.message(channel.id, ts)
        if message is None or message.only_for is not None:
            raise Refusal("message_not_found")
        return message

    def thread(self, channel: Channel, args: Arguments) -> str | None:
        """The root that `thread_ts` names, if it is one."""
        ts = args.text("thread_ts")
        if not ts:
            return None
        root = self.world.message(channel.id, ts)
        if root is None or root.only_for is not None or root.thread_ts is not None:
            self.journal.faults_seen.append(f"thread_ts {ts} is not the root of a thread")
            raise Refusal("cannot_reply_to_message")
        return ts

    def read_scope(self, channel: Channel, verb: str) -> None:
        """Refuse unless the token may read (`history`, `read`) this kind of conversation."""
        self.need_scope(f"{'im' if channel.is_direct else 'channels'}:{verb}")


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the Web API."""

    name: str
    handle: Callable[[Desk, Arguments], JsonObject]
    accepts: tuple[str, ...]
    """Argument names; others are noted, as Slack ignores them."""
    scopes: tuple[str, ...] = ()
    """One of these is needed."""
    tier: str = "tier3"
    writes: bool = False
    per_channel: bool = False
    token: Literal["bot", "app"] = "bot"  # noqa: S105 - the kind of token, not one
