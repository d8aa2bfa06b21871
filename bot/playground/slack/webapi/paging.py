"""Cursors: how lists come in pages."""

import base64
from collections.abc import Sequence
from typing import TypeVar

from bot.playground.slack.webapi.arguments import Arguments, Refusal

T = TypeVar("T")


def page(items: Sequence[T], args: Arguments, limit: int, most: int) -> tuple[Sequence[T], str]:
    """The page that `limit` and `cursor` ask for, and the cursor of the next one (empty at the end).

    Raises:
        Refusal: a limit or cursor that makes no sense.
    """
    wanted = args.number("limit", limit)
    if not 1 <= wanted <= max(most, 1000):
        raise Refusal("invalid_limit")
    start = _offset(args.text("cursor"))
    end = start + min(wanted, most)
    return items[start:end], _cursor(end) if end < len(items) else ""


def _cursor(offset: int) -> str:
    return base64.b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except ValueError as problem:
        raise Refusal("invalid_cursor") from problem
