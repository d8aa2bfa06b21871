"""What is cleaned from time to time, and what is never."""

import asyncio
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.domain.deliveries import DeliveryState, RemoteFile
from bot.domain.files import File
from bot.domain.lanes import Lease
from bot.domain.messages import Attachment, ImageFilePart
from bot.domain.runs import RunStatus
from bot.engine import RunningRuns
from bot.errors import StoreUnavailable
from bot.ports import Ending, Store
from bot.relay.breaks import breaks_of, remember
from bot.relay.full_lane import turn_away, why_turned_away
from bot.store import open_store, upkeep
from tests.store.decisions import interrupted
from tests.store.scene import ASSISTANT, Scene, an_event
from tests.store.tampering import aside, behind_its_back

DAY = 86400.0


async def answered(scene: Scene, conversation: str = "C1") -> tuple[Lease, str]:
    """A conversation in which nothing is going on any more."""
    lease, work = await scene.started(conversation=conversation)
    await scene.answer(lease, work.run.id, "Yes")
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None
    return lease, work.run.id


async def age(database_url: str, table: str, seconds: float, column: str = "created_at") -> None:
    """Make everything in a table so much older."""
    await behind_its_back(database_url, f"UPDATE {table} SET {column} = {column} - :s", s=int(seconds))


async def grow_old(database_url: str, seconds: float = 2 * DAY) -> None:
    """Make conversations so much older."""
    for table in ("threads", "messages"):
        await age(database_url, table, seconds)


async def is_gone(store: Store, file: File) -> bool:
    """Whether the bytes are."""
    try:
        await store.files.read(file)
    except StoreUnavailable:
        return True
    return False


# --- runs whose time is over ---


async def test_the_lane_of_a_run_that_waited_too_long_becomes_ready(scene: Scene, database_url: str) -> None:
    lease, call = await interrupted(scene)
    await scene.store.runs.wait_for_decision(lease, call)
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.upkeep.wake_expired() == 0
    await behind_its_back(database_url, "UPDATE runs SET expires_at = 1")
    await scene.store.lanes.claim(scene.worker, 5)
    assert await scene.store.upkeep.wake_expired() == 1
    await asyncio.wait_for(scene.store.lanes.wait(60), 1.5)
    _, work = await scene.take()
    assert (work.run.id, work.expired) == (call.run_id, True)


