"""Server-sent events out of bytes, however the network cut them."""

from collections.abc import Iterator

from bot.errors import BrokenStream

FRAME_LIMIT = 8 << 20
"""Bytes of one frame; a larger one is not an answer but an attack or an accident."""

DONE = b"[DONE]"
"""The chat wire's last frame, which is not JSON."""


class FrameSplitter:
    """Collects bytes and hands out the data of complete frames.

    Understands LF, CRLF and CR line ends, comments, `data:` with and without a space, and several data lines. A last
    frame without its blank line is never handed out: it is the trace of a cut stream.
    """

    def __init__(self, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Add bytes; yields the data of every frame that they complete.

        Raises:
            BrokenStream: a frame grows beyond the limit.
        """
        self._parts.append(chunk)
        self._size += len(chunk)
        if b"\n" in chunk or b"\r" in chunk:
            yield from self._frames()
        if self._size > self._limit:
            raise BrokenStream(f"The model sent a frame of more than {self._limit} bytes.")

    def _frames(self) -> Iterator[bytes]:
        buffer, held = b"".join(self._parts), b""
        if b"\r" in buffer:
            if buffer.endswith(b"\r"):
                buffer, held = buffer[:-1], b"\r"  # its LF may come with the next read
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *frames, rest = buffer.split(b"\n\n")
        rest += held
        self._parts, self._size = [rest], len(rest)
        for frame in frames:
            if data := _data_of(frame):
                yield data


def _data_of(frame: bytes) -> bytes:
    if b"\n" not in frame:
        return _value(frame) if frame.startswith(b"data:") else b""
    return b"\n".join(_value(line) for line in frame.split(b"\n") if line.startswith(b"data:"))


def _value(line: bytes) -> bytes:
    return line[6:] if line[5:6] == b" " else line[5:]
