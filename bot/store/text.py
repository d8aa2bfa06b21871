"""Text that every database can hold: no U+0000 (PostgreSQL refuses it) and no lone surrogates (no UTF-8 for them)."""

import re
from typing import Any, cast

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with every character that cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_tree(value: object) -> object:
    """`clean` for every text in a JSON value, keys included."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean_tree(key): clean_tree(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [clean_tree(item) for item in cast("list[Any]", value)]
        case _:
            return value
