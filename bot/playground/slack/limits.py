"""Block Kit's shapes and lengths as data: which keys a thing may have, which it must have, how long each may be."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shape:
    """What is allowed in one kind of block, element or object. Sizes are characters, or items for lists."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    most: dict[str, int] = field(default_factory=dict[str, int])
    """Greatest length of a key's text or list."""
    plain: tuple[str, ...] = ()
    """Keys that hold a `plain_text` object."""
    text: tuple[str, ...] = ()
    """Keys that hold a text object of either kind."""
    texts: tuple[str, ...] = ()
    """Keys that hold a list of text objects, whose own limit is under `name[]` in `most`."""
    elements: tuple[str, ...] = ()
    """Element types that `elements` may hold."""
    loose: bool = False
    """Keys are not checked: Slack takes more here than this stand-in knows."""


_MENUS = (
    "static_select", "external_select", "users_select", "conversations_select", "channels_select",
    "multi_static_select", "multi_users_select", "overflow", "datepicker", "timepicker", "datetimepicker",
    "radio_buttons", "checkboxes",
)  # fmt: skip

CHOICES = ("static_select", "radio_buttons")
"""Menus whose options are checked as well."""
INPUTS = ("plain_text_input", *_MENUS)
"""What an input block may hold."""

BLOCKS: dict[str, Shape] = {
    "markdown": Shape(("text",)),
    "section": Shape(
        optional=("text", "fields", "accessory", "expand"),
        most={"text": 3_000, "fields": 10, "fields[]": 2_000},
        text=("text",),
        texts=("fields",),
    ),
    "header": Shape(("text",), ("level",), {"text": 150}, plain=("text",)),
    "divider": Shape(),
    "context": Shape(("elements",), most={"elements": 10}, elements=("mrkdwn", "plain_text", "image")),
    "actions": Shape(("elements",), most={"elements": 25}, elements=("button", *_MENUS, "workflow_button")),
    "context_actions": Shape(("elements",), most={"elements": 5}, elements=("feedback_buttons", "icon_button")),
    "image": Shape(
        ("alt_text",),
        ("image_url", "slack_file", "title"),
        {"alt_text": 2_000, "image_url": 3_000, "title": 2_000},
        plain=("title",),
    ),
    "table": Shape(("rows",), ("column_settings",), {"rows": 100, "column_settings": 20}),
    "rich_text": Shape(("elements",), loose=True),
    "card": Shape(loose=True, most={"body": 200}, text=("body",)),
    "container": Shape(loose=True, most={"children": 10, "child_blocks": 10}),
    "file": Shape(loose=True),
    "video": Shape(loose=True),
    "input": Shape(
        ("label", "element"),
        ("hint", "optional", "dispatch_action"),
        {"label": 2_000, "hint": 2_000},
        plain=("label", "hint"),
    ),
    "plan": Shape(loose=True),
    "task_card": Shape(loose=True),
}

VIEW_BLOCKS = frozenset(
    {"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "table", "video"}
)
"""What modals and home pages may hold: no `markdown` and no `context_actions`, which belong to messages."""
VIEW_BLOCKS_MOST = 100

ELEMENTS: dict[str, Shape] = {
    "button": Shape(
        ("text",),
        ("action_id", "url", "value", "style", "confirm", "accessibility_label"),
        {"text": 75, "value": 2_000, "url": 3_000, "action_id": 255, "accessibility_label": 75},
        plain=("text",),
    ),
    "feedback_buttons": Shape(("positive_button", "negative_button"), ("action_id",), {"action_id": 255}),
    "icon_button": Shape(
        ("icon", "text"),
        ("action_id", "value", "confirm", "accessibility_label", "visible_to_user_ids"),
        {"action_id": 255, "value": 2_000},
        plain=("text",),
    ),
    "image": Shape(("alt_text",), ("image_url", "slack_file"), {"alt_text": 2_000, "image_url": 3_000}),
    "mrkdwn": Shape(("text",), ("verbatim",), {"text": 3_000}),
    "plain_text": Shape(("text",), ("emoji",), {"text": 3_000}),
    "workflow_button": Shape(loose=True),
    "plain_text_input": Shape(
        optional=(
            "action_id",
            "placeholder",
            "initial_value",
            "multiline",
            "min_length",
            "max_length",
            "dispatch_action_config",
            "focus_on_load",
        ),
        most={"action_id": 255, "placeholder": 150, "initial_value": 3_000},
        plain=("placeholder",),
    ),
    "static_select": Shape(
        ("options",),
        ("action_id", "placeholder", "initial_option", "confirm", "focus_on_load"),
        {"action_id": 255, "placeholder": 150, "options": 100},
        plain=("placeholder",),
    ),
    "radio_buttons": Shape(
        ("options",), ("action_id", "initial_option", "confirm", "focus_on_load"), {"action_id": 255, "options": 10}
    ),
    **{menu: Shape(loose=True, most={"action_id": 255, "options": 100}) for menu in _MENUS if menu not in CHOICES},
}

FEEDBACK_BUTTON = Shape(("text", "value"), ("accessibility_label",), {"text": 75, "value": 2_000}, plain=("text",))
CONFIRM = Shape(
    ("title", "text", "confirm", "deny"),
    ("style",),
    {"title": 100, "text": 300, "confirm": 30, "deny": 30},
    plain=("title", "confirm", "deny"),
    text=("text",),
)
OPTION = Shape(
    ("text", "value"),
    ("description", "url"),
    {"text": 75, "value": 150, "description": 75},
    plain=("text", "description"),
)
BLOCK_ID = 255
TABLE_CELLS = 20
TABLE_CHARACTERS = 10_000
