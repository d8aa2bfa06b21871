"""A message's blocks: the answer as Markdown, the question above it and the buttons below."""

from typing import get_args

from bot.relay.contract import Button, Operation, Outbound

Json = dict[str, object]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)


def blocks(outbound: Outbound, lead: str | None) -> list[Json]:
    """All blocks of a message. An edit replaces all of them, so the lead comes again each time."""
    parts: list[Json] = []
    if lead:
        parts.append({"type": "context", "elements": [{"type": "plain_text", "text": lead, "emoji": False}]})
    parts.append({"type": "markdown", "text": outbound.text})
    if outbound.buttons:
        parts.append({"type": "actions", "elements": [_button(button) for button in outbound.buttons]})
    return parts


def action_id(op: Operation) -> str:
    """How a button's operation is named in Slack."""
    return f"run.{op}"


def operation(action: str) -> Operation | None:
    """The operation of a button of ours, None for foreign ones and those of another version."""
    return next((op for op in OPERATIONS if action_id(op) == action), None)


def _button(button: Button) -> Json:
    label = {"type": "plain_text", "text": button.label[:75], "emoji": True}
    rendered: Json = {"type": "button", "text": label, "action_id": action_id(button.op), "value": button.run_id}
    return {**rendered, "style": "danger"} if button.danger else rendered
