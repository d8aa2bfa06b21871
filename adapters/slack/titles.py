"""What a conversation in direct messages is called: the beginning of its first question."""

import re

from bot.domain.deliveries import Event

LENGTH = 80
"""Characters; Slack takes 200, and shows fewer."""
_MARKS = re.compile(r"\*\*|~~|`+")


def title_of(said: Event) -> str:
    """One line of words, cut between two of them; the first file's name when nothing was written. May be empty."""
    text = said.text or next((file.name for file in said.files), "")
    line = " ".join(_MARKS.sub("", text).split())
    if len(line) <= LENGTH:
        return line
    cut = line[: LENGTH - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"
