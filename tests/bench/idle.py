"""`idle`: what one process uses when nothing happens, connected to both platforms."""

import asyncio
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

from tests.bench.kernel import cpu, memory
from tests.bench.places import Kind, database, kinds
from tests.bench.records import Baseline, Figure, Target
from tests.support.house import House, inhabited

CPU_TARGET, MEMORY_TARGET = 1.0, 130.0
"""Percent of a core; MB."""
LIBRARIES = "discord, slack_bolt.async_app, aiohttp, sqlalchemy.ext.asyncio"
"""What a bot with the offline model cannot do without."""


def measure(*, quick: bool) -> list[Figure]:
    """The real child, on both databases."""
    seconds = 2.0 if quick else 20.0
    floor = _memory_of_libraries()
    figures: list[Figure] = []
    for kind in kinds():
        with database(kind) as (url, folder):
            figures += asyncio.run(_measure(kind, url, folder, seconds, floor))
    return figures


async def _measure(kind: Kind, url: str, folder: Path, seconds: float, floor: float) -> list[Figure]:
    async with inhabited(folder, settings={"DATABASE_URL": url}) as (house, bot):
        assert bot.pid is not None
        await _greeted(house)
        answered = memory(bot.pid)
        await asyncio.sleep(1.0)
        began, before = time.monotonic(), cpu(bot.pid)
        await asyncio.sleep(seconds)
        used = 100 * (cpu(bot.pid) - before) / (time.monotonic() - began)
        size = memory(bot.pid)
    return [
        Figure("idle", f"{kind}, CPU", used, "% of a core", target=Target(CPU_TARGET), details={"over s": seconds}),
        Figure(
            "idle",
            f"{kind}, memory",
            size,
            "MB RSS",
            Baseline("the libraries imported, nothing else", floor),
            Target(MEMORY_TARGET),
            {"after one answer MB": answered},
        ),
    ]


async def _greeted(house: House) -> None:
    """One answer on each platform, so that everything that is made at first use is there."""
    for stage in (house.slack, house.discord):
        platform = "slack" if stage is house.slack else "discord"
        await stage.speak("ada", house.channel(platform), "@Parley hello")
        await house.answer(platform, "no language model")


def _memory_of_libraries() -> float:
    words = f"import {LIBRARIES}; print(flush=True); input()"
    with Popen([sys.executable, "-c", words], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size = memory(process.pid)
        process.communicate(b"\n")
    return size
