"""Column types: text that is cleaned on its way in, and values that live as JSON text."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from bot.store.text import clean, clean_tree

BigInt = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both databases; SQLite generates values for columns declared INTEGER only."""


class CleanText(TypeDecorator[str]):
    """Text; what no database can hold becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean the text on its way in."""
        return None if value is None else clean(str(value))


class Json(TypeDecorator[Any]):
    """A value of any type that pydantic knows, as JSON text.

    JSON text rather than a JSON column: it comes back as it was written, and nothing is ever queried inside it.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        """Take the value's type, for example `tuple[Part, ...]`."""
        super().__init__()
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write JSON, cleaned."""
        return None if value is None else dump_json(self._adapter, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it back."""
        return None if value is None else self._adapter.validate_json(value)


def dump_json(adapter: TypeAdapter[Any], value: Any) -> str:
    """JSON text of the value; the slow way is taken only when there is something to clean."""
    try:
        text = adapter.dump_json(value).decode()
    except PydanticSerializationError:  # a lone surrogate has no UTF-8
        text = None
    if text is not None and "\\u0000" not in text:
        return text
    return json.dumps(clean_tree(adapter.dump_python(value, mode="json")))
