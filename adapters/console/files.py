"""Files in both directions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bot.domain.names import file_name
from bot.errors import Refused
from bot.relay.contract import OutboundFile

PIECE = 65_536


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """A file's bytes.

    Raises:
        Refused: it cannot be read.
    """
    try:
        handle = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise Refused(f"It cannot be read ({error.strerror}).") from error
    try:
        while piece := await asyncio.to_thread(handle.read, PIECE):
            yield piece
    finally:
        await asyncio.to_thread(handle.close)


def save(folder: Path, file: OutboundFile) -> Path:
    """Write a file into the folder under its own name, or `name-2.txt` when that is taken. Returns where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    proper = Path(file_name(file.name))
    number = 1
    while True:
        path = folder / (proper.name if number == 1 else f"{proper.stem}-{number}{proper.suffix}")
        try:
            with path.open("xb") as handle:
                handle.write(file.content)
            return path
        except FileExistsError:
            number += 1
