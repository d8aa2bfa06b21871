"""What a message says beside its text: embeds, stickers, polls, forwards; and messages as material to read."""

from collections.abc import Iterable, Sequence

import discord

from adapters.discord.keys import PLATFORM, message_key
from adapters.discord.markup import as_markdown, without_ids
from bot.domain.deliveries import Heard, RemoteFile
from bot.domain.messages import Author

FORWARDED_BY = Author(platform=PLATFORM, id="", name="somebody else")
"""Who wrote a forwarded message: Discord does not say."""


def author_of(person: discord.User | discord.Member) -> Author:
    """The person who wrote or clicked."""
    return Author(platform=PLATFORM, id=str(person.id), name=person.display_name)


def text_of(message: discord.Message, own_id: int) -> str:
    """All that is to be read in a message, our own mention left out. Empty when Discord withholds it."""
    parts = [as_markdown(message, own_id), *map(_embed, message.embeds), *_stickers(message.stickers)]
    if message.poll:
        answers = "".join(f"\n- {answer.text}" for answer in message.poll.answers)
        parts.append(f"(poll) {message.poll.question}{answers}")
    return _joined(parts)


def files_of(message: discord.Message) -> tuple[RemoteFile, ...]:
    """The files of a message."""
    return tuple(file_of(one, message.channel.id, message.id) for one in message.attachments)


def file_of(attachment: discord.Attachment, channel: int | None = None, message: int | None = None) -> RemoteFile:
    """An attachment, still at Discord. Its URL is signed and expires; by its message it can be had anew."""
    where = {"id": str(attachment.id), "channel": str(channel), "message": str(message)} if channel and message else {}
    return RemoteFile(name=attachment.filename, size=attachment.size, source={"url": attachment.url, **where})


def forwarded(message: discord.Message) -> tuple[Heard, ...]:
    """What a message forwards. It goes when the forward is deleted, so it has its key."""
    return tuple(
        Heard(
            key=message_key(message.id),
            author=FORWARDED_BY,
            text=_joined([without_ids(one.content), *map(_embed, one.embeds), *_stickers(one.stickers)]),
            files=tuple(file_of(file, message.channel.id, message.id) for file in one.attachments),
        )
        for one in message.message_snapshots
    )


def heard(message: discord.Message, own_id: int) -> Heard | None:
    """A message as material, with what it forwards; None when there is nothing to read in it."""
    passed_on = forwarded(message)
    text = _joined([text_of(message, own_id), *(f"(forwarded) {one.text}" for one in passed_on)])
    files = (*files_of(message), *(file for one in passed_on for file in one.files))
    if not (text or files):
        return None
    return Heard(key=message_key(message.id), author=author_of(message.author), text=text, files=files)


def is_withheld(message: discord.Message) -> bool:
    """Whether there is nothing in a message at all: so it is when Discord keeps the contents from us."""
    return not (
        message.content
        or message.attachments
        or message.embeds
        or message.stickers
        or message.poll
        or message.message_snapshots
    )


def _embed(embed: discord.Embed) -> str:
    named = [f"{field.name}: {field.value}" for field in embed.fields]
    said = [embed.author.name, embed.title, embed.description, *named, embed.footer.text]
    return without_ids("\n".join(part for part in said if part))


def _stickers(stickers: Sequence[discord.StickerItem]) -> list[str]:
    return [f"(sticker: {sticker.name})" for sticker in stickers]


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip())
