"""How long a beat counts: from the moment when it was sent, for the database may have taken it then."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from bot.domain.workers import Present, Role
from bot.engine import EngineLimits
from bot.engine.heartbeat import Heartbeat
from bot.errors import Fenced
from bot.ports import Store, Workers
from tests.support.run_script import StillClock

LIMITS = EngineLimits()
TAKES = 5.0
"""Seconds from sending a beat to the database's answer."""
NAME = "heart"


class Slow:
    """The store's door to workers, of which an answer takes long."""

    def __init__(self, workers: Workers, clock: StillClock) -> None:
        self._workers, self._clock = workers, clock
        self.enrolling = self.beating = 0.0
        self.beaten = asyncio.Event()

    async def enrol(self, worker_id: str, role: Role) -> Present:
        present = await self._workers.enrol(worker_id, role)
        await self._clock.pass_by(self.enrolling)
        return present

    async def beat(self, worker_id: str) -> Present:
        present = await self._workers.beat(worker_id)
        await self._clock.pass_by(self.beating)
        self.beaten.set()
        return present


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def slow(sqlite_store: Store, clock: StillClock) -> Slow:
    return Slow(sqlite_store.workers, clock)


@pytest.fixture
def heartbeat(slow: Slow, clock: StillClock) -> Heartbeat:
    return Heartbeat(cast("Workers", slow), clock, LIMITS, "worker_1", "worker")


@asynccontextmanager
async def beating(heartbeat: Heartbeat, clock: StillClock) -> AsyncGenerator[asyncio.Task[None]]:
    """It beats, and waits for its next beat."""
    task = asyncio.create_task(heartbeat.run(), name=NAME)
    await clock.until_asleep(NAME)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_the_age_of_an_enrolment_counts_from_before_it_was_sent(
    slow: Slow, heartbeat: Heartbeat, clock: StillClock
) -> None:
    slow.enrolling = TAKES
    await heartbeat.enrol()
    await clock.pass_by(LIMITS.lease - TAKES - 0.1)
    assert heartbeat.fresh
    await clock.pass_by(0.1)
    assert not heartbeat.fresh


async def test_the_age_of_a_beat_counts_from_before_it_was_sent(
    slow: Slow, heartbeat: Heartbeat, clock: StillClock
) -> None:
    await heartbeat.enrol()
    slow.beating = TAKES
    async with beating(heartbeat, clock):
        await clock.pass_by(LIMITS.heartbeat)
        await asyncio.wait_for(slow.beaten.wait(), 10)
        await clock.until_asleep(NAME)
        await clock.pass_by(LIMITS.lease - TAKES - 0.1)
        assert heartbeat.fresh
        await clock.pass_by(0.1)
        assert not heartbeat.fresh


async def test_a_beat_that_comes_through_after_the_lease_is_over_does_not_revive_it(
    slow: Slow, heartbeat: Heartbeat, clock: StillClock
) -> None:
    await heartbeat.enrol()
    slow.beating = LIMITS.lease
    async with beating(heartbeat, clock) as task:
        await clock.pass_by(LIMITS.heartbeat)
        with pytest.raises(Fenced):
            await asyncio.wait_for(task, 10)
    assert not heartbeat.fresh
