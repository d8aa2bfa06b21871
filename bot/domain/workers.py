"""Processes of one deployment: what each is there for, and how many there are."""

from typing import Literal

from bot.domain.record import Record

Role = Literal["all", "gateway", "worker"]
"""`gateway` receives, `worker` works on runs, `all` does both."""

RECEIVERS: tuple[Role, ...] = ("all", "gateway")
WORKERS: tuple[Role, ...] = ("all", "worker")


class Present(Record):
    """How many processes live and are not about to end, this one included."""

    receivers: int = 1
    """They share the connections to the platforms."""
    workers: int = 1
    """They share the lanes, and so the platforms' limits for edits."""
