"""From discord.py's messages and interactions to what the relay accepts."""

import re

import discord

from adapters.discord.markup import as_markdown
from adapters.discord.places import Place
from bot.domain.deliveries import Address, Event, RemoteFile
from bot.domain.messages import Author
from bot.relay.contract import Inbound

PLATFORM = "discord"
NO_CHANNEL = ":interaction:"
"""In the keys of conversations that no channel holds: of a question in a plain channel, which ends with its answer."""
_ANSWERED_TYPES = (discord.MessageType.default, discord.MessageType.reply)
_KEY = re.compile(r"discord:(dm|\d+):(\d+)")
_THREAD_NAME = 60
_QUOTE = 80


def scope_of(guild: int | None, channel: int | None) -> str:
    """Where a moderator has a say: the server, or the direct message alone."""
    return f"{PLATFORM}:{guild or channel or ''}"


def author_of(person: discord.User | discord.Member) -> Author:
    """The person who wrote or clicked."""
    return Author(platform=PLATFORM, id=str(person.id), name=person.display_name)


def is_moderator(person: discord.User | discord.Member) -> bool:
    """Whether the person may act on other people's answers."""
    return isinstance(person, discord.Member) and person.guild_permissions.manage_messages


def from_message(message: discord.Message, own_id: int) -> Inbound | None:
    """A message that may be for the assistant; None for bots, joins, pins and what is said past it in a channel."""
    if message.author.bot or message.webhook_id or message.type not in _ANSWERED_TYPES:
        return None
    mentioned = any(user.id == own_id for user in message.mentions)
    in_thread = isinstance(message.channel, discord.Thread)
    if message.guild and not (mentioned or in_thread):
        return None
    text = as_markdown(message, own_id)
    if not (mentioned or text or message.attachments):
        return None  # a follow-up whose content is withheld without the message-content intent
    place = Place(
        channel=str(message.channel.id),
        guild=str(message.guild.id) if message.guild else "",
        message=str(message.id),
        thread_name=_thread_name(text) if message.guild and not in_thread else "",
    )
    scope = scope_of(message.guild.id if message.guild else None, message.channel.id)
    return Inbound(
        event=Event(
            keys=(f"discord:message:{message.id}",),
            conversation=_conversation(place.guild, place.target),
            address=Address(platform=PLATFORM, place=place.model_dump(), scope=scope),
            author=author_of(message.author),
            text=text,
            files=tuple(file_of(attachment) for attachment in message.attachments),
            scope=scope,
            channel=_conversation(place.guild, message.channel.id),
        ),
        addressed=mentioned or message.guild is None,
    )


def from_ask(interaction: discord.Interaction, question: str, file: discord.Attachment | None) -> Inbound:
    """A question asked by `/ask`."""
    scope = scope_of(interaction.guild_id, interaction.channel_id)
    place = Place(
        channel=str(interaction.channel_id),
        guild=str(interaction.guild_id or ""),
        application=str(interaction.application_id),
        token=interaction.token,
        interaction=str(interaction.id),
        quote=_shortened(question, _QUOTE),
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
    return _conversation(str(interaction.guild_id or ""), interaction.channel_id or 0)


def channel_in(conversation: str) -> tuple[int | None, int] | None:
    """The server (None for direct messages) and the channel of a conversation's key; None when it has no channel."""
    match = _KEY.fullmatch(conversation)
    return (None if match[1] == "dm" else int(match[1]), int(match[2])) if match else None


def kind_of(guild: int | None) -> str:
    """How the keys of a server's conversations begin; None means direct messages."""
    return f"discord:{guild or 'dm'}:"


def file_of(attachment: discord.Attachment) -> RemoteFile:
    """An attachment, still at Discord. Its URL is signed and expires, so it is taken in at once."""
    return RemoteFile(name=attachment.filename, size=attachment.size, source={"url": attachment.url})


def _conversation(guild: str, channel: int) -> str:
    return f"discord:{guild or 'dm'}:{channel}"


def _thread_name(text: str) -> str:
    return _shortened(text, _THREAD_NAME) or "Conversation"


def _shortened(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
