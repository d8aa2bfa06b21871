"""Old and new code at work on one database while a new version is deployed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

import bot.store
from bot.domain.deliveries import DeliveryState
from bot.domain.runs import RunStatus
from bot.errors import OperatorError
from bot.ports import Ending, Store
from bot.store import migrate, open_store
from bot.store.upgrades import SCHEMA_FLOOR, newest_revision
from tests.store.scene import Scene
from tests.store.tampering import an_engine, aside, behind_its_back, migrate_to
from tests.support.databases import postgres_database

ROOT = Path(__file__).parents[2]
MIGRATIONS = Path(bot.store.__file__).parent / "migrations"
FUTURE = "9999"
ADDITIVE = (
    "ALTER TABLE runs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",
    "CREATE TABLE moods (name TEXT PRIMARY KEY)",
    f"UPDATE alembic_version SET version_num = '{FUTURE}'",
)


async def newer_code_migrates(database_url: str, floor: str | None = None) -> None:
    """What the migration of a later version does."""

    def work(connection: Connection) -> None:
        for statement in ADDITIVE:
            connection.execute(text(statement))
        if floor is not None:
            row = {"name": SCHEMA_FLOOR, "value": floor}
            connection.execute(text("INSERT INTO notes (name, value) VALUES (:name, :value)"), row)

    await aside(database_url, work)


async def answer_one(scene: Scene, conversation: str) -> None:
    """A whole conversation."""
    lease, work = await scene.started(conversation=conversation)
    await scene.answer(lease, work.run.id, "Yes")
    await scene.store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
    await scene.store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
    assert await scene.store.lanes.next_work(lease) is None


@pytest.mark.parametrize("floored", [False, True])
async def test_code_starts_and_works_on_a_newer_schema_that_only_added(
    database_url: str, tmp_path: Path, *, floored: bool
) -> None:
    await newer_code_migrates(database_url, newest_revision() if floored else None)
    try:
        async with open_store(database_url, tmp_path) as store:
            await answer_one(await Scene(store).enter(), "C1")
    finally:
        await restored(database_url)


async def test_code_at_work_goes_on_when_newer_code_adds_to_the_schema(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    scene = await Scene(store).enter()
    await answer_one(scene, "C1")
    try:
        await newer_code_migrates(database_url)
        await answer_one(scene, "C2")
    finally:
        await restored(database_url)


async def test_migrating_with_old_code_leaves_a_newer_schema_alone(database_url: str, tmp_path: Path) -> None:
    try:
        await newer_code_migrates(database_url)
        assert await migrate(database_url, tmp_path) == FUTURE
    finally:
        await restored(database_url)


async def test_code_that_is_too_old_for_the_schema_does_not_start(database_url: str, tmp_path: Path) -> None:
    try:
        await newer_code_migrates(database_url, FUTURE)
        with pytest.raises(OperatorError, match=r"too old: deploy the newer one"):
            async with open_store(database_url, tmp_path):
                pass
    finally:
        await restored(database_url)


async def restored(database_url: str) -> None:
    """As other tests expect it: one database serves many of them."""
    if not database_url.startswith("sqlite"):
        await behind_its_back(database_url, "ALTER TABLE runs DROP COLUMN mood")
        await behind_its_back(database_url, "DROP TABLE moods")
        await behind_its_back(database_url, f"UPDATE alembic_version SET version_num = '{newest_revision()}'")


PREVIOUS = """
import asyncio, json, sys
from pathlib import Path
from bot.domain.assistants import Assistant
from bot.domain.deliveries import Address, DeliveryState, Event
from bot.domain.ids import new_id
from bot.domain.messages import Author
from bot.domain.runs import RunStatus, Usage
from bot.domain.turns import FinishReason, TurnResult
from bot.ports import Ending
from bot.store import open_store
from bot.store.upgrades import newest_revision

WORKER = new_id("worker_")
ASSISTANT = Assistant(id="asst_1", created_at=1, name="Parley", model="m")

def event(number):
    address = Address(platform="console", place={"channel": "C"})
    author = Author(platform="console", id="U1", name="Ann")
    place = f"console:old-{number % 3}"
    return Event(keys=(f"old-{number}",), conversation=place, address=address, author=author, text="Hi")

async def work(store, seconds=0.05):
    done = []
    for lease in await store.lanes.claim(WORKER, 1):
        while found := await store.lanes.next_work(lease):
            run = found.run.id
            await store.runs.start(lease, run)
            turn = await store.runs.begin_turn(lease, run)
            await store.runs.begin_message(lease, turn)
            said = TurnResult(text="Yes", finish=FinishReason.STOP, usage=Usage())
            await store.runs.finish_turn(lease, turn, said, [])
            await store.runs.end(lease, run, Ending(RunStatus.COMPLETED))
            await store.deliveries.close(lease, run, DeliveryState.DELIVERED)
            done.append(run)
    await store.lanes.wait(seconds)
    return done

async def main():
    told = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), lambda: told.put_nowait(sys.stdin.readline()))
    async with open_store(sys.argv[1], Path(sys.argv[2])) as store:
        presence = getattr(store, "workers", store.lanes)
        await presence.enrol(WORKER, "all")
        print(newest_revision(), flush=True)
        await told.get()
        said = [(await store.intake.accept(event(0), ASSISTANT)).run_id]
        done = []
        while not done:
            await presence.beat(WORKER)
            done += await work(store)
        print(json.dumps(done), flush=True)
        await told.get()
        said += [(await store.intake.accept(event(n), ASSISTANT)).run_id for n in range(1, 12)]
        print(json.dumps(said), flush=True)
        while told.empty():
            await presence.beat(WORKER)
            done += await work(store)
        leave = getattr(presence, "leave", None) or presence.hand_back
        await leave(WORKER)
        print(json.dumps(done), flush=True)

