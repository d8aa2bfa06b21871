"""A peer goes on with what a killed, frozen or ended process began; the one who comes back says nothing old."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from bot.domain.lanes import LEASE_SECONDS
from bot.domain.workers import Role
from bot.playground.view import PlatformName
from tests.crash.records import unfinished
from tests.crash.scene import Scene, scene
from tests.crash.script import Holding, Script
from tests.support.cluster import ALONE, LAST_MOMENT
from tests.support.figures import tell

pytestmark = [pytest.mark.timeout(180)]
PLATFORMS: tuple[PlatformName, ...] = ("slack", "discord")
ROLES: tuple[Role, ...] = ("gateway", "worker", "worker")
RESUME_SECONDS = 8.0
"""The lease, and one beat of the peer that finds it expired."""
AT_ONCE = LEASE_SECONDS / 2
"""Well under the lease: the work was handed over, nobody waited for it to expire."""
PART = 3
"""The sentence after which a held answer stands still."""


async def changed(here: Scene, number: str, since: int) -> float:
    """Wait until a new request for this question reached the model. Returns when (monotonic)."""
    await here.model.seen(since + 1)
    assert number in here.model.requests[since].last_user_text
    return time.monotonic()


@pytest.mark.postgres
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_peer_edits_the_message_of_a_killed_worker_within_eight_seconds(
    tmp_path: Path, postgres_url: str, platform: PlatformName
) -> None:
    script = Holding(PART)
    async with scene(tmp_path, postgres_url, ROLES, script) as here:
        gateway, first, second = here.cluster.members
        await here.cluster.start(gateway, first)
        question = await here.ask(platform)
        growing = await here.growing(question, PART)
        await here.cluster.start(second)
        await first.kill()
        killed = time.monotonic()
        asked = await changed(here, question.number, 1)
        await here.growing(question, PART + 1)
        edited = time.monotonic()
        await here.answered(question)
        tell(f"{platform}: the peer asks the model {asked - killed:.1f} s and edits {edited - killed:.1f} s "
              "after the kill")  # fmt: skip
        assert edited - killed <= RESUME_SECONDS
        assert here.answer(question).id == growing.id
        assert here.findings().clean, here.findings()


@pytest.mark.postgres
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_worker_that_was_frozen_longer_than_its_lease_says_nothing_old_and_then_works_again(
    tmp_path: Path, postgres_url: str, platform: PlatformName
) -> None:
    script = Holding(PART)
    async with scene(tmp_path, postgres_url, ROLES, script) as here:
        gateway, zombie, peer = here.cluster.members
        await here.cluster.start(gateway, zombie)
        question = await here.ask(platform)
        growing = await here.growing(question, PART)
        await here.cluster.start(peer)
        zombie.signal(signal.SIGSTOP)
        await here.answered(question)
        finished = here.answer(question)
        assert finished.id == growing.id
        script.hold.set()  # whatever the frozen one still reads from its model comes now
        zombie.signal(signal.SIGCONT)
        assert (await peer.terminate()).code == 0
        second = await here.ask(platform)  # nobody but the former zombie is there
        await here.answered(second)
        assert zombie.alive
        assert zombie.lives == 1
        assert len(set(here.cluster.enrolments(zombie))) == 2, "it works under a new id"
        assert here.answer(question) == finished, "not even an edit"
        assert here.findings().clean, here.findings()
        assert (await zombie.terminate()).code == 0
    assert await unfinished(postgres_url) == []


@pytest.mark.postgres
async def test_the_connections_of_a_killed_gateway_are_taken_over_and_what_was_said_meanwhile_is_answered_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with scene(tmp_path, postgres_url, ("gateway", "worker", "gateway"), Script()) as here:
        first, worker, second = here.cluster.members
        await here.cluster.start(first, worker)
        before = [await here.ask(platform) for platform in PLATFORMS]
        await here.answered(*before)
        await here.cluster.start(second)
        await first.kill()
        killed = time.monotonic()
        meanwhile = [await here.ask(platform) for platform in PLATFORMS]
        await here.answered(*meanwhile)
        tell(f"what was said after the kill is answered {time.monotonic() - killed:.1f} s after it")
        after = [await here.ask(platform, "look") for platform in PLATFORMS]
        await here.answered(*after)
        await here.cluster.terminate()
        assert here.findings().clean, here.findings()
    assert await unfinished(postgres_url) == []


@pytest.mark.postgres
async def test_sigterm_in_mid_stream_hands_the_answer_to_a_peer_who_goes_on_at_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with scene(tmp_path, postgres_url, ROLES, Holding(PART)) as here:
        gateway, first, second = here.cluster.members
        await here.cluster.start(gateway, first)
        questions = [await here.ask(platform) for platform in PLATFORMS]
        growing = [await here.growing(question, PART) for question in questions]
        await here.cluster.start(second)
        ended = await first.terminate()
        gone = time.monotonic()
        await here.answered(*questions)
        tell(f"ended {ended.seconds:.1f} s after SIGTERM; both answers are complete {time.monotonic() - gone:.1f} s "
              "after that")  # fmt: skip
        assert ended.code == 0
        assert time.monotonic() - gone < AT_ONCE
        assert [here.answer(question).id for question in questions] == [message.id for message in growing]
        assert here.findings().clean, here.findings()


@pytest.mark.postgres
async def test_sigterm_while_a_once_tool_runs_lets_it_end_and_repeats_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    async with scene(tmp_path, postgres_url, ROLES, Script()) as here:
        gateway, first, second = here.cluster.members
        await here.cluster.start(gateway, first)
        question = await here.ask("slack", "slowly")
        await here.paid(question)
        await here.cluster.start(second)
        ended = await first.terminate(times=3)
        assert ended.code == 0
        await here.answered(question)
        assert "paid" in here.answer(question).html, "it ended: nobody is asked what became of it"
        assert here.seen.asked == 0
        assert here.findings().clean, here.findings()


@pytest.mark.postgres
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_sigterm_while_an_edit_is_under_way_leaves_one_whole_answer(
    tmp_path: Path, postgres_url: str, platform: PlatformName
) -> None:
    script = Holding(PART)
    async with scene(tmp_path, postgres_url, ROLES, script) as here:
        gateway, first, second = here.cluster.members
        await here.cluster.start(gateway, first)
        question = await here.ask(platform)
        growing = await here.growing(question, PART)
        await here.cluster.start(second)
        here.slow_edits(platform, seconds=2.0)
        script.hold.set()
        ending = asyncio.create_task(first.terminate(times=2))
        await here.answered(question)
        assert (await ending).code == 0
        assert here.answer(question).id == growing.id
        assert here.findings().clean, here.findings()


async def test_sigterm_with_a_held_stream_on_sqlite_ends_in_time_and_the_next_start_finishes_the_message(
    tmp_path: Path,
) -> None:
    database_url = f"sqlite:///{tmp_path / 'parley.db'}"
    async with scene(tmp_path, database_url, ALONE, Holding(PART)) as here:
        (bot,) = here.cluster.members
        await here.cluster.start()
        questions = [await here.ask(platform) for platform in PLATFORMS]
        growing = [await here.growing(question, PART) for question in questions]
        ended = await bot.terminate(times=2)
        tell(f"ended {ended.seconds:.1f} s after SIGTERM")
        assert ended.code == 0
        assert ended.seconds < LAST_MOMENT
        await here.cluster.start()
        await here.answered(*questions)
        assert (await bot.terminate()).code == 0
        assert [here.answer(question).id for question in questions] == [message.id for message in growing]
        assert here.findings().clean, here.findings()
    assert await unfinished(database_url) == []
