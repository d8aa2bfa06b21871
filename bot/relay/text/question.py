"""The question that only a person can answer: what became of a tool call that was interrupted."""

import re

from bot.domain.steps import ToolCall
from bot.relay.text.document import word

_MOST = 160
"""Characters of the arguments that are shown: enough to know which call it was."""
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\xa0\u00ad\u061c\u115f\u1160\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
                        r"\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff]+")  # fmt: skip
"""What would break the line, hide something or turn the direction of writing around."""


def question(call: ToolCall) -> str:
    """The question as Markdown; its answers are the buttons below it."""
    arguments = _one_line(call.arguments)
    called = f" It was called with `{arguments}`." if arguments not in {"", "{}"} else ""
    return (
        f"⚠️ `{word(call.name)}` was interrupted after it had begun. Nobody knows whether it took effect.{called} "
        "Please check, then say how to go on."
    )


def _one_line(text: str) -> str:
    """Foreign text, fit to stand between backticks on one line."""
    line = re.sub(" +", " ", _INVISIBLE.sub(" ", text).replace("`", "'").replace("|", "¦")).strip()
    return f"{line[:_MOST].rstrip()}…" if len(line) > _MOST else line
