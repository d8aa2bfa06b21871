"""A model provider in a process of its own that streams at a fixed rate: `python -m tests.bench.speaker`.

It speaks the Responses wire over HTTP/1.1, one chunk a delta. Every delta is the time at which it was written
(`stamp`), so whoever gets it knows how old it is. Streams go on until the line `end` comes on standard input. On the
line `tell` it says what it did, as JSON, and starts counting anew; at the end of standard input it exits.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from heapq import heappop, heappush

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACES = 4
_ROUND = len(DIGITS) ** _PLACES
"""Milliseconds after which stamps begin anew: four hours."""
_LATE = 0.02
"""A delta that goes out so many seconds after its time was late here already."""
_PARAGRAPH = 80
_TICK = 0.001
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def stamp(seconds: float) -> str:
    """A moment of the monotonic clock, which all processes share, as a word of four characters."""
    rest, word = int(seconds * 1000) % _ROUND, ""
    for _ in range(_PLACES):
        rest, digit = divmod(rest, len(DIGITS))
        word = DIGITS[digit] + word
    return word


def age(word: str, seconds: float) -> float:
    """Seconds between a stamp and this moment."""
    then = 0
    for digit in word:
        then = then * len(DIGITS) + DIGITS.index(digit)
    return ((int(seconds * 1000) - then) % _ROUND) / 1000


@dataclass(slots=True)
class Tally:
    """What was written since the last question."""

    streams: int = 0
    """How many answers are being written now."""
    deltas: int = 0
    late: int = 0
    cpu: float = 0.0
    """Seconds of this process."""


class Stream:
    """One answer that is being written."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._written = 0
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        response: dict[str, object] = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
        item: dict[str, object] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        transport.write(head + _frame("response.created", response=response))
        transport.write(_frame("response.output_item.added", output_index=0, item=item))
        self._before, _, self._after = _delta(" ****").partition(b"****")

    def speak(self) -> bool:
        """Write one delta; False when nobody listens any more."""
        self._written += 1
        if self._written % _PARAGRAPH == 0:
            self._transport.write(_delta("\n\n"))
        self._transport.write(self._before + stamp(time.monotonic()).encode() + self._after)
        return not self._transport.is_closing()

    def end(self) -> None:
        """Complete the answer."""
        usage = {"input_tokens": 10, "output_tokens": self._written, "total_tokens": 10 + self._written}
        done = {"id": "resp_1", "status": "completed", "usage": usage}
        self._transport.write(_frame("response.completed", response=done) + b"0\r\n\r\n")


def _delta(text: str) -> bytes:
    return _frame("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=text)


def _frame(kind: str, **fields: object) -> bytes:
    """One server-sent event in a chunk of its own."""
    data = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


class Speaker:
    """All streams, each written at its own times."""

    def __init__(self, rate: float) -> None:
        self._period = 1 / rate
        self._due: list[tuple[float, int, Stream]] = []
        self._number = 0
        self._ended = False
        self._cpu = time.process_time()
        self._tally = Tally()

    def begin(self, transport: asyncio.WriteTransport) -> None:
        """Answer a request; when all have ended, with one word."""
        self._number += 1
        heappush(self._due, (time.monotonic() + self._period, self._number, stream := Stream(transport)))
        if self._ended:
            stream.speak()
            self.end()

    async def speak(self) -> None:
        """Write whatever is due, for ever."""
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, number, stream = heappop(self._due)
                self._tally.deltas += 1
                self._tally.late += now - due > _LATE
                if stream.speak():
                    heappush(self._due, (due + self._period, number, stream))
            await asyncio.sleep(_TICK)

    def end(self) -> None:
        """Complete all answers, and those that come from now on at once."""
        self._ended = True
        for _, _, stream in self._due:
            stream.end()
        self._due.clear()

    def tell(self) -> Tally:
        """What was done since the last time."""
        told, self._tally = self._tally, Tally()
        told.streams = len(self._due)
        cpu = time.process_time()
        told.cpu, self._cpu = cpu - self._cpu, cpu
        return told


class _Requests(asyncio.Protocol):
    """One connection: every request is answered with a stream, whatever it asks."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            self._got = b""
            self._speaker.begin(self._transport)


async def _serve(rate: float) -> None:
    loop = asyncio.get_running_loop()
    speaker = Speaker(rate)
    server = await loop.create_server(lambda: _Requests(speaker), "127.0.0.1", 0, backlog=1000)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(server.sockets[0].getsockname()[1], flush=True)
    speaking = asyncio.create_task(speaker.speak())
    while command := await commands.readline():
        if command == b"end\n":
            speaker.end()
        else:
            print(json.dumps(asdict(speaker.tell())), flush=True)
    speaking.cancel()
    await asyncio.wait([speaking])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="deltas a second of one stream")
    asyncio.run(_serve(parser.parse_args().rate))
