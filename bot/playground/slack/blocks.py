"""Checks the blocks of a message as strictly as Slack: unknown types and keys, missing keys, lengths."""

from collections.abc import Iterable, Sequence

from bot.playground.slack.limits import (
    BLOCK_ID,
    BLOCKS,
    CHOICES,
    CONFIRM,
    ELEMENTS,
    FEEDBACK_BUTTON,
    INPUTS,
    OPTION,
    TABLE_CELLS,
    TABLE_CHARACTERS,
    VIEW_BLOCKS,
    VIEW_BLOCKS_MOST,
    Shape,
)
from bot.playground.slack.rules import SlackRules
from bot.playground.slack.wire import JsonObject, JsonValue, as_list, as_object, as_objects, as_text

_STYLES = frozenset({"primary", "danger"})


def problems(blocks: Sequence[JsonValue], rules: SlackRules) -> list[str]:
    """Everything that makes Slack answer `invalid_blocks`, each with its place; empty when the blocks are fine."""
    check = _Check()
    if len(blocks) > rules.blocks:
        check.note("", f"no more than {rules.blocks} items allowed")
    for index, block in enumerate(blocks):
        check.block(f"/blocks/{index}", block)
    check.unique("block_id", (as_text(block.get("block_id")) for block in as_objects(list(blocks))))
    if markdown_characters(blocks) > rules.markdown_characters:
        check.note("", f"markdown blocks must be less than {rules.markdown_characters + 1} characters together")
    return check.found


def view_block_problems(blocks: Sequence[JsonObject]) -> list[str]:
    """The same for the blocks of a modal or a home page, which may hold other kinds."""
    check = _Check()
    if not 1 <= len(blocks) <= VIEW_BLOCKS_MOST:
        check.note("", f"no fewer than 1 and no more than {VIEW_BLOCKS_MOST} items allowed")
    for index, block in enumerate(blocks):
        if block.get("type") not in VIEW_BLOCKS:
            check.note(f"/blocks/{index}", f"unsupported type: {block.get('type')}")
        else:
            check.block(f"/blocks/{index}", block)
    check.unique("block_id", (as_text(block.get("block_id")) for block in blocks))
    return check.found


def characters(blocks: Iterable[JsonValue]) -> int:
    """Length of all texts in all blocks."""
    total = 0
    for block in blocks:
        for key, value in as_object(block).items():
            if key == "text" and isinstance(value, str):
                total += len(value)
            else:
                total += characters([value] if isinstance(value, dict) else as_list(value))
        total += characters(as_list(block))
    return total


def markdown_characters(blocks: Iterable[JsonValue]) -> int:
    """Length of all markdown blocks."""
    return sum(len(as_text(block.get("text"))) for block in as_objects(list(blocks)) if block.get("type") == "markdown")


