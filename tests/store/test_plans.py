"""The hot statements look things up, they do not search."""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, CursorResult, TextClause, select, text

from bot.domain.runs import Run, RunStatus
from bot.store import migrate
from bot.store.dialects import dialect
from bot.store.heartbeats import Heartbeats, heartbeats
from bot.store.history import newest_first
from bot.store.intake import accepted_since, newest_in_channel
from bot.store.retention import idle_threads
from bot.store.statements import HOLD, HOLD_RUN, Statements, statements
from bot.store.upkeep import waking
from tests.store.tampering import aside
from tests.support.databases import sqlite_url

PARAMETERS = {
    "thread": "t",
    "worker": "w",
    "fence": 1,
    "limit": 5,
    "due": 1.0,
    "seconds": 1.0,
    "run": "r",
    "role": "all",
    "key": "k",
    "version": "1",
    "teller": "x",
    "names_1": "n",
}
HOT = [
    "claim",
    "hold",
    "hold_run",
    "next_run",
    "ahead",
    "ready_known_lane",
    "free_dead_lanes",
    "free_lanes",
    "rest_lane",
    "free_lane",
    "beat",
    "wake_lane",
    "stop_lane",
    "take_duties",
    "wake_expired",
    "last_conversation",
    "live_conversations",
]


def hot(name: str, *, postgres: bool) -> ClauseElement:
    """The statement of this name."""
    if name == "ahead":
        return select(statements(postgres=postgres).ahead)
    either = {
        "hold": HOLD,
        "hold_run": HOLD_RUN,
        "last_conversation": newest_in_channel("K", "p:1"),
        "live_conversations": accepted_since("slack:", ":slash-", 2e9, 5),
        "wake_expired": waking(dialect(postgres=postgres)),
    }
    if name in either:
        return either[name]
    home = heartbeats(postgres=postgres)
    statement: TextClause = getattr(home if hasattr(home, name) else statements(postgres=postgres), name)
    return statement.bindparams(names=["n"], worker="w", limit=5) if name == "take_duties" else statement


def explained(connection: Connection, explain: str, statement: ClauseElement) -> CursorResult[Any]:
    """What the database says about the statement."""
    listed = {"render_postcompile": True} if "names" in statement.compile().params else {}
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs=listed)
    given = {**compiled.params, **PARAMETERS}
    values = tuple(given[name] for name in compiled.positiontup or ())
    return connection.exec_driver_sql(f"{explain} {compiled}", values)


def plan_of(connection: Connection, statement: ClauseElement) -> list[str]:
    """The steps that SQLite would take."""
    return [row.detail for row in explained(connection, "EXPLAIN QUERY PLAN", statement)]


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_statement_scans_a_large_table_on_sqlite(name: str, tmp_path: Path) -> None:
    await migrate(sqlite_url(tmp_path), tmp_path)
    plan = await aside(sqlite_url(tmp_path), lambda connection: plan_of(connection, hot(name, postgres=False)))
    scans = [step for step in plan if re.match(r"SCAN (lanes|l|runs|deliveries)\b", step) and "USING" not in step]
    assert scans == []


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("claim", "ix_lanes_free"),
        ("free_dead_lanes", "ix_lanes_owner"),
        ("free_lanes", "ix_lanes_owner"),
        ("next_run", "ix_runs_active"),
        ("next_run", "ix_deliveries_open"),
        ("ahead", "ix_runs_active"),
        ("wake_expired", "ix_runs_active"),
        ("last_conversation", "ix_deliveries_channel"),
        ("live_conversations", "ix_deliveries_created_at"),
    ],
)
async def test_what_is_small_is_found_through_its_partial_index(name: str, index: str, tmp_path: Path) -> None:
    await migrate(sqlite_url(tmp_path), tmp_path)
    plan = await aside(sqlite_url(tmp_path), lambda connection: plan_of(connection, hot(name, postgres=False)))
    assert index in " ".join(plan)


async def test_the_newest_messages_of_a_thread_are_read_in_order_without_sorting(tmp_path: Path) -> None:
    """A turn in a long thread costs what it costs in a short one."""
    await migrate(sqlite_url(tmp_path), tmp_path)
    run = Run(seq=9, id="r", created_at=1, thread_id="t", assistant_id="a", status=RunStatus.IN_PROGRESS, model="m")
    plan = await aside(sqlite_url(tmp_path), lambda connection: plan_of(connection, newest_first(run, 10, None)))
    assert len(plan) == 1
    assert "ix_messages_place" in plan[0]


async def test_of_a_long_thread_one_message_tells_how_long_it_has_been_idle(tmp_path: Path) -> None:
    await migrate(sqlite_url(tmp_path), tmp_path)
    query = idle_threads(dialect(postgres=False).ago(1.0))
    plan = " ".join(await aside(sqlite_url(tmp_path), lambda connection: plan_of(connection, query)))
    assert "ix_messages_place" in plan
    assert "ix_runs_active" in plan
    assert "ix_deliveries_open" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.postgres
async def test_no_hot_statement_scans_a_large_table_on_postgres(postgres_url: str) -> None:
    plans = await aside(postgres_url, postgres_plans)
    for name, plan in plans.items():
        assert not re.search(r"Seq Scan on (lanes|runs|deliveries)", plan), (name, plan)


def postgres_plans(connection: Connection) -> dict[str, str]:
    """The plans in a database that has been used for some months."""
    fill(connection)
    plans: dict[str, str] = {}
    for name in HOT:
        plans[name] = "\n".join(explained(connection, "EXPLAIN", hot(name, postgres=True)).scalars())
    return plans


def fill(connection: Connection) -> None:
    """Many idle threads with ended runs, as after some months."""
    for statement in (
        "INSERT INTO threads SELECT 't' || n, 1, '{}' FROM generate_series(1, 5000) n",
        "INSERT INTO lanes SELECT 't' || n, false, NULL, 1, 1 FROM generate_series(1, 5000) n",
        "INSERT INTO runs (id, created_at, thread_id, assistant_id, status, model, instructions, tools, truncation,"
        " parallel_tool_calls, metadata)"
        " SELECT 'r' || n, 1, 't' || n, 'a', 'completed', 'm', '', '[]', '{}', true, '{}'"
        " FROM generate_series(1, 5000) n",
        "INSERT INTO deliveries SELECT id, seq, thread_id, 'c', '{}', '{}', 'm', 'delivered', '[]', 1 FROM runs",
        "ANALYZE",
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("statements_of", [statements, heartbeats])
def test_both_dialects_name_the_same_statements_with_the_same_parameters(
    statements_of: Callable[..., Statements | Heartbeats],
) -> None:
    one, other = statements_of(postgres=False), statements_of(postgres=True)
    for field in fields(one):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        assert ours.compile().params.keys() == theirs.compile().params.keys(), field.name
