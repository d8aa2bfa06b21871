"""`<…>` in Slack's texts: what a person typed becomes entities, and entities say who is pinged and what unfurls."""

import re
from collections.abc import Iterable, Iterator

from bot.playground.slack.records import Message
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_text
from bot.playground.slack.world import World

_TYPED_LINK = re.compile(r"https?://[^\s<>|]*[^\s<>|.,;:!?)\]}'\"]")
_ENTITY = re.compile(r"<([^<>]*)>")
_LOOSE_LINK = re.compile(r"https?://[^\s<>|\"'`)\]]+")
USER = re.compile(r"@[UW][A-Z0-9]+")
"""A person in `<…>`; anything else behind an `@` (`<@everyone>`, `List<@Nullable T>`) is plain text to Slack."""
_MARKED_UP = frozenset({"mrkdwn", "markdown"})


def escape(text: str) -> str:
    """The three characters that Slack escapes in a message's text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The opposite of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def compose(world: World, typed: str) -> str:
    """What Slack makes of typed text: `@Name`, `#channel` and addresses become entities, the rest is escaped."""
    words = {f"@{member.name}": f"<@{member.id}>" for member in world.members.values()}
    words |= {f"#{one.name}": f"<#{one.id}|{one.name}>" for one in world.channels.values() if not one.is_direct}
    words |= {f"@{group}": f"<!{group}>" for group in ("channel", "here", "everyone")}
    names = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w@#])(?:{names})(?!\w)|{_TYPED_LINK.pattern}")
    parts: list[str] = []
    end = 0
    for match in pattern.finditer(typed):
        parts += [escape(typed[end : match.start()]), words.get(match[0]) or f"<{escape(match[0])}>"]
        end = match.end()
    return "".join([*parts, escape(typed[end:])])


def rich_text(text: str) -> JsonObject:
    """The `rich_text` block that Slack adds to what people write."""
    elements: list[JsonValue] = []
    end = 0
    for match in _ENTITY.finditer(text):
        elements += _plain_element(text[end : match.start()])
        elements.append(_entity_element(match[1]))
        end = match.end()
    elements += _plain_element(text[end:])
    return {"type": "rich_text", "block_id": "typed", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _plain_element(text: str) -> list[JsonValue]:
    return [{"type": "text", "text": unescape(text)}] if text else []


def _entity_element(inner: str) -> JsonValue:
    target = inner.split("|")[0]
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": unescape(target)}


def pinged(world: World, message: Message, *, names: bool) -> tuple[str, ...]:
    """Whom a bot's message addresses, by name, each once.

    Strict: entities count in `text`, mrkdwn and markdown alike, inside code too.

    Args:
        world: Who is who.
        message: The message.
        names: Whether bare `@Name` counts (`link_names`, `parse=full`).
    """
    found: dict[str, None] = {}
    for text in _texts(message):
        for match in _ENTITY.finditer(text):
            if (who := _addressee(world, match[1])) is not None:
                found[who] = None
        if names:
            for match in _ENTITY.finditer(compose(world, unescape(text))):
                if (who := _addressee(world, match[1])) is not None:
                    found[who] = None
    return tuple(found)


def _addressee(world: World, inner: str) -> str | None:
    target = inner.split("|")[0]
    if target in {"!channel", "!here", "!everyone", "!group"}:
        return "everyone"
    if target.startswith("!subteam"):
        return target[1:]
    if not USER.fullmatch(target):
        return None
    member = world.members.get(target[1:])
    return member.name if member else target[1:]


def links(message: Message) -> tuple[str, ...]:
    """Every http address in a bot's message, each once."""
    found: dict[str, None] = {}
    for text in _texts(message):
        for match in _LOOSE_LINK.finditer(text):
            found[match[0]] = None
    return tuple(found)


def _texts(message: Message) -> Iterator[str]:
    yield message.text
    yield from _marked_up(message.blocks)


def _marked_up(blocks: Iterable[JsonValue]) -> Iterator[str]:
    """The texts of blocks in which entities have a meaning."""
    for block in blocks:
        fields = as_object(block)
        if fields.get("type") in _MARKED_UP:
            yield as_text(fields.get("text"))
        for value in fields.values():
            yield from _marked_up([value] if isinstance(value, dict) else as_list(value))
