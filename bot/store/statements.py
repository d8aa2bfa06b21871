# ruff: noqa: S608 - every text is put together from constants of this package
"""The statements that run for every event, lane and step, as SQL that both databases take.

SQLite takes them inside `BEGIN IMMEDIATE`, so its texts have no locking clauses. `now` is the database's clock in Unix
seconds: `unixepoch('subsec')` would be NULL before SQLite 3.42, and PostgreSQL's `now()` is the start of the
transaction, which errs on the short side for leases. The terms of partial indexes are repeated word for word.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import TextClause, text

from bot.store.schema import ACTIVE_RUN, FREE_LANE, OPEN_DELIVERY, OWNED_LANE

TTL: Final = 6.0
"""Seconds that a process counts as alive after its last heartbeat."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The hot statements in one dialect."""

    now: TextClause
    # accept an event
    conversation: TextClause
    ready_lane: TextClause
    count_active: TextClause
    # lanes
    enrol: TextClause
    beat: TextClause
    free_dead_lanes: TextClause
    forget_dead_workers: TextClause
    claim: TextClause
    hold: TextClause
    next_run: TextClause
    rest_lane: TextClause
    free_lane: TextClause
    hand_back: TextClause
    dismiss: TextClause
    dismiss_all: TextClause
    postpone: TextClause
    wake_lane: TextClause


def _statements(now: str, for_update: str, skip_locked: str, lane_skip_locked: str) -> Statements:
    return Statements(
        now=text(f"SELECT {now}"),
        # The upsert locks the conversation: two first messages at once get one thread.
        conversation=text(
            "INSERT INTO conversations (key, thread_id) VALUES (:key, :thread) "
            "ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING thread_id"
        ),
        # Before the run is inserted: the lock makes the order of numbers the order of commits within a thread.
        ready_lane=text(
            f"INSERT INTO lanes (thread_id, ready, fence, due) VALUES (:thread, true, 0, {now}) "
            "ON CONFLICT (thread_id) DO UPDATE SET ready = true"
        ),
        count_active=text(f"SELECT count(*) FROM runs WHERE thread_id = :thread AND {ACTIVE_RUN}"),
        enrol=text(
            "INSERT INTO workers (id, role, expires_at, draining) "
            f"VALUES (:worker, :role, {now} + {TTL}, false) "
            "ON CONFLICT (id) DO UPDATE SET role = excluded.role, expires_at = excluded.expires_at, draining = false"
        ),
        beat=text(f"UPDATE workers SET expires_at = {now} + {TTL} WHERE id = :worker RETURNING id"),
        # Not "the owner's row is expired": an owner whose row is already gone would keep its lanes for ever.
        free_dead_lanes=text(
            f"""WITH d AS (SELECT l.thread_id AS k FROM lanes l WHERE {OWNED_LANE}
                   AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = l.owner AND w.expires_at > {now})
                   {lane_skip_locked})
            UPDATE lanes SET owner = NULL, ready = true FROM d WHERE thread_id = d.k RETURNING thread_id"""
        ),
        forget_dead_workers=text(
            f"DELETE FROM workers WHERE id IN (SELECT id FROM workers WHERE expires_at <= {now} {skip_locked})"
        ),
        # The claimer must be alive in the same statement, or its lane could be orphaned. MATERIALIZED, because a
        # sub-select with LIMIT may be run twice and lock more rows than its limit.
        claim=text(
            f"""WITH c AS MATERIALIZED (SELECT thread_id AS k FROM lanes WHERE {FREE_LANE} AND due <= {now}
                   AND EXISTS (SELECT 1 FROM workers WHERE id = :worker AND expires_at > {now} AND NOT draining)
                   ORDER BY due LIMIT :limit {skip_locked})
            UPDATE lanes SET owner = :worker, fence = fence + 1 FROM c WHERE thread_id = c.k
            RETURNING thread_id, fence"""
        ),
        hold=text(f"SELECT 1 FROM lanes WHERE thread_id = :thread AND owner = :worker AND fence = :fence {for_update}"),
        next_run=text(
            f"""SELECT min(seq) AS seq, {now} AS now FROM (
                   SELECT seq FROM runs WHERE thread_id = :thread AND {ACTIVE_RUN}
                   UNION ALL SELECT run_seq FROM deliveries WHERE thread_id = :thread AND {OPEN_DELIVERY}) AS open"""
        ),
        rest_lane=text("UPDATE lanes SET owner = NULL, ready = true, due = :due WHERE thread_id = :thread"),
        free_lane=text("UPDATE lanes SET owner = NULL, ready = false WHERE thread_id = :thread"),
        hand_back=text("UPDATE lanes SET owner = NULL, ready = true WHERE owner = :worker RETURNING thread_id"),
        dismiss=text("DELETE FROM workers WHERE id = :worker"),
        dismiss_all=text("DELETE FROM workers"),
        postpone=text(f"UPDATE runs SET not_before = {now} + :seconds WHERE id = :run AND thread_id = :thread"),
        wake_lane=text(f"UPDATE lanes SET ready = true, due = {now} WHERE thread_id = :thread"),
    )


SQLITE: Final = _statements("((julianday('now') - 2440587.5) * 86400.0)", "", "", "")
POSTGRES: Final = _statements(
    "CAST(extract(epoch FROM now()) AS double precision)",
    "FOR UPDATE",
    "FOR UPDATE SKIP LOCKED",
    "FOR UPDATE OF l SKIP LOCKED",
)
