"""Where SQLite's file and the stored files lie: made here before anybody writes, for this user alone.

Modes are set, not only asked for: a umask cannot widen them, and a folder that was there before is narrowed when it is
ours. SQLite gives its `-wal` and `-shm` files the mode of the database file.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import OperatorError
from bot.store.urls import DatabaseAddress

_OURS_ALONE = 0o700
_FILE = 0o600


def blob_directory(data_dir: Path) -> Path:
    """Where the bytes of stored files are kept."""
    return data_dir / "files"


def make_places(address: DatabaseAddress, data_dir: Path) -> None:
    """Make the folders and an empty database file, where they are missing. PostgreSQL needs none of them.

    Raises:
        OperatorError: that is impossible; the text names the setting.
    """
    if address.kind == "postgres":
        return
    if address.file is not None:
        with _named("DATABASE_URL"):
            _make(address.file.parent)
            os.close(os.open(address.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE))
    with _named("DATA_DIR"):
        _make(data_dir)
        files = blob_directory(data_dir)
        files.mkdir(exist_ok=True, mode=_OURS_ALONE)
        files.chmod(_OURS_ALONE)


def _make(directory: Path) -> None:
    """Make a folder that only we can enter; the operator's own stays as it is."""
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True, mode=_OURS_ALONE)


@contextmanager
def _named(setting: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise OperatorError(f"{setting}: {error.filename} cannot be made or written: {error.strerror}.") from error
