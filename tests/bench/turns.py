"""`thread_length` and `database_size`: what a turn costs when much has been said before, here or elsewhere.

A turn is everything from the event to the delivered answer, with a model in memory that says twenty words at once. The
conversations that are compared take turns, so that whatever else the machine does hits all of them alike.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field

from tests.bench.history import fill
from tests.bench.models import PacedModel
from tests.bench.places import Kind, database, kinds
from tests.bench.quantiles import milliseconds, p50, p99
from tests.bench.records import Baseline, Figure, Target
from tests.bench.workplace import Workplace, at_work

LENGTHS = (100, 1_000, 10_000)
TARGET = 1.2
"""Times the turn in the shortest thread."""
MILLION = 1_000_000
_SAME = 5
"""Conversations of each length: each grows by only a few turns."""
_PAUSE = 0.01


@dataclass
class Group:
    """Conversations of one kind, and what turns in them took."""

    name: str
    place: Workplace
    conversations: Sequence[str]
    first: list[float] = field(default_factory=list[float])
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


def thread_length(*, quick: bool) -> list[Figure]:
    """Threads of different length in one database."""
    lengths, turns = ((20, 200), 5) if quick else (LENGTHS, 100)
    figures: list[Figure] = []
    for kind in kinds():
        with database(kind) as (url, folder):
            for length in lengths:
                fill(kind, url, f"long{length}x", _SAME, length)

            async def compared() -> list[Group]:
                async with at_work(url, folder, PacedModel(), latency=0.0) as place:
                    groups = [Group(f"{n:,} messages", place, _named(f"long{n}x", _SAME)) for n in lengths]
                    await _take_turns(groups, turns)
                    return groups

            figures += _compare("thread_length", kind, asyncio.run(compared()))
    return figures


def database_size(*, quick: bool) -> list[Figure]:
    """The same thread in a small database and in one with a million messages."""
    messages, turns = (10_000, 5) if quick else (MILLION, 100)
    figures: list[Figure] = []
    for kind in kinds():
        with ExitStack() as stack:
            databases = [stack.enter_context(database(kind)) for _ in range(2)]
            for url, _ in databases:
                fill(kind, url, "mine", _SAME, 100)
            began = time.monotonic()
            fill(kind, databases[1][0], "other", messages // 100, 100)
            filled = time.monotonic() - began

            async def compared() -> list[Group]:
                names = ("small database", f"{messages:,} messages elsewhere")
                async with AsyncExitStack() as opened:
                    groups = [
                        Group(
                            name,
                            await opened.enter_async_context(at_work(url, folder, PacedModel(), latency=0.0)),
                            _named("mine", _SAME),
                        )
                        for name, (url, folder) in zip(names, databases, strict=True)  # noqa: B023 - awaited here
                    ]
                    await _take_turns(groups, turns)
                    return groups

            figures += _compare("database_size", kind, asyncio.run(compared()), {"filled in s": filled})
    return figures


def _named(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


async def _take_turns(groups: Sequence[Group], turns: int) -> None:
    """First one turn everywhere, in which long threads get their summary; then the measured ones, side by side."""
    for group in groups:
        for conversation in group.conversations:
            group.first.append((await _turn(group, conversation))[0])
    for number in range(turns):
        for group in groups:
            wall, cpu = await _turn(group, group.conversations[number % len(group.conversations)])
            group.wall.append(wall)
            group.cpu.append(cpu)


async def _turn(group: Group, conversation: str) -> tuple[float, float]:
    await asyncio.sleep(_PAUSE)
    began, cpu = time.monotonic(), time.process_time()
    await group.place.turn("And what else?", conversation)
    return time.monotonic() - began, time.process_time() - cpu


def _compare(
    benchmark: str, kind: Kind, groups: Sequence[Group], further: dict[str, float] | None = None
) -> list[Figure]:
    figures: list[Figure] = []
    base = Baseline(groups[0].name, milliseconds(p50(groups[0].wall)))
    cpu = p50(groups[0].cpu)
    for group in groups:
        compared = group is not groups[0]
        details = {
            "p99 ms": milliseconds(p99(group.wall)),
            "CPU ms": milliseconds(p50(group.cpu)),
            "CPU ratio": p50(group.cpu) / cpu,
            "first turn ms": milliseconds(p50(group.first)),
            **(further or {} if compared else {}),
        }
        figures.append(
            Figure(
                benchmark,
                f"{kind}, {group.name}",
                milliseconds(p50(group.wall)),
                "ms p50",
                base if compared else None,
                Target(TARGET, ratio=True) if compared else None,
                details,
            )
        )
    return figures
