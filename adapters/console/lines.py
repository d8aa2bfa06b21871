"""Lines from standard input without blocking the loop, wherever it comes from: keyboard, pipe or file."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator

PIECE = 65_536


async def lines(descriptor: int) -> AsyncGenerator[str]:
    """Lines without their ends, until the end of input.

    The thread reads the bare descriptor: it may still be waiting for the keyboard when the process ends, and
    `sys.stdin` would then be locked. It reads a copy, because it may outlive the owner of the original.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    threading.Thread(target=_pump, args=(os.dup(descriptor), loop, pieces), daemon=True, name="console input").start()
    rest = b""
    while piece := await pieces.get():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield _decoded(line)
    if rest:
        yield _decoded(rest)


def _pump(descriptor: int, loop: asyncio.AbstractEventLoop, pieces: "asyncio.Queue[bytes]") -> None:
    piece = b"."
    try:
        while piece:
            piece = _read(descriptor)
            loop.call_soon_threadsafe(pieces.put_nowait, piece)
    except RuntimeError:  # the loop is closed, nobody reads any more
        pass
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, PIECE)
    except OSError:  # the terminal went away: the same as its end
        return b""


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
