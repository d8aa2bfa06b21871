"""Opening, locking, migrating."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import IntegrityError

from bot.errors import OperatorError, SettingsError, StoreRefused, StoreUnavailable
from bot.store import migrate, open_store, sqlite
from bot.store.schema import metadata
from bot.store.urls import parse_url
from tests.store.scene import ASSISTANT, Scene, an_event
from tests.store.tampering import aside, behind_its_back, migrate_to
from tests.support.databases import open_sqlite, postgres_database, sqlite_url

_OPEN = """
import asyncio, sys
from pathlib import Path
from bot.store import open_store
async def main():
    async with open_store(sys.argv[1], Path(sys.argv[2])):
        print("open", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


async def test_sqlite_migrates_itself_and_keeps_what_it_has(tmp_path: Path) -> None:
    for expected in (None, "1"):
        async with open_sqlite(tmp_path / "new" / "folder") as store:
            assert await store.notes.read("n") == expected
            await store.notes.write("n", "1")


async def test_the_migrations_make_the_schema(database_url: str, tmp_path: Path) -> None:
    await migrate(database_url, tmp_path)
    assert await aside(database_url, _differences) == []


def _differences(connection: Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


async def test_migrating_twice_changes_nothing(database_url: str, tmp_path: Path) -> None:
    assert await migrate(database_url, tmp_path) == await migrate(database_url, tmp_path)


@pytest.mark.postgres
async def test_processes_that_migrate_at_once_wait_for_each_other(migrated_postgres: str, tmp_path: Path) -> None:
    with postgres_database() as url:
        assert len(set(await asyncio.gather(*(migrate(url, tmp_path) for _ in range(3))))) == 1


@pytest.mark.postgres
async def test_postgres_without_tables_asks_for_the_migration(migrated_postgres: str, tmp_path: Path) -> None:
    with postgres_database() as url, pytest.raises(OperatorError, match="python -m bot migrate"):
        async with open_store(url, tmp_path):
            pass


@pytest.mark.postgres
async def test_postgres_at_another_revision_asks_for_the_migration(postgres_url: str, tmp_path: Path) -> None:
    await behind_its_back(postgres_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(OperatorError, match="python -m bot migrate"):
        async with open_store(postgres_url, tmp_path):
            pass


async def test_a_second_process_cannot_open_the_same_file(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path):
        arguments = [sys.executable, "-c", _OPEN, sqlite_url(tmp_path), str(tmp_path)]
        second = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, check=False)
        assert second.returncode != 0
        assert "Another process is using" in second.stderr
        with pytest.raises(OperatorError, match="Another process"):
            await migrate(sqlite_url(tmp_path), tmp_path)


async def test_a_killed_process_leaves_no_lock_and_its_lanes_are_free(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path) as store:
        scene = await Scene(store).enter()
        await scene.started()
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, sqlite_url(tmp_path), str(tmp_path), stdin=-1, stdout=-1
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    holder.kill()
    await holder.communicate()
    async with open_sqlite(tmp_path) as store:
        successor = await Scene(store).enter()
        assert len(await store.lanes.claim(successor.worker, 5)) == 1


async def test_a_store_in_memory_works_and_takes_no_lock(tmp_path: Path) -> None:
    async with open_store("sqlite:///:memory:", tmp_path) as one, open_store("sqlite://", tmp_path) as two:
        scene = await Scene(one).enter()
        await scene.started()
        await one.workers.beat(scene.worker)
        await one.notes.write("n", "1")
        assert await two.notes.read("n") is None


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"^DATABASE_URL: .*cannot be reached"):
        async with open_store("postgres://127.0.0.1:1/d", tmp_path):
            pass


@pytest.mark.postgres
async def test_a_database_that_does_not_exist_is_unavailable(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"^DATABASE_URL: .*not exist"):
        async with open_store(f"{postgres_url}_nowhere", tmp_path):
            pass
    with pytest.raises(StoreUnavailable, match=r"^DATABASE_URL: .*not exist"):
        await migrate(f"{postgres_url}_nowhere", tmp_path)


@pytest.mark.postgres
async def test_a_wrong_login_is_unavailable_and_its_password_is_not_shown(postgres_url: str, tmp_path: Path) -> None:
    url = make_url(postgres_url).set(username="nobody_like_that", password="wrongpass")
    with pytest.raises(StoreUnavailable, match=r"^DATABASE_URL: .*nobody_like_that") as refusal:
        async with open_store(url.render_as_string(hide_password=False), tmp_path):
            pass
    assert "wrongpass" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    wrong = tmp_path / "file" / "folder"
    with pytest.raises(OperatorError, match=r"^DATABASE_URL: .*file"):
        async with open_store(f"sqlite:///{wrong / 'parley.db'}", tmp_path / "data"):
            pass
    with pytest.raises(OperatorError, match=r"^DATABASE_URL: "):
        await migrate(f"sqlite:///{tmp_path}", tmp_path / "data")
    with pytest.raises(OperatorError, match=r"^DATA_DIR: .*file"):
        async with open_store(sqlite_url(tmp_path), wrong):
            pass


@pytest.mark.parametrize("existed", [False, True])
async def test_nobody_else_can_read_what_is_stored_whatever_the_umask(tmp_path: Path, *, existed: bool) -> None:
    data = tmp_path / "data"
    before = os.umask(0)
    try:
        if existed:
            (data / "files").mkdir(parents=True, mode=0o777)
        async with open_sqlite(data) as store:
            await store.notes.write("n", "1")
            file = await store.files.add("a.txt", b"a", "text/plain")
            modes = {path.relative_to(data): stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    finally:
        os.umask(before)
    names = ["parley.db", "parley.db-wal", "parley.db-shm", "parley.db.lock"]
    assert {str(path): mode for path, mode in modes.items() if path.name in names} == dict.fromkeys(names, 0o600)
    assert modes[Path("files")] == 0o700
    assert modes[Path("files", file.sha256[:2], file.sha256)] == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == (0o777 if existed else 0o700)


async def test_begins_of_calls_are_added_to_a_database_of_the_first_schema(bare_url: str, tmp_path: Path) -> None:
    await migrate_to(bare_url, "0001")
    for statement in (
        "INSERT INTO threads (id, created_at, metadata) VALUES ('t', 1, '{}')",
        "INSERT INTO runs (id, created_at, thread_id, assistant_id, status, model, instructions, tools, truncation,"
        " parallel_tool_calls, metadata) VALUES ('r', 1, 't', 'a', 'in_progress', 'm', '', '[]', '{}', true, '{}')",
        *(
            "INSERT INTO tool_calls (run_id, turn, position, id, provider_call_id, name, arguments, extra, effect,"
            f" state, started_fence) VALUES ('r', 1, {n}, 'c{n}', 'p', 'look', '', '{{}}', 'read', '{state}', {fence})"
            for n, state, fence in ((0, "planned", "NULL"), (1, "started", 1))
        ),
    ):
        await behind_its_back(bare_url, statement)
    await migrate(bare_url, tmp_path)
    assert await aside(bare_url, _differences) == []
    async with open_store(bare_url, tmp_path) as store:
        assert [call.begins for call in await store.runs.calls("r")] == [0, 1]


@pytest.mark.postgres
async def test_after_lost_connections_the_next_statement_works(postgres_url: str, tmp_path: Path) -> None:
    async with open_store(postgres_url, tmp_path) as store:
        await store.notes.write("n", "1")
        terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley'"
        await behind_its_back(postgres_url, f"{terminate} AND datname = current_database() AND pid <> pg_backend_pid()")
        assert await store.notes.read("n") == "1"


@pytest.mark.postgres
async def test_a_process_needs_its_pool_and_one_connection_more(postgres_url: str, tmp_path: Path) -> None:
    async with open_store(postgres_url, tmp_path, pool_size=2) as store:
        scene = await Scene(store).enter()
        said = await asyncio.gather(*(scene.say("hi", f"C{number}") for number in range(10)))
        await asyncio.gather(*(store.runs.get(one.run_id) for one in said), store.workers.beat(scene.worker))
        ours = "FROM pg_stat_activity WHERE application_name LIKE 'parley%' AND datname = current_database()"
        assert await behind_its_back(postgres_url, f"SELECT pid {ours} AND pid <> pg_backend_pid()") == 3


async def test_a_wrong_url_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        async with open_store("mysql://h/d", tmp_path / "data"):
            pass
    assert not (tmp_path / "data").exists()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "parley.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable):
        async with open_sqlite(tmp_path):
            pass


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(OperatorError, match=r"3\.35"):
        async with open_sqlite(tmp_path):
            pass


async def test_sqlite_connections_have_the_settings_that_durability_needs(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path):
        opened = sqlite.open_sqlite(parse_url(sqlite_url(tmp_path)))
        found: dict[str, list[object]] = {}
        for name, engine in (("writer", opened.writer), ("reader", opened.reader), ("heart", opened.heart)):
            async with engine.begin() as connection:
                found[name] = await connection.run_sync(_pragmas)
        await opened.close()
    assert found == {"writer": ["wal", 2, 1, 0], "reader": ["wal", 2, 1, 1], "heart": ["wal", 2, 1, 0]}


def _pragmas(connection: Connection) -> list[object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
    return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]


async def test_cancellation_lets_a_transaction_finish(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path) as store:
        writing = asyncio.create_task(store.notes.write("n", "1"))
        await asyncio.sleep(0)  # it begins, and waits for the database
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await store.notes.read("n") == "1"


async def test_after_a_commit_that_failed_the_connection_can_be_used(database_url: str, tmp_path: Path) -> None:
    async with open_store(database_url, tmp_path) as store:
        with pytest.raises(IntegrityError):  # the foreign key is checked at the end
            await store.intake.join("C1", "thread_nowhere")
        await store.notes.write("n", "1")
        assert await store.notes.read("n") == "1"
        assert await store.intake.thread_of("C1") is None


async def test_a_file_that_somebody_else_keeps_locked_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    async with open_sqlite(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "parley.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.notes.write("n", "1")
        assert await store.notes.read("n") is None
        other.close()
        await store.notes.write("n", "1")


async def test_a_closed_store_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = _driver_threads()
    async with open_sqlite(tmp_path) as store:
        await store.notes.write("n", "1")
        await store.notes.read("n")
        drivers = _driver_threads() - before
        assert len(drivers) == 2  # the writer's and a reader's; nobody's heart has beaten
    for thread in drivers:
        thread.join(5)
    assert not any(thread.is_alive() for thread in drivers)


def _driver_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name}


async def test_a_transaction_that_raises_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    await migrate(database_url, tmp_path)

    def work(connection: Connection) -> None:
        connection.execute(text("INSERT INTO notes (name, value) VALUES ('n', '1')"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await aside(database_url, work)
    async with open_store(database_url, tmp_path) as store:
        assert await store.notes.read("n") is None


@pytest.mark.postgres
@pytest.mark.parametrize("changes", [{"database": "nowhere_at_all"}, {"username": "nobody_like_that"}])
async def test_a_database_that_will_never_let_us_in_says_so(
    postgres_url: str, tmp_path: Path, changes: dict[str, str]
) -> None:
    url = make_url(postgres_url).set(**changes).render_as_string(hide_password=False)
    with pytest.raises(StoreRefused, match=r"^DATABASE_URL: "):
        async with open_store(url, tmp_path):
            pass


@pytest.mark.postgres
async def test_what_people_said_is_in_no_error(postgres_url: str, tmp_path: Path) -> None:
    """Errors end up in logs, with all that led to them."""
    said = an_event("my salary is 1234").model_copy(update={"channel": "my secret channel"})
    async with open_store(postgres_url, tmp_path) as store:
        waiting, broken = await _broken_off(postgres_url, store.intake.accept(said, ASSISTANT))
    assert "INSERT INTO messages" in waiting
    story = "".join(traceback.format_exception(broken))
    assert "INSERT INTO messages" in story
    assert "salary" not in story
    assert "secret" not in story


async def _broken_off(url: str, work: Coroutine[object, object, object]) -> tuple[str, BaseException]:
    """Break the connection under a statement that waits for a lock. Returns the statement and what was raised."""
    asked = (
        "SELECT pid, query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO messages%'"
    )
    async with AsyncExitStack() as stack:
        holder, onlooker = [await asyncpg.connect(url) for _ in range(2)]  # a transaction sees one state of activity
        for connection in (holder, onlooker):
            stack.push_async_callback(connection.close)
        async with holder.transaction():
            await holder.execute("LOCK TABLE messages")
            task = asyncio.ensure_future(work)
            while (row := await onlooker.fetchrow(f"{asked} AND datname = current_database()")) is None:
                pass
            await onlooker.execute("SELECT pg_terminate_backend($1)", row["pid"])
            await asyncio.wait({task})
    error = task.exception()
    assert isinstance(error, StoreUnavailable)
    return row["query"], error