class _Check:
    """Walks over blocks and collects what is wrong."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, place: str, problem: str) -> None:
        self.found.append(f"[ERROR] {problem} [json-pointer:{place or '/blocks'}]")

    def unique(self, key: str, values: Iterable[str]) -> None:
        given = [value for value in values if value]
        if len(set(given)) < len(given):
            self.note("", f"`{key}` must be unique")

    def block(self, place: str, value: JsonValue) -> None:
        block = as_object(value)
        kind = as_text(block.get("type"))
        shape = BLOCKS.get(kind)
        if shape is None:
            self.note(place, f"unsupported type: {kind or value!r}")
            return
        self.shape(place, block, shape, ("type", "block_id"))
        if len(as_text(block.get("block_id"))) > BLOCK_ID:
            self.note(f"{place}/block_id", f"must be less than {BLOCK_ID + 1} characters")
        self.elements(place, block, shape)
        self.special(place, kind, block)

    def special(self, place: str, kind: str, block: JsonObject) -> None:
        if kind == "markdown" and not as_text(block.get("text")).strip():
            self.note(f"{place}/text", "must be more than 0 characters")
        elif kind == "section":
            if not block.get("text") and not block.get("fields"):
                self.note(place, "missing required field: text")
            if "accessory" in block:
                self.element(f"{place}/accessory", block["accessory"], tuple(ELEMENTS))
        elif kind == "input":
            self.element(f"{place}/element", block.get("element"), INPUTS)
        elif kind == "table":
            self.table(place, block)
        elif kind == "image" and not block.get("image_url") and not block.get("slack_file"):
            self.note(place, "missing required field: image_url")

    def table(self, place: str, block: JsonObject) -> None:
        rows = as_list(block.get("rows"))
        if any(len(as_list(row)) > TABLE_CELLS for row in rows):
            self.note(f"{place}/rows", f"no more than {TABLE_CELLS} cells allowed")
        if characters(rows) > TABLE_CHARACTERS:
            self.note(f"{place}/rows", f"must be less than {TABLE_CHARACTERS + 1} characters")

    def elements(self, place: str, block: JsonObject, shape: Shape) -> None:
        if not shape.elements:
            return
        elements = as_list(block.get("elements"))
        if not elements:
            self.note(f"{place}/elements", "no fewer than 1 items required")
        for index, element in enumerate(elements):
            self.element(f"{place}/elements/{index}", element, shape.elements)
        self.unique("action_id", (as_text(element.get("action_id")) for element in as_objects(elements)))

    def element(self, place: str, value: JsonValue, allowed: tuple[str, ...]) -> None:
        element = as_object(value)
        kind = as_text(element.get("type"))
        if kind not in allowed:
            self.note(place, f"unsupported type: {kind or value!r}")
            return
        self.shape(place, element, ELEMENTS[kind], ("type",))
        if "style" in element and element["style"] not in _STYLES:
            self.note(f"{place}/style", "must be a valid enum value")
        if "confirm" in element:
            self.shape(f"{place}/confirm", as_object(element["confirm"]), CONFIRM)
        if kind in CHOICES:
            self.options(place, element)
        if kind == "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                self.shape(f"{place}/{name}", as_object(element.get(name)), FEEDBACK_BUTTON)

    def options(self, place: str, element: JsonObject) -> None:
        options = as_list(element.get("options"))
        if not options:
            self.note(f"{place}/options", "no fewer than 1 items required")
        for index, option in enumerate(options):
            self.shape(f"{place}/options/{index}", as_object(option), OPTION)
        if "initial_option" in element and element["initial_option"] not in options:
            self.note(f"{place}/initial_option", "must be one of the options")

    def shape(self, place: str, value: JsonObject, shape: Shape, always: tuple[str, ...] = ()) -> None:
        for name in shape.required:
            if name not in value:
                self.note(place, f"missing required field: {name}")
        if not shape.loose:
            for name in value:
                if name not in (*shape.required, *shape.optional, *always):
                    self.note(place, f"invalid additional property: {name}")
        for name, item in value.items():
            self.field(f"{place}/{name}", name, item, shape)

    def field(self, place: str, name: str, value: JsonValue, shape: Shape) -> None:
        most = shape.most.get(name)
        if name in shape.plain or name in shape.text:
            self.text(place, value, most, plain=name in shape.plain)
        elif name in shape.texts:
            for index, item in enumerate(as_list(value)):
                self.text(f"{place}/{index}", item, shape.most.get(f"{name}[]"), plain=False)
        elif name == "text" and not isinstance(value, str):
            self.note(place, "must be a string")
        if isinstance(value, str | list) and most is not None and len(value) > most:
            unit = "characters" if isinstance(value, str) else "items"
            self.note(place, f"must be less than {most + 1} {unit}")

    def text(self, place: str, value: JsonValue, most: int | None, *, plain: bool) -> None:
        text = as_object(value)
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if text.get("type") not in kinds:
            self.note(f"{place}/type", f"must be one of {', '.join(kinds)}")
            return
        self.shape(place, text, ELEMENTS[as_text(text["type"])], ("type",))
        length = len(as_text(text.get("text")))
        if length < 1:
            self.note(f"{place}/text", "must be more than 0 characters")
        if most is not None and length > most:
            self.note(f"{place}/text", f"must be less than {most + 1} characters")
