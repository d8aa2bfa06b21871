"""When an answer in a chat is finished, as people see it."""

from bot.playground.view import MessageView
from bot.relay.answer import RATINGS, REGENERATE, TRY_AGAIN

_AFTER = {REGENERATE, TRY_AGAIN, *(label for _, label in RATINGS)}
"""Labels of the buttons under what is finished."""


def goes_on(message: MessageView) -> bool:
    """Whether there is a button that stops the answer, or decides about it."""
    return any(button.label not in _AFTER for button in message.buttons)
