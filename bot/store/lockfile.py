"""One process per SQLite database."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import OperatorError


@contextmanager
def only_process(database: Path | None) -> Generator[None, None, None]:
    """Hold the lock file beside the database. The system lets go of it when the process dies, however it dies.

    Raises:
        OperatorError: another process holds it, or it cannot be made.
    """
    if database is None:
        yield
        return
    lock = database.with_name(database.name + ".lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OperatorError(f"DATABASE_URL: {lock} cannot be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(
                f"Another process is using {database}: stop it first, or use PostgreSQL for several processes."
            ) from error
        yield
    finally:
        os.close(handle)
