"""What people send, made storable: no characters that a database refuses, names on one line, no endless texts."""

import re

from bot.domain.deliveries import STORED, Event, RemoteFile
from bot.domain.names import file_name, person_name
from bot.ports import Files
from bot.relay.policy import RelayPolicy

NO_TEXT = "(no text)"
_EXCERPT = 2_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(event: Event) -> Event:
    """The event with storable text, a name that cannot pretend to be anything else, and something to answer to.

    Its scope goes where the delivery will keep it, into the address.
    """
    text = _UNSTORABLE.sub("\ufffd", event.text)
    if not text.strip():
        text = "" if event.files else NO_TEXT
    files = tuple(file.model_copy(update={"name": file_name(file.name)}) for file in event.files)
    author = event.author.model_copy(update={"name": person_name(event.author.name)})
    address = event.address.model_copy(update={"scope": event.scope or event.address.scope})
    return event.model_copy(update={"text": text, "author": author, "files": files, "address": address})


async def shorten(event: Event, files: Files, policy: RelayPolicy) -> Event:
    """The event with its text as a stored file and a note in its place, when it is longer than `policy.max_text`.

    Raises:
        StoreUnavailable: the text could not be stored.
    """
    if len(event.text) <= policy.max_text:
        return event
    file = await files.add("message.txt", event.text.encode(), "text/plain", claimed=False)
    note = f"(This message has {len(event.text):,} characters. All of it is in the attached file message.txt.)"
    stored = RemoteFile(name=file.filename, size=file.bytes, source={STORED: file.id})
    text = f"{event.text[:_EXCERPT]}…\n\n{note}"
    return event.model_copy(update={"text": text, "files": (stored, *event.files)})
