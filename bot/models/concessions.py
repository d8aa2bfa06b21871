"""What a request can give up when a server refuses it: fields that are good to have but not needed."""

import re

from bot.models.json_values import JsonObject
from bot.models.refusals import Refusal

OPTIONAL_FIELDS = (
    "stream_options",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "include",
    "store",
    "temperature",
    "top_p",
    "max_completion_tokens",
    "max_tokens",
)

_OTHER_NAME = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
"""The two names of one limit: the refused one is replaced by the other."""

_LOST_ITEMS = ("not persisted", "item with id", "encrypted content", "encrypted_content", "reasoning item")


def refused_field(refusal: Refusal, body: JsonObject) -> str | None:
    """The optional field of the body that a 400 or 422 complains about, if it is one."""
    if refusal.status not in {400, 422}:
        return None
    present = [name for name in OPTIONAL_FIELDS if name in body]
    param = refusal.param.split(".")[0]
    return next((name for name in present if name == param or _names(refusal.message, name)), None)


def _names(message: str, name: str) -> bool:
    """Words of everyday English count only in quotes; names with an underscore always do."""
    pattern = rf"\b{name}\b" if "_" in name else rf"['\"`]{name}['\"`]"
    return re.search(pattern, message) is not None


def without(body: JsonObject, refused: set[str]) -> JsonObject:
    """The body without the fields that this server refused before."""
    kept = {name: value for name, value in body.items() if name not in refused}
    for name in refused & body.keys():
        other = _OTHER_NAME.get(name)
        if other and other not in refused:
            kept[other] = body[name]
    return kept


def lost_items(refusal: Refusal) -> bool:
    """Whether the server does not know (any more) the reasoning items that were replayed."""
    return refusal.status in {400, 404} and refusal.names_any(*_LOST_ITEMS)