async def test_a_run_rests_no_longer_than_it_lives(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started()
    await scene.store.runs.postpone(lease, work.run.id, 1000)
    assert await scene.store.lanes.next_work(lease) is None
    await behind_its_back(database_url, "UPDATE runs SET expires_at = 1")
    assert await scene.store.upkeep.wake_expired() == 1
    _, again = await scene.take()
    assert again.expired


async def test_lanes_that_somebody_works_on_or_may_claim_are_not_woken(scene: Scene, database_url: str) -> None:
    await scene.started(conversation="C1")
    await scene.say("ready", "C2")
    await behind_its_back(database_url, "UPDATE runs SET expires_at = 1")
    assert await scene.store.upkeep.wake_expired() == 0


async def test_the_answer_of_a_run_that_ended_rests_although_its_time_is_over(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started()
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    await scene.store.runs.postpone(lease, work.run.id, 1000)
    await behind_its_back(database_url, "UPDATE runs SET expires_at = 1")
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.upkeep.wake_expired() == 0


# --- dedupe keys ---


async def test_old_keys_are_forgotten_and_young_ones_are_not(scene: Scene, database_url: str) -> None:
    await scene.say("old", "C1", "k1", "k2")
    await age(database_url, "inbound_keys", 2 * DAY, "received_at")
    await scene.say("young", "C1", "k3")
    assert await scene.store.upkeep.forget_keys(DAY) == 2
    assert await scene.store.upkeep.forget_keys(DAY) == 0
    assert not (await scene.say("old", "C1", "k1")).duplicate
    assert (await scene.say("young", "C1", "k3")).duplicate


# --- threads ---


async def test_an_idle_thread_goes_with_everything_that_hangs_on_it(scene: Scene, database_url: str) -> None:
    await answered(scene)
    await grow_old(database_url)
    assert await scene.store.upkeep.forget_threads(DAY) == 1
    for table in ("threads", "conversations", "runs", "messages", "turns", "run_steps", "deliveries", "lanes"):
        assert await behind_its_back(database_url, f"DELETE FROM {table}") == 0, table
    assert await scene.store.upkeep.forget_threads(DAY) == 0


async def test_after_that_the_conversation_starts_over_and_old_events_are_still_known(
    scene: Scene, database_url: str
) -> None:
    await answered(scene)
    await behind_its_back(database_url, "UPDATE inbound_keys SET key = 'k'")
    await grow_old(database_url)
    await scene.store.upkeep.forget_threads(DAY)
    assert (await scene.say("hi", "C1", "k")).duplicate
    assert await scene.store.intake.thread_of("C1") is None
    assert (await scene.say("hi", "C1")).ahead == 0


async def test_what_the_relay_noted_about_a_run_that_it_turned_away_goes_with_the_run(
    scene: Scene, database_url: str
) -> None:
    notes, control = scene.store.notes, RunningRuns(scene.store.runs)
    turned_away = []
    for conversation in ("C1", "C2"):
        run_id = (await scene.say("one too many", conversation)).run_id
        await turn_away(notes, control, run_id, 9)
        await remember(notes, run_id, (120, 340))
        lease, work = await scene.take()
        await scene.store.runs.end(lease, run_id, Ending(RunStatus.CANCELLED))
        await scene.store.deliveries.close(lease, run_id, DeliveryState.DELIVERED)
        assert await scene.store.lanes.next_work(lease) is None
        turned_away.append(work.run.model_copy(update={"status": RunStatus.CANCELLED}))
        if conversation == "C1":
            await grow_old(database_url)
    assert all([await why_turned_away(notes, run) for run in turned_away])
    assert await scene.store.upkeep.forget_threads(DAY) == 1
    assert [await why_turned_away(notes, run) is None for run in turned_away] == [True, False]
    assert [await breaks_of(notes, run.id) for run in turned_away] == [(), (120, 340)]


async def test_the_newest_message_counts_not_the_age_of_the_thread(scene: Scene, database_url: str) -> None:
    await answered(scene)
    await grow_old(database_url)
    await answered(scene)
    assert await scene.store.upkeep.forget_threads(DAY) == 0


async def test_a_thread_in_which_something_is_going_on_stays_however_old_it_is(scene: Scene, database_url: str) -> None:
    lease, work = await scene.started(conversation="C1")
    await scene.say("queued", "C2")
    await grow_old(database_url)
    assert await scene.store.upkeep.forget_threads(DAY) == 0
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    assert await scene.store.upkeep.forget_threads(DAY) == 0  # its answer is not delivered yet
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.upkeep.forget_threads(DAY) == 0  # its lane is still somebody's
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.upkeep.forget_threads(DAY) == 1


async def test_the_files_of_a_thread_go_with_it_and_bytes_that_others_name_stay(
    scene: Scene, database_url: str, tmp_path: Path
) -> None:
    files = scene.store.files
    mine = await files.add("a.txt", b"mine", "text/plain", claimed=False)
    image = await files.add("b.png", b"image", "image/png", claimed=False)
    shared, elsewhere = [await files.add(name, b"shared", "text/plain") for name in ("c.txt", "d.txt")]
    lease, work = await scene.started()
    attachments = [Attachment(name=file.filename, file_id=file.id) for file in (mine, shared)]
    attachments.append(Attachment(name="e.txt", skipped="It was too large."))
    await scene.store.deliveries.attach(lease, work.run.id, attachments, [ImageFilePart(file_id=image.id)])
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None
    await grow_old(database_url)
    assert await scene.store.upkeep.forget_threads(DAY) == 1
    assert [await files.get(file.id) for file in (mine, image, shared)] == [None, None, None]
    assert [await is_gone(scene.store, file) for file in (mine, image, elsewhere)] == [True, True, False]
    assert await files.get(elsewhere.id) == elsewhere


async def test_threads_are_forgotten_in_pieces(
    scene: Scene, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await answered(scene, f"C{number}")
    await grow_old(database_url)
    monkeypatch.setattr(upkeep, "BATCH", 2)
    assert [await scene.store.upkeep.forget_threads(DAY) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_thread_with_very_many_runs_is_forgotten_in_pieces_too(
    scene: Scene, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one transaction would hold everybody up, and the heartbeat with them."""
    for _ in range(5):
        await answered(scene, "C1")
    await answered(scene, "C2")
    await grow_old(database_url)
    monkeypatch.setattr(upkeep, "RUNS", 2)
    left: list[int] = []
    while await scene.store.upkeep.forget_threads(DAY):
        left.append(await aside(database_url, lambda c: c.execute(text("SELECT count(*) FROM runs")).scalar_one()))
    assert left[-1] == 0
    assert all(before - after <= 2 for before, after in pairwise([6, *left]))
    assert await aside(database_url, lambda c: c.execute(text("SELECT count(*) FROM messages")).scalar_one()) == 0


@pytest.mark.postgres
async def test_a_message_to_a_thread_that_is_being_forgotten_gets_a_new_one(
    emptied_postgres: str, tmp_path: Path
) -> None:
    """Many at once, in two processes: none is lost, and every run that was accepted is there."""
    async with open_store(emptied_postgres, tmp_path) as one, open_store(emptied_postgres, tmp_path) as other:
        scene = await Scene(one).enter()
        for round_number in range(4):
            for number in range(8):
                await one.workers.beat(scene.worker)
                await answered(scene, f"C{number}")
            await grow_old(emptied_postgres)
            forgetting = asyncio.gather(*(other.upkeep.forget_threads(DAY) for _ in range(2)))
            said = await asyncio.gather(*(scene.say(f"m{round_number}", f"C{number}") for number in range(8)))
            await forgetting
            assert all([await one.runs.get(acceptance.run_id) for acceptance in said])
            for acceptance in said:
                await one.runs.request_cancel(acceptance.run_id)
            for lease in await one.lanes.claim(scene.worker, 50):
                while work := await one.lanes.next_work(lease):
                    await one.runs.end(lease, work.run.id, Ending(RunStatus.CANCELLED))
                    await one.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)


# --- files ---


async def test_a_file_that_no_message_claimed_is_forgotten(scene: Scene, database_url: str) -> None:
    files = scene.store.files
    orphan = await files.add("a.txt", b"orphan", "text/plain", claimed=False)
    kept = await files.add("b.txt", b"kept", "text/plain")
    taken_in = await files.add("c.txt", b"taken in", "text/plain", claimed=False)
    source = RemoteFile(name="c.txt", source={"id": "F1"})
    await scene.store.intake.accept(an_event(files=(source,)), ASSISTANT)
    lease, work = await scene.take()
    attachment = Attachment(name="c.txt", file_id=taken_in.id)
    await scene.store.deliveries.attach(lease, work.run.id, [attachment], [])
    assert await scene.store.upkeep.forget_files(DAY) == 0
    await age(database_url, "files", 2 * DAY)
    assert await scene.store.upkeep.forget_files(DAY) == 1
    assert [await is_gone(scene.store, file) for file in (orphan, kept, taken_in)] == [True, False, False]
    assert await files.get(orphan.id) is None


async def test_bytes_that_no_file_names_are_found(store: Store, database_url: str) -> None:
    lost = [await store.files.add("a", str(number).encode(), "text/plain") for number in range(3)]
    kept = await store.files.add("b", b"kept", "text/plain")
    await behind_its_back(database_url, "DELETE FROM files WHERE filename = 'a'")
    assert await store.upkeep.forget_files(DAY) == 3
    assert await store.upkeep.forget_files(DAY) == 0
    assert [await is_gone(store, file) for file in (*lost, kept)] == [True, True, True, False]


async def test_bytes_that_are_added_again_while_they_are_forgotten_are_there(store: Store, database_url: str) -> None:
    """The record of the first is gone, so its bytes may go: unless somebody needs them at this very moment."""
    for number in range(15):
        content = str(number).encode()
        await store.files.add("a", content, "text/plain")
        await behind_its_back(database_url, "DELETE FROM files WHERE filename = 'a'")
        added, *_ = await asyncio.gather(
            store.files.add("b", content, "text/plain"), *(store.upkeep.forget_files(DAY) for _ in range(2))
        )
        assert await store.files.read(added) == content


async def test_what_a_dying_process_left_half_written_is_deleted_after_a_day(
    copied_sqlite_url: str, tmp_path: Path
) -> None:
    async with open_store(copied_sqlite_url, tmp_path) as store:
        folder = tmp_path / "files" / "ab"
        folder.mkdir(mode=0o700)
        old, young = folder / ".new-old", folder / ".new-young"
        for path in (old, young):
            path.write_bytes(b"half")
        os.utime(old, (time.time() - 2 * DAY,) * 2)
        assert await store.upkeep.forget_files(DAY) == 1
        assert (old.exists(), young.exists()) == (False, True)


async def test_a_directory_is_swept_in_pieces_all_the_way(
    copied_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 4)
    async with open_store(copied_sqlite_url, tmp_path) as store:
        for number in range(10):
            await store.files.add("kept" if number % 2 else "a", str(number).encode(), "text/plain")
        await behind_its_back(copied_sqlite_url, "DELETE FROM files WHERE filename = 'a'")
        assert sum([await store.upkeep.forget_files(DAY) for _ in range(4)]) == 5
        assert len(list((tmp_path / "files").glob("??/*"))) == 5


# --- one thread, because somebody wants it


async def test_a_thread_is_forgotten_with_everything_that_hangs_on_it(scene: Scene, database_url: str) -> None:
    lease, run_id = await answered(scene)
    file = await scene.store.files.add("a.txt", b"text", "text/plain", claimed=False)
    await scene.say("more")
    lease, work = await scene.take()
    await scene.store.deliveries.attach(lease, work.run.id, [Attachment(name="a.txt", file_id=file.id)], ())
    await scene.store.runs.start(lease, work.run.id)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None
    await answered(scene, "C2")
    forgotten = await scene.store.upkeep.forget_thread(work.run.thread_id)
    assert forgotten is not None
    assert (forgotten.messages, forgotten.files) == (3, 1)
    assert await is_gone(scene.store, file)
    assert await scene.store.runs.get(run_id) is None
    assert await scene.store.intake.thread_of("C1") is None
    assert await scene.store.intake.thread_of("C2") is not None
    assert await scene.store.upkeep.forget_thread(work.run.thread_id) is None


async def test_a_thread_that_is_worked_on_is_not_forgotten(scene: Scene) -> None:
    accepted = await scene.say()
    assert await scene.store.upkeep.forget_thread(accepted.thread_id) is None
    lease, work = await scene.take()
    await scene.store.runs.start(lease, work.run.id)
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.FAILED))
    assert await scene.store.upkeep.forget_thread(accepted.thread_id) is None, "its end is not shown"
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.upkeep.forget_thread(accepted.thread_id) is None, "somebody has the lane"
    assert await scene.store.lanes.next_work(lease) is None
    assert await scene.store.upkeep.forget_thread(accepted.thread_id) is not None


async def test_a_very_long_thread_is_forgotten_piece_by_piece(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "RUNS", 2)
    for _ in range(5):
        await answered(scene)
    thread = await scene.store.intake.thread_of("C1")
    assert thread is not None
    forgotten = await scene.store.upkeep.forget_thread(thread)
    assert forgotten is not None
    assert forgotten.messages == 10
