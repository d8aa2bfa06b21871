"""One workspace with everything that can happen in it. There may be several, and one app that is installed in some."""

import random
from collections.abc import Callable

from bot.playground.slack.acts import Acts
from bot.playground.slack.cast import Cast
from bot.playground.slack.changes import Changes
from bot.playground.slack.chores import Chores
from bot.playground.slack.clicks import Clicks
from bot.playground.slack.events import Events
from bot.playground.slack.installs import Installs
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.journal import Journal
from bot.playground.slack.rates import Rates
from bot.playground.slack.records import Message
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.streams import Streams
from bot.playground.slack.webapi.desk import Desk
from bot.playground.slack.wire import JsonObject
from bot.playground.slack.workspace import Workspace
from bot.playground.slack.world import World
from bot.playground.view import Change, NotPossible


class Premises:
    """A workspace: its state, its people's deeds, its rate limits, and the app's desk in it."""

    def __init__(
        self,
        rules: SlackRules,
        world: World,
        chance: random.Random,
        installs: Installs,
        sockets: SocketMode,
        journal: Journal,
        changes: Changes,
        chores: Chores,
        views: list[JsonObject],
    ) -> None:
        self.world = world
        self.events = Events(rules, world, chance, sockets, chores, lambda: installs.at(world.team))
        self.workspace = Workspace(rules, world, self.events, journal, changes, chores)
        self.interactions = Interactions(rules, world)
        self.streams = Streams(rules, world, self.workspace, self.events, chores)
        self.desk = Desk(
            rules,
            world,
            self.workspace,
            sockets,
            self.interactions,
            self.streams,
            journal,
            views,
            lambda: installs.at(world.team),
        )
        self.rates = Rates(rules)
        self.cast = Cast(world)
        self.acts = Acts(self.desk, self.events, self.cast)
        self.clicks = Clicks(self.desk, self.cast)

    def set_rules(self, rules: SlackRules) -> None:
        """Other rules from now on."""
        for part in (self.events, self.workspace, self.interactions, self.streams, self.desk, self.rates):
            part.rules = rules

    def speak(self, person: str, channel: str, text: str, *, thread: str | None = None) -> str:
        """A person sends a message; returns its ts."""
        return self.acts.speak(person, channel, text, thread, ())

    def messages(self, channel: str, *, thread: str | None = None) -> tuple[Message, ...]:
        """Messages by channel id or name, oldest first, ephemeral ones included; or one thread, root included."""
        place = self.world.channel(channel)
        if place is None:
            raise NotPossible(f"There is no channel {channel}.")
        found = self.world.messages(place.id)
        return found if thread is None else tuple(message for message in found if message.root == thread)


def elsewhere(changes: Changes) -> Changes:
    """The changes of a workspace that no page shows: whoever waits is woken all the same."""
    return _Unshown(changes.wake)


class _Unshown(Changes):
    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__()
        self._wake = wake

    def show(self, change: Change) -> None:
        """Nobody sees it."""
        del change
        self._wake()

    def wake(self) -> None:
        """Wake whoever waits for the server."""
        self._wake()
