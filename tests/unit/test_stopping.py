"""A process that was told to stop ends, whatever hangs in it."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUBBORN = """
import asyncio
from bot.stopping import stop_signals

async def main():
    stopping = stop_signals(last_moment=0.5)
    print("ready", flush=True)
    await stopping.wait()
    print("told", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

asyncio.run(main())
"""


async def test_a_process_in_which_something_hangs_ends_at_the_last_moment_with_0() -> None:
    """Or Heroku would kill it, and the platform would count a crash."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", STUBBORN, cwd=ROOT, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.terminate()
    assert await process.stdout.readline() == b"told\n"
    process.terminate()  # once more changes nothing
    assert await asyncio.wait_for(process.wait(), 20) == 0
