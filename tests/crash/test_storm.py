"""Storms of SIGKILL and SIGSTOP while every event is delivered twice: nothing lost, twice, or out of order.

`STORM_KILLS=200 STORM_FREEZES=50 pytest -s tests/crash/test_storm.py` is the long form; `STORM_SEED` another seed.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.domain.workers import Role
from tests.crash.records import begins, unfinished
from tests.crash.scene import scene
from tests.crash.script import Script
from tests.crash.storm import Freezes, Kills, Storm
from tests.support.cluster import ALONE, SEVERAL
from tests.support.figures import tell

KILLS = int(os.environ.get("STORM_KILLS", "100"))
"""On both databases together."""
FREEZES = int(os.environ.get("STORM_FREEZES", "5"))
SEED = int(os.environ.get("STORM_SEED", "20260826"))
PACES = (0.0, 0.03, 0.15)
"""Seconds between two pieces of an answer: at once, quick, and slow enough to be killed in the middle."""
PAUSE = (0.5, 1.5)
"""Seconds between two blows: from, to."""
LONGEST = 120 + KILLS * 4


@pytest.mark.timeout(LONGEST)
async def test_one_process_on_sqlite_survives_a_storm(tmp_path: Path) -> None:
    await survives(tmp_path, f"sqlite:///{tmp_path / 'parley.db'}", ALONE, Kills, KILLS * 2 // 5)


@pytest.mark.postgres
@pytest.mark.timeout(LONGEST)
async def test_two_gateways_and_three_workers_on_postgres_survive_a_storm(tmp_path: Path, postgres_url: str) -> None:
    await survives(tmp_path, postgres_url, SEVERAL, Kills, KILLS - KILLS * 2 // 5)


@pytest.mark.postgres
@pytest.mark.timeout(120 + FREEZES * 12)
async def test_two_gateways_and_three_workers_on_postgres_survive_a_storm_of_freezes(
    tmp_path: Path, postgres_url: str
) -> None:
    """Each longer than the lease: whoever comes back has lost everything, and must not act as if it had not."""
    await survives(tmp_path, postgres_url, SEVERAL, Freezes, FREEZES)


async def survives(folder: Path, database_url: str, roles: Sequence[Role], kind: type[Storm], blows: int) -> None:
    script = Script(PACES)
    async with scene(folder, database_url, roles, script) as here:
        await here.cluster.start()
        here.deliver_twice()
        storm = kind(here, script, blows, PAUSE, SEED)
        findings = await storm.blow()
        ends = await here.cluster.terminate()
        tell(f"{len(roles)} process(es), {storm.line(findings, kind.__name__.lower())}")
        assert findings.clean, findings
        assert {end.code for end in ends} == {0}
        assert await unfinished(database_url) == []
        assert here.effects() <= Counter(await begins(database_url)), "an effect was begun that is not on record"
