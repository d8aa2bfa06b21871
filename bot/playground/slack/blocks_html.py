"""A message's blocks as HTML, and the buttons that they hold."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape

from bot.playground.slack.markup import Names, link_html, markdown_html, mrkdwn_html, plain_html
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_objects, as_text
from bot.playground.view import ButtonView


@dataclass(frozen=True, slots=True)
class BlockButton:
    """A button inside a message, and what a press of it sends."""

    view: ButtonView
    action: JsonObject
    """The entry of `actions` in a `block_actions` payload, without its time."""


def blocks_html(blocks: Iterable[JsonObject], names: Names) -> str:
    """All blocks, one after the other; buttons are left out, the page draws them itself."""
    return "".join(_block_html(block, names) for block in blocks)


def _block_html(block: JsonObject, names: Names) -> str:
    renderer = _RENDERERS.get(as_text(block.get("type")))
    return renderer(block, names) if renderer else ""


def _text_html(value: JsonValue, names: Names) -> str:
    text = as_object(value)
    if text.get("type") == "plain_text":
        return plain_html(as_text(text.get("text")))
    return mrkdwn_html(as_text(text.get("text")), names)


def _markdown(block: JsonObject, names: Names) -> str:
    return markdown_html(as_text(block.get("text")), names)


def _section(block: JsonObject, names: Names) -> str:
    texts = [block["text"]] if "text" in block else []
    return "".join(f"<div>{_text_html(text, names)}</div>" for text in [*texts, *as_list(block.get("fields"))])


def _header(block: JsonObject, names: Names) -> str:
    return f"<h3>{_text_html(block.get('text'), names)}</h3>"


def _divider(_block: JsonObject, _names: Names) -> str:
    return "<hr>"


def _context(block: JsonObject, names: Names) -> str:
    elements = as_objects(block.get("elements"))
    parts = (_image(one, names) if one.get("type") == "image" else _text_html(one, names) for one in elements)
    return f'<p class="context"><small>{" ".join(parts)}</small></p>'


def _image(block: JsonObject, _names: Names) -> str:
    """Images from elsewhere are named, never loaded."""
    url = as_text(block.get("image_url"))
    return link_html(url, as_text(block.get("alt_text")) or url)


def _table(block: JsonObject, names: Names) -> str:
    rows = ("".join(f"<td>{_cell(cell, names)}</td>" for cell in as_objects(row)) for row in as_list(block.get("rows")))
    return f"<table><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _cell(cell: JsonObject, names: Names) -> str:
    return escape(as_text(cell.get("text"))) if cell.get("type") == "raw_text" else _rich_text(cell, names)


def _rich_text(block: JsonObject, names: Names) -> str:
    """Rich text without its styles: what it says, line by line."""
    parts: list[str] = []
    for element in as_objects(block.get("elements")):
        kind = as_text(element.get("type"))
        if kind.startswith("rich_text"):
            parts.append(f"<p>{_rich_text(element, names)}</p>")
        elif kind == "link":
            url = as_text(element.get("url"))
            parts.append(link_html(url, as_text(element.get("text")) or url))
        else:
            parts.append(plain_html(_rich_words(element, kind, names)))
    return "".join(parts)


def _rich_words(element: JsonObject, kind: str, names: Names) -> str:
    if kind == "user":
        return names(f"@{as_text(element.get('user_id'))}")
    if kind == "channel":
        return names(f"#{as_text(element.get('channel_id'))}")
    if kind == "broadcast":
        return names(f"!{as_text(element.get('range'))}")
    return f":{as_text(element.get('name'))}:" if kind == "emoji" else as_text(element.get("text"))


_RENDERERS: dict[str, Callable[[JsonObject, Names], str]] = {
    "markdown": _markdown,
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "image": _image,
    "table": _table,
    "rich_text": _rich_text,
}


def block_buttons(blocks: Iterable[JsonObject]) -> tuple[BlockButton, ...]:
    """Every button; its id is its `action_id`, preceded by the block's where that alone is not unique."""
    found = [item for block in blocks for item in _buttons_of(block)]
    ids = [item.view.id for item in found]
    return tuple(
        item
        if ids.count(item.view.id) == 1
        else BlockButton(
            item.view.model_copy(update={"id": f"{as_text(item.action['block_id'])}/{item.view.id}"}), item.action
        )
        for item in found
    )


def _buttons_of(block: JsonObject) -> Iterator[BlockButton]:
    elements = as_objects(block.get("elements")) if block.get("type") != "rich_text" else []
    for element in [*elements, as_object(block.get("accessory"))]:
        kind = as_text(element.get("type"))
        base: JsonObject = {
            "type": kind,
            "action_id": element.get("action_id"),
            "block_id": block.get("block_id"),
        }
        if kind in {"button", "icon_button"}:
            kept = {name: element[name] for name in ("text", "value", "style") if name in element}
            yield _button(as_text(element.get("action_id")), element, base | kept)
        elif kind == "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                choice = as_object(element.get(name))
                action = base | {"text": choice.get("text"), "value": choice.get("value")}
                yield _button(f"{as_text(element.get('action_id'))}:{name.split('_')[0]}", choice, action)


def _button(button_id: str, element: JsonObject, action: JsonObject) -> BlockButton:
    label = as_text(as_object(element.get("text")).get("text"))
    style = element.get("style")
    return BlockButton(
        ButtonView(
            id=button_id,
            label=label,
            style="primary" if style == "primary" else "danger" if style == "danger" else "secondary",
        ),
        action,
    )
