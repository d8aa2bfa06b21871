"""What people send, made storable: no characters that a database refuses, names on one line, no endless texts."""

import re
from collections.abc import Iterable

from bot.domain.deliveries import STORED, Event, Heard, RemoteFile
from bot.domain.files import File
from bot.domain.messages import Author
from bot.domain.names import file_name, person_name
from bot.ports import Files
from bot.relay.policy import RelayPolicy

NO_TEXT = "(no text)"
_EXCERPT = 2_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(event: Event, most: int) -> Event:
    """The event with storable text, a name that cannot pretend to be anything else, and something to answer to.

    Its scope goes where the delivery will keep it, into the address. What it refers to has at most so many characters.
    """
    address = event.address.model_copy(update={"scope": event.scope or event.address.scope})
    changes = {
        "text": clean_text(event.text, alone=not event.files),
        "author": _named(event.author),
        "files": _files(event.files),
        "address": address,
        "pointed_at": tuple(clean_heard(heard, most) for heard in event.pointed_at),
    }
    return event.model_copy(update=changes)


def clean_text(text: str, *, alone: bool = True) -> str:
    """What somebody wrote, storable; when it is all there is (`alone`), something to answer to."""
    storable = _UNSTORABLE.sub("\ufffd", text)
    if storable.strip():
        return storable
    return NO_TEXT if alone else ""


def clean_heard(heard: Heard, most: int) -> Heard:
    """A message that was heard, storable, with at most so many characters of its text."""
    text = clean_text(heard.text, alone=not heard.files)
    shown = text if len(text) <= most else f"{text[:most]}… (shortened)"
    return heard.model_copy(update={"text": shown, "author": _named(heard.author), "files": _files(heard.files)})


def _named(author: Author) -> Author:
    return author.model_copy(update={"name": person_name(author.name)})


def _files(files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    return tuple(file.model_copy(update={"name": file_name(file.name)}) for file in files)


async def shorten(event: Event, files: Files, policy: RelayPolicy) -> Event:
    """The event with its text as a stored file and a note in its place, when it is longer than `policy.max_text`.

    Raises:
        StoreUnavailable: the text could not be stored.
    """
    text, file = await shortened(event.text, files, policy)
    if file is None:
        return event
    stored = RemoteFile(name=file.filename, size=file.bytes, source={STORED: file.id})
    return event.model_copy(update={"text": text, "files": (stored, *event.files)})


async def shortened(text: str, files: Files, policy: RelayPolicy) -> tuple[str, File | None]:
    """The text, or its beginning with a note, and all of it as a file that belongs to nobody yet.

    Raises:
        StoreUnavailable: the text could not be stored.
    """
    if len(text) <= policy.max_text:
        return text, None
    file = await files.add("message.txt", text.encode(), "text/plain", claimed=False)
    note = f"(This message has {len(text):,} characters. All of it is in the attached file message.txt.)"
    return f"{text[:_EXCERPT]}…\n\n{note}", file
