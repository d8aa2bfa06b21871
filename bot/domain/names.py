"""Names of people and files: whatever somebody typed, made fit to be shown, stored and read by a model."""

import re
import unicodedata

SOMEONE = "someone"
"""A person whose name shows nothing."""
UNNAMED = "file"
"""A file whose name shows nothing."""
LONGEST_PERSON = 80
"""Characters that remain of a person's name."""
LONGEST_FILE = 120
"""Characters that remain of a file's name, its suffix included."""
_LONGEST_SUFFIX = 16
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that look like nothing, so that a name of them would look like no name."""


def person_name(text: str, fallback: str = SOMEONE) -> str:
    """A person's name on one line, without control or invisible characters, at most 80 characters long.

    Args:
        text: as the platform tells it.
        fallback: what they are called when nothing of it can be seen.
    """
    return _seen(text)[:LONGEST_PERSON].rstrip() or fallback


def file_name(text: str) -> str:
    """A file name that is only a name: no path, nothing invisible, at most 120 characters, never empty."""
    name = _seen(re.split(r"[/\\]", text)[-1]).lstrip(". ") or UNNAMED
    if len(name) <= LONGEST_FILE:
        return name
    stem, dot, suffix = name.rpartition(".")
    tail = f"{dot}{suffix}" if stem and len(suffix) <= _LONGEST_SUFFIX else ""
    return name[: LONGEST_FILE - len(tail)] + tail


def _seen(text: str) -> str:
    """What can be seen of `text`, on one line; empty when that is only marks without a letter to stand on."""
    kept = (" " if char.isspace() else char for char in unicodedata.normalize("NFC", text) if not _is_hidden(char))
    line = " ".join("".join(kept).split())
    return "" if all(unicodedata.category(char).startswith("M") for char in line) else line


def _is_hidden(char: str) -> bool:
    """Controls, format characters (joiners, direction marks), surrogates, unassigned and private ones, blanks."""
    return char in _BLANKS or (unicodedata.category(char).startswith("C") and not char.isspace())
