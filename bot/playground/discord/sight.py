"""What a person can see and may send, with the reasons that Discord gives when something is not possible."""

from collections.abc import Sequence

from bot.playground.discord.rules import MIB, DiscordRules
from bot.playground.discord.world import Channel, Message, User, World
from bot.playground.view import NotPossible, Upload


def who_where(world: World, person: str, channel_id: str) -> tuple[User, Channel]:
    """A person and a channel that they see.

    Raises:
        NotPossible: there is no such person, or no such channel for them.
    """
    user, channel = world.people.get(person), world.channels.get(channel_id)
    if user is None:
        raise NotPossible(f"There is nobody called {person}.")
    if channel is None or not channel.seen_by(user):
        raise NotPossible("This channel does not exist for you.")
    return user, channel


def message_for(channel: Channel, message_id: str, user: User) -> Message:
    """A message that a person sees.

    Raises:
        NotPossible: it is gone, or somebody else's alone.
    """
    message = channel.messages.get(message_id)
    if message is None or (message.only_for and message.only_for is not user):
        raise NotPossible("This message does not exist any more.")
    return message


def check_said(rules: DiscordRules, text: str, files: Sequence[Upload]) -> None:
    """Refuse what a person cannot send.

    Raises:
        NotPossible: it is empty, too long, or its files are too many or too large.
    """
    if not text.strip() and not files:
        raise NotPossible("An empty message cannot be sent.")
    if rules.length(text) > rules.content_limit:
        raise NotPossible(f"Your message is longer than {rules.content_limit} characters.")
    if len(files) > rules.max_files:
        raise NotPossible(f"A message can carry {rules.max_files} files.")
    for file in files:
        if len(file.content) > rules.file_limit:
            raise NotPossible(f"{file.name} is larger than {rules.file_limit // MIB} MB.")
