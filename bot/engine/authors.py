"""Names of people and files, made harmless before a model reads them: they are whatever somebody typed."""

import unicodedata

from bot.domain.messages import Author

NAME_LENGTH = 80
"""Characters that remain of a name."""
_BRACKETS = str.maketrans("[]<>", "()()")


def clean_name(name: str, fallback: str = "someone") -> str:
    """A name on one line: no control or invisible characters, no brackets that could end its marker."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name)
    return " ".join(visible.translate(_BRACKETS).split())[:NAME_LENGTH].rstrip() or fallback


def prefix(author: Author | None) -> str:
    """What stands before a person's words: `[Name]: `. Empty when nobody is known to have said them."""
    return "" if author is None else f"[{clean_name(author.name)}]: "
