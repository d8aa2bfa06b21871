"""What a message body must fulfil before anything happens."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.playground.discord.refusals import invalid, refusal
from bot.playground.discord.rules import DiscordRules
from bot.playground.discord.wire import ComponentBody, JsonObject, MessageBody, UploadedFile, as_list, as_object

ACTION_ROW, BUTTON = 1, 2
_LINK_STYLE = 5
_EMBED_TOTAL = 6000
_LINK = re.compile(r"https?://[^\s<>\]\)]+")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_QUIET_LINK = re.compile(r"<https?://[^\s>]+>")


def check_content(rules: DiscordRules, content: str | None) -> None:
    """Refuse a text that is too long (50035)."""
    if content is not None and rules.length(content) > rules.content_limit:
        message = f"Must be {rules.content_limit} or fewer in length."
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", message)


def check_files(rules: DiscordRules, files: Mapping[int, UploadedFile]) -> None:
    """Refuse too many files (50035) and too large ones (40005)."""
    if len(files) > rules.max_files:
        message = f"Must be {rules.max_files} or fewer in length."
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", message)
    sizes = [len(file.content) for file in files.values()]
    if sum(sizes) > rules.request_limit or any(size > rules.file_limit for size in sizes):
        raise refusal(40005)


def check_embeds(embeds: Sequence[JsonObject] | None) -> None:
    """Refuse more than 10 embeds or 6,000 characters in them (50035)."""
    if embeds and len(embeds) > 10:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    if sum(_characters(embed) for embed in embeds or ()) > _EMBED_TOTAL:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _characters(embed: JsonObject) -> int:
    counted = {"title", "description", "text", "name", "value"}
    total = 0
    for name, value in embed.items():
        if isinstance(value, str) and name in counted:
            total += len(value)
        for inner in [value, *as_list(value)]:
            total += _characters(as_object(inner) or {})
    return total


def check_components(components: Sequence[ComponentBody] | None) -> None:
    """Refuse more than 5 rows of 5 buttons, labels and ids that are too long, and ids that come twice (50035)."""
    rows = [row for row in components or () if row.type == ACTION_ROW]
    if len(rows) > 5 or any(len(row.components or ()) > 5 for row in rows):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    seen: set[str] = set()
    for where, button in _buttons(components or (), "components"):
        if button.label is not None and len(button.label) > 80:
            raise invalid(f"{where}.label", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
        if button.style == _LINK_STYLE:
            continue
        if not button.custom_id or len(button.custom_id) > 100:
            raise invalid(f"{where}.custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        if button.custom_id in seen:
            message = "Component custom id cannot be duplicated"
            raise invalid(f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen.add(button.custom_id)


def _buttons(components: Sequence[ComponentBody], where: str) -> Iterator[tuple[str, ComponentBody]]:
    for index, component in enumerate(components):
        here = f"{where}.{index}"
        if component.type == BUTTON:
            yield here, component
        yield from _buttons(component.components or (), f"{here}.components")


def buttons_of(components: Sequence[ComponentBody]) -> list[ComponentBody]:
    """All buttons, however deep."""
    return [button for _, button in _buttons(components, "components")]


def numbered(components: Sequence[ComponentBody], first: int = 1) -> list[ComponentBody]:
    """The components with the ids that Discord gives them: counted from 1 through the whole message."""
    result: list[ComponentBody] = []
    for component in components:
        children = tuple(numbered(component.components, first + 1)) if component.components else None
        emoji = component.emoji
        result.append(
            component.model_copy(update={"id": component.id or first, "components": children, "emoji": emoji})
        )
        first += 1 + _count(component.components or ())
    return result


def _count(components: Sequence[ComponentBody]) -> int:
    return sum(1 + _count(component.components or ()) for component in components)


def is_empty(body: MessageBody, files: Mapping[int, UploadedFile]) -> bool:
    """Whether nothing of it would be seen (50006)."""
    return not ((body.content or "").strip() or body.embeds or body.components or files)


def check_nonce(nonce: int | str | None) -> None:
    """Refuse a nonce of more than 25 characters (50035)."""
    if nonce is not None and len(str(nonce)) > 25:
        raise invalid("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")


def links_with_preview(content: str) -> list[str]:
    """The links for which Discord would show a preview: not in code and not in angle brackets."""
    return _LINK.findall(_QUIET_LINK.sub("", _CODE.sub("", content)))
