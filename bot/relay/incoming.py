"""What people send, made storable: no characters that a database refuses, names on one line, no endless texts."""

import re

from bot.domain.deliveries import Event, RemoteFile
from bot.ports import Files
from bot.relay.attachments import STORED, clean_name
from bot.relay.policy import RelayPolicy

NO_TEXT = "(no text)"
_EXCERPT = 2_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_LONGEST_NAME = 80


def clean(event: Event) -> Event:
    """The event with storable text, a name that cannot pretend to be anything else, and something to answer to."""
    name = " ".join(_INVISIBLE.sub(" ", event.author.name).split())[:_LONGEST_NAME] or "somebody"
    text = _UNSTORABLE.sub("\ufffd", event.text)
    if not text.strip():
        text = "" if event.files else NO_TEXT
    files = tuple(file.model_copy(update={"name": clean_name(file.name)}) for file in event.files)
    author = event.author.model_copy(update={"name": name})
    return event.model_copy(update={"text": text, "author": author, "files": files})


async def shorten(event: Event, files: Files, policy: RelayPolicy) -> Event:
    """The event with its text as a stored file and a note in its place, when it is longer than `policy.max_text`.

    Raises:
        StoreUnavailable: the text could not be stored.
    """
    if len(event.text) <= policy.max_text:
        return event
    file = await files.add("message.txt", event.text.encode(), "text/plain")
    note = f"(This message has {len(event.text):,} characters. All of it is in the attached file message.txt.)"
    stored = RemoteFile(name=file.filename, size=file.bytes, source={STORED: file.id})
    text = f"{event.text[:_EXCERPT]}…\n\n{note}"
    return event.model_copy(update={"text": text, "files": (stored, *event.files)})
