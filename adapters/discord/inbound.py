"""From discord.py's interactions to what the relay accepts."""

import discord

from adapters.discord.keys import NO_CHANNEL, PLATFORM, key_of, scope_of
from adapters.discord.material import author_of
from adapters.discord.places import Audience, Place, refuge_of
from adapters.discord.titles import shortened
from bot.domain.deliveries import Address, Event, Heard, RemoteFile
from bot.domain.record import Record
from bot.relay.contract import Inbound

_QUOTE = 80


class Asked(Record):
    """A question and how it is to be answered, whether it came by a command, a menu or a form."""

    text: str
    files: tuple[RemoteFile, ...] = ()
    private: bool = False
    """Only the person sees the answer."""
    on_its_own: bool = False
    """It belongs to no conversation: what was said before in the place is read anew."""
    about: int | None = None
    """The thread that is to be read, when it is another one than where the question was asked."""
    pointed_at: tuple[Heard, ...] = ()
    assistant: str = ""


def from_ask(interaction: discord.Interaction, asked: Asked) -> Inbound:
    """A question that was asked by an interaction."""
    audience = _audience(interaction, asked)
    place = Place(
        channel=str(asked.about or interaction.channel_id),
        guild=str(interaction.guild_id or ""),
        application=str(interaction.application_id),
        token=interaction.token,
        interaction=str(interaction.id),
        style="channel" if asked.on_its_own and not asked.about and in_plain_channel(interaction) else "",
        history="yes" if may_read_history(interaction) else "",
        audience=audience,
        person=str(interaction.user.id) if audience else "",
        parent=refuge_of(interaction.channel),
        file_limit=str(interaction.filesize_limit),
        quote=shortened(asked.text, _QUOTE),
    )
    scope = scope_in(interaction)
    private = audience == "asker"
    channel = channel_of(interaction)
    rules = rules_of(interaction)
    return Inbound(
        event=Event(
            keys=(f"{PLATFORM}:interaction:{interaction.id}",),
            conversation=_conversation(interaction, asked, private=private),
            address=Address(
                platform=PLATFORM, place=place.model_dump(), scope=scope, secrets=("token",), private=private
            ),
            author=author_of(interaction.user),
            text=asked.text,
            files=asked.files,
            scope=scope,
            channel=channel,
            parent=rules if rules != channel else "",
            pointed_at=asked.pointed_at,
            assistant=asked.assistant,
        ),
        addressed=True,
    )


def is_moderator(person: discord.User | discord.Member) -> bool:
    """Whether the person may act on other people's answers."""
    return isinstance(person, discord.Member) and person.guild_permissions.manage_messages


def may_read_history(interaction: discord.Interaction) -> bool:
    """Whether the person may read what was said before in the place; in direct messages there are no permissions."""
    return interaction.guild_id is None or interaction.permissions.read_message_history


def is_guest(interaction: discord.Interaction) -> bool:
    """Whether we are no member where it happens: the person has installed us for themselves."""
    if interaction.guild_id is None:
        return isinstance(interaction.channel, discord.GroupChannel) or interaction.context.private_channel
    return interaction.is_user_integration() and not interaction.is_guild_integration()


def in_plain_channel(interaction: discord.Interaction) -> bool:
    """Whether it was used where no conversation is."""
    return interaction.guild_id is not None and not isinstance(interaction.channel, discord.Thread)


def scope_in(interaction: discord.Interaction) -> str:
    """Where a moderator has a say; nowhere where we are no member."""
    return "" if is_guest(interaction) else scope_of(interaction.guild_id, interaction.channel_id)


def channel_of(interaction: discord.Interaction) -> str:
    """Where it was used, as `Event.channel`; in a thread or a direct message that is also the conversation's key.

    Where we are no member each person has a conversation of their own, in each channel.
    """
    if is_guest(interaction):
        kind = interaction.guild_id or "group"
        return f"{PLATFORM}:guest{NO_CHANNEL}{kind}:{interaction.channel_id}:{interaction.user.id}"
    return key_of(str(interaction.guild_id or ""), interaction.channel_id or 0)


def rules_of(interaction: discord.Interaction) -> str:
    """The channel whose rules hold: of a thread, the one that it is in."""
    thread = interaction.channel
    if isinstance(thread, discord.Thread) and thread.parent_id and not is_guest(interaction):
        return key_of(interaction.guild_id, thread.parent_id)
    return channel_of(interaction)


def _audience(interaction: discord.Interaction, asked: Asked) -> Audience:
    """Direct messages with us are private as they are."""
    if asked.private and (interaction.guild_id is not None or is_guest(interaction)):
        return "asker"
    return "guest" if is_guest(interaction) else ""


def _conversation(interaction: discord.Interaction, asked: Asked, *, private: bool) -> str:
    """Key of the conversation that a question belongs to.

    In a plain channel it is the question's own. What a person asks privately in a channel is one conversation, theirs
    alone: nobody else's question and no public one has its key.
    """
    server = interaction.guild_id or ("guest" if is_guest(interaction) else None)
    alone = f"{PLATFORM}:{server}{NO_CHANNEL}"
    if asked.on_its_own:
        return f"{alone}{interaction.id}"
    if private:
        return f"{alone}private:{interaction.channel_id}:{interaction.user.id}"
    if in_plain_channel(interaction) and not is_guest(interaction):
        return f"{alone}{interaction.id}"
    return channel_of(interaction)