asyncio.run(main())
"""


@pytest.fixture
def previous_code(tmp_path: Path) -> Path:
    """A checkout of the code as it was before the newest migration."""
    newest = ScriptDirectory(str(MIGRATIONS)).get_revision("head")
    log = ("log", "-1", "--diff-filter=A", "--format=%H", "--", str(newest.path))
    added = git(*log).strip() if (ROOT / ".git").exists() else ""
    if not added:
        pytest.skip("no git history that has the newest migration")
    archive = git("archive", f"{added}^", "bot", text=False)
    if not archive:
        pytest.skip("no git history before the newest migration")
    folder = tmp_path / "previous"
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
    return folder


def git(*arguments: str, text: bool = True) -> "str | bytes":
    """What git says, or nothing."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, text=text).stdout
    except (OSError, subprocess.CalledProcessError):
        return "" if text else b""


@pytest.fixture
def old_database(migrated_postgres: str) -> Iterator[str]:
    """A database without tables."""
    with postgres_database() as url:
        yield url


@pytest.mark.postgres
async def test_the_previous_version_works_beside_this_one_after_the_migration(
    previous_code: Path, old_database: str, tmp_path: Path
) -> None:
    before = ScriptDirectory(str(MIGRATIONS)).get_revision("head").down_revision
    assert isinstance(before, str)
    await migrate_to(old_database, before)
    old = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PREVIOUS, old_database, str(tmp_path)), cwd=previous_code, stdin=-1, stdout=-1
    )
    assert old.stdin is not None
    assert old.stdout is not None
    try:
        assert (await old.stdout.readline()).decode().strip() == before  # it is open on the old schema
        await migrate(old_database, tmp_path)
        async with open_store(old_database, tmp_path) as store:
            old.stdin.write(b"go\n")
            alone = json.loads(await old.stdout.readline())
            assert len(alone) == 1
            old.stdin.write(b"go\n")
            scene = await Scene(store).enter()
            ours = [(await scene.say(f"m{n}", f"console:new-{n % 3}")).run_id for n in range(12)]
            said = [*ours, *json.loads(await old.stdout.readline())]
            done: list[str] = []
            while not all([(await store.runs.get(run_id)).ended for run_id in said]):  # pyright: ignore[reportOptionalMemberAccess]
                done += await some_work(scene)
            old.stdin.write(b"stop\n")
            theirs = json.loads(await old.stdout.readline())
            assert sorted(done + theirs) == sorted(said)
            assert await old.wait() == 0
            assert await store.workers.leave(scene.worker) == 0
    finally:
        if old.returncode is None:
            old.kill()
            await old.wait()


IN_LANE = ("SELECT FROM lanes FOR UPDATE", "INSERT INTO runs {run}", "INSERT INTO messages {message}")
READS_FIRST = ("SELECT FROM messages", "SELECT FROM runs", "UPDATE lanes SET ready = true")
FORGETS = ("SELECT FROM lanes FOR UPDATE", "DELETE FROM threads")
RUN = """(id, thread_id, assistant_id, status, model, instructions, tools, truncation, parallel_tool_calls, metadata,
    created_at, expires_at) VALUES ('run_1', 'thread_1', 'a', 'queued', 'm', '', '[]', '{}', true, '{}', 1, 2)"""
MESSAGE = """(id, thread_id, run_seq, place, role, status, content, attachments, metadata, superseded, created_at)
    VALUES ('msg_1', 'thread_1', 1, 0, 'user', 'completed', '[]', '[]', '{}', false, 1)"""


@pytest.mark.postgres
@pytest.mark.parametrize("statements", [IN_LANE, READS_FIRST, FORGETS])
async def test_a_migration_lets_pass_who_is_at_work(
    old_database: str, tmp_path: Path, statements: tuple[str, ...]
) -> None:
    """All that one does before its last statement is done when the migration comes and waits for it."""
    await migrate_to(old_database, "0003")
    await behind_its_back(old_database, "INSERT INTO threads (id, created_at, metadata) VALUES ('thread_1', 1, '{}')")
    await behind_its_back(
        old_database,
        "INSERT INTO lanes (thread_id, platform, ready, fence, due) VALUES ('thread_1', 'console', true, 0, 0)",
    )
    *first, last = (one.replace("{run}", RUN).replace("{message}", MESSAGE) for one in statements)
    async with an_engine(old_database) as engine, an_engine(old_database) as onlooker:
        async with engine.begin() as working:
            for statement in first:
                await working.exec_driver_sql(statement)
            migrating = asyncio.create_task(migrate(old_database, tmp_path))
            await somebody_waits(onlooker)
            await working.exec_driver_sql(last)
        assert await migrating == newest_revision()


async def somebody_waits(onlooker: AsyncEngine) -> None:
    """Return when somebody waits for a table."""
    query = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    for _ in range(100_000):
        async with onlooker.begin() as connection:
            if (await connection.execute(query)).scalar_one():
                return
    pytest.fail("nobody waits")


async def some_work(scene: Scene) -> list[str]:
    """One lane, whoever's code accepted what is in it."""
    done: list[str] = []
    store = scene.store
    await store.workers.beat(scene.worker)
    for lease in await store.lanes.claim(scene.worker, 1):
        while work := await store.lanes.next_work(lease):
            await store.runs.start(lease, work.run.id)
            await scene.answer(lease, work.run.id, "Yes")
            await store.runs.end(lease, work.run.id, Ending(RunStatus.COMPLETED))
            await store.deliveries.close(lease, work.run.id, DeliveryState.DELIVERED)
            done.append(work.run.id)
    await store.lanes.wait(0.05)
    return done
