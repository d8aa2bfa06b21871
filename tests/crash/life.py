"""One life of the bot in a process of its own, which ends with SIGKILL at a chosen commit."""

import os
import re
import signal
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Pool, event
from sqlalchemy.engine import Engine

from tests.support.forked import be_the_bot

Moment = Literal["before", "after"]

_WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)", re.IGNORECASE)
_BOOKKEEPING = frozenset({"workers", "lanes", "assistants", "notes", "alembic_version", "set"})
"""Tables whose writes are no recorded step: heartbeats, claims, start-up (and `DO UPDATE SET`, which is no table)."""


def live(environment: dict[str, str], folder: Path, moment: Moment, number: int) -> None:
    """Be the bot until the `number`-th commit of a recorded step, then die just before or just after it.

    Args:
        environment: what the operator would set.
        folder: working directory; the log goes to `bot.log` in it.
        moment: on which side of the commit to die.
        number: counts from 1; 0 never dies.
    """
    if number:
        _Death(moment, number).lie_in_wait()
    be_the_bot(environment, folder, folder / "bot.log")


class _Death:
    """Counts the commits that record something."""

    def __init__(self, moment: Moment, number: int) -> None:
        self._moment = moment
        self._left = number

    def lie_in_wait(self) -> None:
        """Listen to every engine of this process."""
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)
        event.listen(Pool, "checkin", self._returned)

    def _statement(self, connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        tables = {table.lower() for table in _WRITES.findall(statement)}
        if tables - _BOOKKEEPING:
            connection.info["records"] = True

    def _commit(self, connection: Connection) -> None:
        if not connection.info.pop("records", False):
            return
        self._left -= 1
        if self._left == 0:
            if self._moment == "before":
                _die()
            connection.info["doomed"] = True

    def _returned(self, _connection: Any, record: Any) -> None:
        if record.info.get("doomed"):
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
