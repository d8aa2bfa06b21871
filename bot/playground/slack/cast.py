"""Who on the page is whom in the workspace, and what they can see."""

from bot.playground.slack.records import Channel, Member, Message
from bot.playground.slack.world import World
from bot.playground.view import NotPossible


class Cast:
    """The people of the page. Errors are `NotPossible` with what Slack would show."""

    def __init__(self, world: World) -> None:
        self._world = world

    def member(self, person: str) -> Member:
        """The member that a person on the page is."""
        member = self._world.person(person)
        if member is None or member.is_bot:
            raise NotPossible(f"There is nobody called {person}.")
        return member

    def place(self, person: str, name: str) -> Channel:
        """A channel that the person can see, by id or name; `dm` is their direct messages with the bot."""
        member = self.member(person)
        channel = self._world.channel(member.id if name == "dm" else name)
        if channel is None or member.id not in channel.members:
            raise NotPossible(f"There is no channel {name}.")
        return channel

    def message(self, person: str, channel: str, ts: str) -> Message:
        """A message that the person can see."""
        member, place = self.member(person), self.place(person, channel)
        message = self._world.message(place.id, ts)
        if message is None or message.only_for not in (None, member.id):
            raise NotPossible("This message does not exist any more.")
        return message
