"""What people think of answers, and what these cost."""

from bot.domain.record import Record
from bot.domain.runs import Usage


class Opinion(Record):
    """What one person thinks of one answer."""

    run_id: str
    person: str
    """`platform:id`."""
    good: bool
    comment: str | None = None
    created_at: int
    """Unix seconds of the newest word about it."""


class Account(Record):
    """What some questions took."""

    questions: int
    """Answered anew, a question counts once."""
    usage: Usage


class Forgotten(Record):
    """What was deleted with a thread."""

    messages: int
    files: int
