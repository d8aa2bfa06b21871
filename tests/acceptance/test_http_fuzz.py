"""Ten thousand requests that nobody should send: no 5xx, no traceback, and the next real one is answered."""

import asyncio
import os
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.test_http import serving, subscribe
from tests.support.figures import tell
from tests.support.fuzz import Case, Fuzz
from tests.support.house import built

REQUESTS = 10_000
SEED = 20261128
CLIENTS = 8
"""Connections at once."""


class Connection:
    """A connection that is used for as many requests as the server lets it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, case: Case) -> str:
        """Send a request. Returns the status of its answer, or `closed`."""
        reader, writer = self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for number, piece in enumerate(case.pieces):
                if number:
                    await asyncio.sleep(case.pause)
                writer.write(piece)
            if case.cut:
                return await self._close("cut")
            async with asyncio.timeout(15):
                return await self._answer(reader, head=case.pieces[0].startswith(b"HEAD"))
        except (ConnectionError, asyncio.IncompleteReadError):
            return await self._close("closed")

    async def _answer(self, reader: asyncio.StreamReader, *, head: bool) -> str:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        body = b"" if head else await reader.readexactly(int(headers.get("content-length", "0")))
        assert b"Traceback" not in body
        status = lines[0].split()[1]
        if headers.get("connection") == "close" or lines[0].startswith("http/1.0"):
            await self._close("")
        return status

    async def _close(self, outcome: str) -> str:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        return outcome

    async def close(self) -> None:
        await self._close("")


@asynccontextmanager
async def read_along(bot: Process) -> AsyncGenerator[list[str]]:
    """What the bot logs, taken from it as it comes."""
    lines: list[str] = []

    async def read() -> None:
        assert bot.stderr is not None
        while line := await bot.stderr.readline():
            lines.append(line.decode(errors="replace"))

    reading = asyncio.create_task(read())
    try:
        yield lines
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def work(port: int, cases: Iterator[Case], outcomes: Counter[tuple[str, str]]) -> None:
    """One client of several that share the cases."""
    connection = Connection(port)
    for case in cases:
        outcomes[case.kind, await connection.send(case)] += 1
    await connection.close()


def cpu(process: Process) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_ten_thousand_odd_requests_do_no_harm(tmp_path: Path) -> None:
    outcomes: Counter[tuple[str, str]] = Counter()
    async with built(tmp_path) as house, serving(house) as (bot, port), read_along(bot) as log:
        await subscribe(house, port)
        cases = Fuzz(SEED, house.slack.signing_secret, time.time).cases(REQUESTS)
        begun, used = time.monotonic(), cpu(bot)
        await asyncio.gather(*(work(port, cases, outcomes) for _ in range(CLIENTS)))
        seconds, used = time.monotonic() - begun, cpu(bot) - used
        before = len(house.answers("slack"))
        await house.slack.speak("ada", "dm", "after all that")
        await house.until("slack", lambda _: len(house.answers("slack")) > before, 60)
    by_status: Counter[str] = Counter()
    for (_, status), count in outcomes.items():
        by_status[status] += count
    tell(f"fuzz of run --http, seed {SEED}: {REQUESTS:,} requests in {seconds:.0f} s, {used:.0f} s of the bot's CPU")
    tell(f"fuzz by status: {', '.join(f'{status} {count:,}' for status, count in sorted(by_status.items()))}")
    assert by_status.total() == REQUESTS
    assert not [status for status in by_status if status.startswith("5")], outcomes
    text = "".join(log)
    assert "Traceback" not in text, text[text.index("Traceback") - 2_000 :][:6_000]
    assert "request failed" not in text
    assert {"200", "400", "401", "404", "405", "408", "413"} <= by_status.keys(), "every kind of answer was given"
