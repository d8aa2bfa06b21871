"""From discord.py's interactions to what the relay accepts."""

import discord

from adapters.discord.keys import NO_CHANNEL, PLATFORM, key_of, scope_of
from adapters.discord.material import author_of, file_of
from adapters.discord.places import Place, refuge_of
from adapters.discord.titles import shortened
from bot.domain.deliveries import Address, Event
from bot.relay.contract import Inbound

_QUOTE = 80


def is_moderator(person: discord.User | discord.Member) -> bool:
    """Whether the person may act on other people's answers."""
    return isinstance(person, discord.Member) and person.guild_permissions.manage_messages


def from_ask(interaction: discord.Interaction, question: str, file: discord.Attachment | None) -> Inbound:
    """A question asked by `/ask`."""
    scope = scope_of(interaction.guild_id, interaction.channel_id)
    place = Place(
        channel=str(interaction.channel_id),
        guild=str(interaction.guild_id or ""),
        application=str(interaction.application_id),
        token=interaction.token,
        interaction=str(interaction.id),
        parent=refuge_of(interaction.channel),
        file_limit=str(interaction.filesize_limit),
        quote=shortened(question, _QUOTE),
    )
    return Inbound(
        event=Event(
            keys=(f"discord:interaction:{interaction.id}",),
            conversation=conversation_of(interaction),
            address=Address(platform=PLATFORM, place=place.model_dump(), scope=scope, secrets=("token",)),
            author=author_of(interaction.user),
            text=question,
            files=(file_of(file),) if file else (),
            scope=scope,
            channel=channel_of(interaction),
        ),
        addressed=True,
    )


def conversation_of(interaction: discord.Interaction) -> str:
    """Key of the conversation that a question belongs to. In a plain channel it is the question's own."""
    if in_plain_channel(interaction):
        return f"discord:{interaction.guild_id}{NO_CHANNEL}{interaction.id}"
    return channel_of(interaction)


def in_plain_channel(interaction: discord.Interaction) -> bool:
    """Whether it was used where no conversation is."""
    return interaction.guild_id is not None and not isinstance(interaction.channel, discord.Thread)


def channel_of(interaction: discord.Interaction) -> str:
    """Where it was used, as `Event.channel`; in a thread or a direct message that is also the conversation's key."""
    return key_of(str(interaction.guild_id or ""), interaction.channel_id or 0)
