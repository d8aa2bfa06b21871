"""`final_edit`: how soon the end of an answer is seen, with the governor and with fixed intervals between edits.

In virtual time: the same channel, the same answers of 18 to 22 s, the same moments, only the pace differs.
"""

import asyncio
import random
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from statistics import mean

from bot.relay.contract import Pacing, RateSignal, Terms
from bot.relay.governor import Governor, Stream
from tests.bench.channel import Answer, Channel, Pace
from tests.bench.records import Baseline, Figure, Target
from tests.support.virtual_time import LoopClock, run

PACING = Pacing(limit=5, window=5.0, reserve=1, min_interval=0.7)
"""As the Discord adapter begins with."""
INTERVALS = (0.5, 1.0, 1.2)
TARGET = 0.6
"""Seconds on average with three answers in one channel."""
_STAGGER = 2.0
"""Answers begin within so many seconds."""

Paces = Callable[[], Callable[[], AbstractContextManager[Pace]]]
"""Begins a channel, then each of its answers."""


def measure(*, quick: bool) -> list[Figure]:
    """One answer in the channel, and three."""
    seeds = range(3 if quick else 40)
    figures: list[Figure] = []
    for streams in (1, 3):
        governed = _scenes(streams, _governed, seeds)
        fixed = {interval: _scenes(streams, _fixed(interval), seeds) for interval in INTERVALS}
        best = min(mean(answer.final_delay for answer in answers) for answers in fixed.values())
        target = Target(TARGET) if streams == 3 else None
        baseline = Baseline("best fixed interval", best)
        figures.append(_figure(f"{_named(streams)}, governor", governed, baseline, target))
        figures += [_figure(f"{_named(streams)}, every {interval} s", fixed[interval]) for interval in INTERVALS]
    return figures


def _named(streams: int) -> str:
    return "1 answer" if streams == 1 else f"{streams} answers in a channel"


def _figure(what: str, answers: list[Answer], baseline: Baseline | None = None, target: Target | None = None) -> Figure:
    delays = [answer.final_delay for answer in answers]
    channels = {id(answer.channel): answer.channel for answer in answers}.values()
    details = {
        "worst s": max(delays),
        "staleness mean s": mean(answer.stale_mean for answer in answers),
        "staleness max s": max(answer.stale_most for answer in answers),
        "requests an answer": sum(channel.sent for channel in channels) / len(answers),
        "429 an answer": sum(channel.held_up for channel in channels) / len(answers),
    }
    return Figure("final_edit", what, mean(delays), "s mean", baseline, target, details)


def _scenes(streams: int, paces: Paces, seeds: range) -> list[Answer]:
    return [answer for seed in seeds for answer in run(_scene(streams, paces, random.Random(seed)))]


async def _scene(streams: int, paces: Paces, chance: random.Random) -> list[Answer]:
    """One channel; the seed alone decides when answers begin and how long they are."""
    plan = [(chance.uniform(0, _STAGGER), chance.uniform(18, 22)) for _ in range(streams)]
    channel, begin, answers = Channel(chance), paces(), list[Answer]()

    async def write(start: float, seconds: float) -> None:
        await asyncio.sleep(start)
        with begin() as pace:
            answers.append(answer := Answer(channel, pace))
            await answer.write(seconds)

    async with asyncio.TaskGroup() as group:
        for start, seconds in plan:
            group.create_task(write(start, seconds))
    return answers


# --- the paces --------------------------------------------------------------------------------------------------


def _governed() -> Callable[[], AbstractContextManager[Pace]]:
    governor = Governor(PACING, LoopClock())

    @contextmanager
    def begin() -> Generator[Pace]:
        with governor.stream(Terms(bucket="c")) as stream:
            yield _Governed(governor, stream)

    return begin


class _Governed:
    def __init__(self, governor: Governor, stream: Stream) -> None:
        self._governor = governor
        self._stream = stream

    async def due(self) -> None:
        await self._stream.due()

    async def request(self) -> None:
        await self._stream.request()

    def learn(self, signal: RateSignal, seconds: float) -> None:
        self._stream.returned(seconds)
        self._governor.signal(signal)


def _fixed(interval: float) -> Paces:
    @contextmanager
    def begin() -> Generator[Pace]:
        yield _Fixed(interval)

    return lambda: begin


class _Fixed:
    """An edit so long after the last one, as most bots do it; the end at once."""

    def __init__(self, interval: float) -> None:
        self._interval = interval

    async def due(self) -> None:
        await asyncio.sleep(self._interval)

    async def request(self) -> None:
        return

    def learn(self, signal: RateSignal, seconds: float) -> None:
        return
