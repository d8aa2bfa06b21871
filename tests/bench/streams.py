"""`streams`: how many answers one process writes at the same time, and what a delta costs.

More and more answers are streamed at once, 50 deltas a second each, until the process falls behind: more than a tenth
of the deltas reach the relay later than `LATE` after the provider wrote them, or a whole core is used up. The floor is
bare parsing of the same bytes in the same process.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import structlog

from tests.bench.kernel import waiting
from tests.bench.listening import Ages, Listening, by_bare_parsing, through_the_bot
from tests.bench.places import Kind, database, kinds
from tests.bench.provider import provider
from tests.bench.records import Baseline, Figure, Target

log = structlog.get_logger()

RATE = 50.0
"""Deltas a second of one answer."""
LEVELS = (50, 100, 150, 200, 250, 300, 400)
TARGET = 150
_SETTLE = 1.0
_BEHIND_LATE, _BEHIND_CPU = 0.10, 0.95


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with so many streams."""

    streams: int
    late: float
    """Share of the deltas."""
    core: float
    """Seconds of CPU per second, all threads together."""
    cost: float
    """Milliseconds of CPU per 1,000 deltas."""
    written_late: float
    """Share of the deltas that the provider wrote late: when it is not small, the machine is the limit, not we."""
    waited: float
    """Seconds per second for which the event loop was ready and others had the cores: the same."""

    @property
    def behind(self) -> bool:
        """Whether it was too much."""
        return self.late > _BEHIND_LATE or self.core >= _BEHIND_CPU


def measure(*, quick: bool) -> list[Figure]:
    """Both databases, each with the floor."""
    levels, seconds = ((10,), 1.5) if quick else (LEVELS, 5.0)
    figures: list[Figure] = []
    for kind in kinds():
        reached = _climb(kind, levels, seconds)
        floor = asyncio.run(_level(_best(reached).streams, seconds, by_bare_parsing(_best(reached).streams)))
        figures += _figures(kind, reached, floor)
    return figures


def _climb(kind: Kind, levels: tuple[int, ...], seconds: float) -> list[Level]:
    reached: list[Level] = []
    for streams in levels:
        with database(kind) as (url, folder):
            reached.append(asyncio.run(_level(streams, seconds, through_the_bot(url, folder, streams))))
        log.info("level measured", database=kind, **asdict(reached[-1]))
        if reached[-1].behind:
            break
    return reached


async def _level(streams: int, seconds: float, listening: Listening) -> Level:
    ages = Ages()
    async with provider(RATE) as speaker, listening(speaker, ages):
        await asyncio.sleep(_SETTLE)
        await speaker.tell()
        ages.deltas = ages.late = 0
        began, cpu, waited = time.monotonic(), time.process_time(), waiting()
        await asyncio.sleep(seconds)
        cpu, passed, waited = time.process_time() - cpu, time.monotonic() - began, waiting() - waited
        deltas, late = max(1, ages.deltas), ages.late
        tally = await speaker.tell()
    return Level(
        streams=streams,
        late=late / deltas,
        core=cpu / passed,
        cost=cpu * 1e6 / deltas,
        written_late=tally.late / max(1, tally.deltas),
        waited=waited / passed,
    )


def _best(reached: list[Level]) -> Level:
    """The highest level that was not too much; the lowest one when all were."""
    return next((level for level in reversed(reached) if not level.behind), reached[0])


def _figures(kind: Kind, reached: list[Level], floor: Level) -> Iterator[Figure]:
    base = Baseline(f"bare parsing, {floor.streams} at once", floor.cost)
    for level in reached:
        what, unit = f"{kind}, {level.streams} at once", "ms CPU per 1,000 deltas"
        yield Figure("streams", what, level.cost, unit, base, details=_details(level))
    best = _best(reached)
    kept_up = 0 if best.behind else best.streams
    target = Target(TARGET, at_least=True)
    yield Figure("streams", f"{kind}, kept up with", kept_up, "streams", target=target, details=_details(best))


def _details(level: Level) -> dict[str, float]:
    return {
        "of a core %": 100 * level.core,
        "late %": 100 * level.late,
        "late at the provider %": 100 * level.written_late,
        "waiting for a core %": 100 * level.waited,
        "streams that a core's CPU would do": 1e6 / level.cost / RATE,
    }
