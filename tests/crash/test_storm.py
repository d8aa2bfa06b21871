"""Random SIGKILL storms while every event is delivered twice: nothing lost, nothing twice, nothing out of order.

`STORM_KILLS=200 pytest -s tests/crash/test_storm.py` is the long form; `STORM_SEED` takes another seed.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.domain.workers import Role
from bot.store import migrate
from tests.crash.onlooker import Onlooker
from tests.crash.records import unfinished
from tests.crash.script import Script, tools_in
from tests.crash.storm import DISCORD, SLACK, Storm, deliver_twice, seen_by_all
from tests.support.cluster import ALONE, SEVERAL, deployed
from tests.support.house import built
from tests.support.model_server import ScriptedModel

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
    await survives(tmp_path, postgres_url, SEVERAL, KILLS * 3 // 5, (0.5, 1.5))


async def survives(
    tmp_path: Path, database_url: str, roles: Sequence[Role], kills: int, pause: tuple[float, float]
) -> None:
    model = ScriptedModel(Script(PACES), strict=False)
    settings = {"DATABASE_URL": database_url, **tools_in(tmp_path)}
    await migrate(database_url, tmp_path)
    async with (
        built(tmp_path, model, settings, slack_rules=SLACK, discord_rules=DISCORD) as house,
        deployed(house, roles) as cluster,
    ):
        await cluster.start()
        deliver_twice(house)
        with Onlooker(house) as seen:
            storm = Storm(cluster, seen, kills, pause, SEED)
            await storm.blow()
        ends = await cluster.terminate()
        findings = seen_by_all(house, storm.questions)
        print(f"\n{len(cluster.members)} processes, {storm.line(findings)}")
        assert findings.clean, findings
        assert {end.code for end in ends} == {0}
        assert await unfinished(database_url) == []
