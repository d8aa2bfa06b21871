"""The speaker as a child process: its CPU is not ours."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.bench.speaker import Tally


@dataclass(frozen=True, slots=True)
class Provider:
    """A model provider at `base_url`."""

    process: asyncio.subprocess.Process
    base_url: str

    async def tell(self) -> Tally:
        """What it did since the last question."""
        self._command("tell")
        return Tally(**json.loads(await self._line()))

    async def speaks(self, streams: int) -> None:
        """Wait until it writes so many answers at once."""
        while (await self.tell()).streams < streams:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)

    def end(self) -> None:
        """Complete all answers."""
        self._command("end")

    def _command(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())

    async def _line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode()


@asynccontextmanager
async def provider(rate: float) -> AsyncGenerator[Provider]:
    """A provider whose streams have `rate` deltas a second each."""
    command = (sys.executable, "-m", "tests.bench.speaker", "--rate", str(rate))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield Provider(process, f"http://127.0.0.1:{port}/v1")
    finally:
        process.stdin.close()
        await process.wait()
