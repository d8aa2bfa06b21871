"""Random SIGKILL storms while every event is delivered twice: nothing lost, nothing twice, nothing out of order.

`STORM_KILLS=200 pytest -s tests/crash/test_storm.py` is the long form; `STORM_SEED` takes another seed.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.domain.workers import Role
from tests.crash.records import unfinished
from tests.crash.scene import scene
from tests.crash.script import Script
from tests.crash.storm import Storm
from tests.support.cluster import ALONE, SEVERAL
from tests.support.figures import tell

KILLS = int(os.environ.get("STORM_KILLS", "100"))
"""On both databases together."""
SEED = int(os.environ.get("STORM_SEED", "20260826"))
PACES = (0.0, 0.03, 0.15)
"""Seconds between two pieces of an answer: at once, quick, and slow enough to be killed in the middle."""
LONGEST = 120 + KILLS * 4


@pytest.mark.timeout(LONGEST)
async def test_one_process_on_sqlite_survives_a_storm(tmp_path: Path) -> None:
    await survives(tmp_path, f"sqlite:///{tmp_path / 'parley.db'}", ALONE, KILLS * 2 // 5, (0.5, 1.5))


@pytest.mark.postgres
@pytest.mark.timeout(LONGEST)
async def test_two_gateways_and_three_workers_on_postgres_survive_a_storm(tmp_path: Path, postgres_url: str) -> None:
    await survives(tmp_path, postgres_url, SEVERAL, KILLS - KILLS * 2 // 5, (0.5, 1.5))


async def survives(
    folder: Path, database_url: str, roles: Sequence[Role], kills: int, pause: tuple[float, float]
) -> None:
    script = Script(PACES)
    async with scene(folder, database_url, roles, script) as here:
        await here.cluster.start()
        here.deliver_twice()
        storm = Storm(here, script, kills, pause, SEED)
        findings = await storm.blow()
        ends = await here.cluster.terminate()
        tell(f"{len(roles)} process(es), {storm.line(findings)}")
        assert findings.clean, findings
        assert {end.code for end in ends} == {0}
        assert await unfinished(database_url) == []
