"""Threads: the container of one conversation."""

from pydantic import Field

from bot.domain.record import Record


class Thread(Record):
    """One conversation, kept until it is deleted."""

    id: str
    created_at: int
    """Unix seconds."""
    metadata: dict[str, str] = Field(default_factory=dict)


class Summary(Record):
    """What was said before the part of a thread that still fits into the model's window.

    Covers every message of the thread whose run sequence number is at most `upto`; made once, kept, and replaced only
    by a summary that reaches further.
    """

    thread_id: str
    upto: int
    """Sequence number of the last run whose messages are covered."""
    text: str
    created_at: int
