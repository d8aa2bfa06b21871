"""What threads are called: the beginning of the question, without anything that only looks like something else."""

import re

from bot.domain.names import person_name

_LONGEST = 60
"""Characters; Discord allows 100, and shows about half of that in its list."""
_NAMELESS = "Conversation"
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\([^()\s]{1,500}\)")
_ADDRESS = re.compile(r"https?://(?:www\.)?([^\s/?#<>]{1,80})[^\s<>]*", re.IGNORECASE)
_MARKS = re.compile(r"(?:^|(?<=\s))(?:[#>]{1,3}|-#?|\d+\.)\s+|[*`~|_]{2,}|[*`|]")


def thread_name(text: str) -> str:
    """The name of a thread that answers a question.

    Markdown is not rendered there, so its marks go; addresses are named by their host; a mass mention stays a word.
    """
    plain = _MARKS.sub("", _ADDRESS.sub(r"\1", _LINK.sub(r"\1", text[:1_000])))
    return shortened(person_name(plain.replace("@", ""), ""), _LONGEST) or _NAMELESS


def shortened(text: str, limit: int) -> str:
    """A text on one line, cut where it is longer than `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
