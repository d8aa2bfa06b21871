"""A message's blocks: the answer as Markdown, the question above it and the buttons below."""

import re
from itertools import groupby
from typing import get_args

from adapters.slack.steps import Json, line
from bot.domain.record import Record
from bot.domain.steps import INTERRUPTION
from bot.relay.contract import Button, Operation, Outbound

_SMALL_PRINT, _ELEMENTS = 2_900, 10
"""Characters of a text in small print, and how many of them a block holds."""
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
DECISIONS: tuple[Operation, ...] = ("worked", "again", "skip")
"""Operations on one call, whose interruption the value has to name."""
OPINIONS: tuple[Operation, ...] = ("up", "down")
FEEDBACK = "run.feedback"
"""Action id of the pair of thumbs; which of the two it was stands at the beginning of the value."""
_VALUE = re.compile(rf"(?P<run>[A-Za-z0-9_-]{{1,100}})(?: (?P<call>{INTERRUPTION}))?")


class Target(Record):
    """What a button of ours is about."""

    op: Operation
    run_id: str
    call: str = ""
    """As `Button.call`."""


def blocks(outbound: Outbound, lead: str | None) -> list[Json]:
    """All blocks of a message. An edit replaces all of them, so the lead comes again each time."""
    parts: list[Json] = []
    if lead:
        parts.append({"type": "context", "elements": [_plain(lead)]})
    parts.append({"type": "markdown", "text": outbound.text})
    if (steps := line(outbound.tasks)) is not None:
        parts.append(steps)
    return [*parts, *below(outbound)]


def below(outbound: Outbound) -> list[Json]:
    """What stands below the text and its steps: small print and buttons."""
    parts: list[Json] = []
    if outbound.footer:
        pieces = [
            outbound.footer[start : start + _SMALL_PRINT] for start in range(0, len(outbound.footer), _SMALL_PRINT)
        ]
        parts.append({"type": "context", "elements": [_plain(piece) for piece in pieces[:_ELEMENTS]]})
    # Within a block no two action ids may be alike: the buttons of each call have a block of their own.
    opinions = {button.op: button for button in outbound.buttons if button.op in OPINIONS}
    others = [button for button in outbound.buttons if button.op not in OPINIONS]
    for _, about in groupby(others, key=_value):
        parts.append({"type": "actions", "elements": [_button(button) for button in about]})
    if len(opinions) == len(OPINIONS):
        parts.append({"type": "context_actions", "elements": [_thumbs(opinions["up"], opinions["down"])]})
    return parts


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def action_id(op: Operation) -> str:
    """How a button's operation is named in Slack."""
    return f"run.{op}"


def target(action: str, value: str | None) -> Target | None:
    """What a pressed button is about; None for foreign ones and those that make no sense."""
    op, value = _opinion(value or "") if action == FEEDBACK else (_operation(action), value)
    match = _VALUE.fullmatch(value or "")
    if op is None or match is None or (op in DECISIONS and not match["call"]):
        return None
    return Target(op=op, run_id=match["run"], call=match["call"] or "")


def _opinion(value: str) -> tuple[Operation | None, str]:
    """Which of the two thumbs it was, and what about."""
    word, _, about = value.partition(" ")
    return next((op for op in OPINIONS if op == word), None), about


def _operation(action: str) -> Operation | None:
    return next((op for op in OPERATIONS if action_id(op) == action), None)


def _value(button: Button) -> str:
    return f"{button.run_id} {button.call}" if button.call else button.run_id


def _thumbs(up: Button, down: Button) -> Json:
    """Slack's own pair of buttons for an opinion."""
    return {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": _thumb(up),
        "negative_button": _thumb(down),
    }


def _thumb(button: Button) -> Json:
    text = {"type": "plain_text", "text": button.label[:75]}
    return {"text": text, "value": f"{button.op} {button.run_id}", "accessibility_label": button.label[:75]}


def _button(button: Button) -> Json:
    label = {"type": "plain_text", "text": button.label[:75], "emoji": True}
    rendered: Json = {"type": "button", "text": label, "action_id": action_id(button.op), "value": _value(button)}
    return {**rendered, "style": "danger"} if button.danger else rendered
