"""The database is restarted under load, and is away for a while: nothing is lost, nothing comes twice, nobody ends."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.workers import Role
from tests.crash.records import unfinished
from tests.crash.scene import Scene, scene
from tests.crash.script import Script
from tests.crash.team import Team
from tests.support.figures import tell
from tests.support.own_postgres import Manner, OwnPostgres, own_postgres, why_none

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]
ROLES: tuple[Role, ...] = ("gateway", "gateway", "worker", "worker")
SEED = int(os.environ.get("STORM_SEED", "20260826"))
RESTARTS = 3
ANSWERS = 10
"""Between two restarts, so that there is a load."""
OUTAGE = 10.0
SECONDS = 60.0


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    if reason := why_none():
        pytest.skip(reason)
    with own_postgres(connections=20) as server:
        yield server


@asynccontextmanager
async def under_load(folder: Path, server: OwnPostgres) -> AsyncGenerator[Scene]:
    """A team at work inside the block; behind it everything has to be well."""
    async with scene(folder, server.url, ROLES, Script((0.0, 0.03, 0.1))) as here:
        await here.cluster.start()
        here.deliver_twice()
        team = Team(here.house, here.seen, SEED, kinds="sdm")
        async with team.talking():
            await more_answers(here)
            yield here
            await more_answers(here)
        findings = here.findings(team.questions, team.again)
        tell(
            f"database restarted: {findings.questions} questions, {findings.answers} answers, "
            f"{len(findings.lost)} lost, {len(findings.twice)} duplicate replies, "
            f"{len(findings.disordered)} order violations, {here.seen.asked} unknown outcomes asked"
        )
        assert all(member.alive and member.lives == 1 for member in here.cluster.members), "a process ended"
        assert {end.code for end in await here.cluster.terminate()} == {0}
        assert findings.clean, findings
        assert await unfinished(server.url) == []


async def more_answers(here: Scene) -> None:
    """Wait until some more questions are answered."""
    wanted = len(here.seen.complete) + ANSWERS
    await here.seen.until(lambda: len(here.seen.complete) >= wanted, SECONDS)


@pytest.mark.parametrize("manner", ["fast", "immediate"])
async def test_a_restarted_database_costs_no_message_and_no_process(
    tmp_path: Path, server: OwnPostgres, manner: Manner
) -> None:
    async with under_load(tmp_path, server) as here:
        for _ in range(RESTARTS):
            await asyncio.to_thread(server.restart, manner)
            await more_answers(here)


async def test_a_database_that_is_away_for_longer_than_the_lease_costs_no_message_and_no_process(
    tmp_path: Path, server: OwnPostgres
) -> None:
    async with under_load(tmp_path, server) as here:
        await asyncio.to_thread(server.stop, "immediate")
        with pytest.raises(TimeoutError):
            await here.seen.until(lambda: False, OUTAGE)
        await asyncio.to_thread(server.start)
