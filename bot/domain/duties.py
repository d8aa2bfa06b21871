"""Duties: what exactly one living process does at a time, such as keeping a connection or a periodic job."""

from bot.domain.record import Record


class Duty(Record):
    """The right to do it, valid until somebody else takes the duty with a higher fence."""

    name: str
    worker_id: str
    fence: int
