# ruff: noqa: S608 - every text is put together from constants of this package
"""The statements that run for every event, lane and step, as SQL that both databases take.

The terms of partial indexes are repeated word for word.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Select,
    TextClause,
    and_,
    bindparam,
    literal_column,
    select,
    text,
)

from bot.store import dialects
from bot.store.dialects import Dialect
from bot.store.schema import ACTIVE_RUN, FREE_LANE, OPEN_DELIVERY, deliveries, lanes, runs

_OURS = and_(
    lanes.c.thread_id == bindparam("thread"), lanes.c.owner == bindparam("worker"), lanes.c.fence == bindparam("fence")
)
HOLD: Final = select(lanes.c.fence).where(_OURS).with_for_update()
"""Locks the lane for the transaction, if it is ours."""
HOLD_RUN: Final = (
    select(runs)
    .join_from(lanes, runs, runs.c.thread_id == lanes.c.thread_id)
    .where(_OURS, runs.c.id == bindparam("run"))
    .with_for_update(of=[lanes, runs])
)
"""The same, and reads a run of the lane. Whoever changes a run locks its lane first, so the lane comes first here too.
The run is locked as well, because a row that is only read would be as it was before the wait for the lane."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The hot statements in one dialect."""

    # accept an event
    conversation: TextClause
    ready_lane: TextClause
    ready_known_lane: TextClause
    created_at: ColumnElement[int]
    expires_at: ColumnElement[int]
    ahead: TextClause
    lanes_told: TextClause
    # lanes
    claim: TextClause
    claim_of: TextClause
    next_run: Select[Any]
    rest_lane: TextClause
    free_lane: TextClause
    release_lane: TextClause
    postpone: TextClause
    stop_lane: TextClause
    wake_lane: TextClause


def _claim(dialect: Dialect, some: str) -> TextClause:
    now = dialect.now
    return text(
        f"""WITH c AS MATERIALIZED (SELECT thread_id AS k FROM lanes WHERE {FREE_LANE} AND due <= {now} {some}
               AND EXISTS (SELECT 1 FROM workers WHERE id = :worker AND expires_at > {now} AND NOT draining)
               ORDER BY due LIMIT :limit {dialect.skip_locked()})
        UPDATE lanes SET owner = :worker, fence = fence + 1 FROM c WHERE thread_id = c.k
        RETURNING thread_id, fence"""
    )


def _statements(dialect: Dialect) -> Statements:
    now = dialect.now
    wake = f"UPDATE lanes SET ready = true, due = {now} WHERE thread_id = :thread RETURNING"
    return Statements(
        # The upsert locks the conversation: two first messages at once get one thread.
        conversation=text(
            "INSERT INTO conversations (key, thread_id) VALUES (:key, :thread) "
            "ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING thread_id"
        ),
        # Before the run is inserted: the lock makes the order of numbers the order of commits within a thread.
        ready_lane=text(
            f"INSERT INTO lanes (thread_id, platform, ready, fence, due) VALUES (:thread, :platform, true, 0, {now}) "
            "ON CONFLICT (thread_id) DO UPDATE SET ready = true, platform = excluded.platform"
        ),
        # The same for a conversation that has a thread; without one it does nothing.
        ready_known_lane=text(
            f"INSERT INTO lanes (thread_id, platform, ready, fence, due) "
            f"SELECT thread_id, :platform, true, 0, {now} FROM conversations WHERE key = :key "
            "ON CONFLICT (thread_id) DO UPDATE SET ready = true, platform = excluded.platform RETURNING thread_id"
        ),
        # Not by the clock of the process that accepts: another one compares it.
        created_at=literal_column(dialect.whole(now), BigInteger),
        expires_at=literal_column(dialect.whole(now), BigInteger) + bindparam("lifetime", type_=BigInteger),
        # What the last insert of the transaction returns: its own run, which is there by then, is not ahead of itself.
        ahead=text(f"(SELECT count(*) - 1 FROM runs WHERE thread_id = :thread AND {ACTIVE_RUN}) AS ahead"),
        # Returned by the same insert, so that telling costs no way to the database.
        lanes_told=text(dialect.tell("lanes")),
        # The claimer must be alive in the same statement, or its lane could be orphaned. MATERIALIZED, because a
        # sub-select with LIMIT may be run twice and lock more rows than its limit.
        claim=_claim(dialect, ""),
        claim_of=_claim(dialect, "AND platform IN :platforms").bindparams(bindparam("platforms", expanding=True)),
        # Not together with HOLD: while it waited for the lane, it would not see the run that is being accepted.
        next_run=select(runs, deliveries, literal_column(now, Double).label("now"))
        .join_from(runs, deliveries, deliveries.c.run_id == runs.c.id, isouter=True)
        .where(
            text(
                f"""runs.seq = (SELECT min(seq) FROM (
                   SELECT seq FROM runs WHERE thread_id = :thread AND {ACTIVE_RUN}
                   UNION ALL SELECT run_seq FROM deliveries WHERE thread_id = :thread AND {OPEN_DELIVERY}) AS open)"""
            )
        ),
        rest_lane=text("UPDATE lanes SET owner = NULL, ready = true, due = :due WHERE thread_id = :thread"),
        free_lane=text("UPDATE lanes SET owner = NULL, ready = false WHERE thread_id = :thread"),
        release_lane=text(
            "UPDATE lanes SET owner = NULL, ready = true WHERE thread_id = :thread AND owner = :worker "
            f"AND fence = :fence RETURNING {dialect.tell('lanes')}"
        ),
        postpone=text(f"UPDATE runs SET not_before = {now} + :seconds WHERE id = :run AND thread_id = :thread"),
        # Both lock the lane too.
        stop_lane=text(f"{wake} {dialect.tell('stop')}"),
        wake_lane=text(f"{wake} {dialect.tell('lanes')}"),
    )


SQLITE: Final = _statements(dialects.SQLITE)
POSTGRES: Final = _statements(dialects.POSTGRES)


def statements(*, postgres: bool) -> Statements:
    """The hot statements for this kind of database."""
    return POSTGRES if postgres else SQLITE
