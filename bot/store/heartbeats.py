# ruff: noqa: S608 - every text is put together from constants of this package
"""The statements behind heartbeats and duties, as SQL that both databases take.

Whatever is owned belongs to nobody once its owner has no living row. Not "the owner's row is expired": an owner whose
row is already gone would keep what it has for ever.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import TextClause, bindparam, text

from bot.domain.lanes import LEASE_SECONDS
from bot.domain.workers import RECEIVERS, WORKERS, Role
from bot.store import dialects
from bot.store.dialects import Dialect
from bot.store.schema import OWNED_LANE


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The statements in one dialect."""

    # heartbeats
    enrol: TextClause
    beat: TextClause
    free_dead_lanes: TextClause
    forget_dead_workers: TextClause
    retire: TextClause
    free_lanes: TextClause
    free_duties: TextClause
    dismiss: TextClause
    dismiss_all: TextClause
    # duties
    know_duty: TextClause
    take_duties: TextClause
    give_up_duty: TextClause


def _heartbeats(dialect: Dialect) -> Heartbeats:
    now, present = dialect.now, _present(dialect)
    return Heartbeats(
        enrol=text(
            "INSERT INTO workers (id, role, version, expires_at, draining) "
            f"VALUES (:worker, :role, :version, {now} + {LEASE_SECONDS}, false) ON CONFLICT (id) DO UPDATE SET "
            "role = excluded.role, version = excluded.version, expires_at = excluded.expires_at, draining = false "
            f"RETURNING 1 AS self, role, {present}"
        ),
        beat=text(
            f"UPDATE workers SET expires_at = {now} + {LEASE_SECONDS} WHERE id = :worker "
            f"RETURNING CASE WHEN draining THEN 0 ELSE 1 END AS self, role, {present}"
        ),
        free_dead_lanes=text(
            f"""WITH d AS (SELECT l.thread_id AS k FROM lanes l WHERE {OWNED_LANE} AND {_nobody("l", now)}
                   {dialect.skip_locked("l")})
            UPDATE lanes SET owner = NULL, ready = true FROM d WHERE thread_id = d.k
            RETURNING {dialect.tell("lanes")}"""
        ),
        forget_dead_workers=text(
            "DELETE FROM workers WHERE id IN "
            f"(SELECT id FROM workers WHERE expires_at <= {now} {dialect.skip_locked()})"
        ),
        retire=text("UPDATE workers SET draining = true WHERE id = :worker"),
        free_lanes=text("UPDATE lanes SET owner = NULL, ready = true WHERE owner = :worker RETURNING thread_id"),
        free_duties=text(f"UPDATE duties SET owner = NULL, due = {now} WHERE owner = :worker"),
        dismiss=text(f"DELETE FROM workers WHERE id = :worker RETURNING {dialect.tell('lanes')}"),
        dismiss_all=text("DELETE FROM workers"),
        know_duty=text(f"INSERT INTO duties (name, fence, due) VALUES (:name, 0, {now}) ON CONFLICT (name) DO NOTHING"),
        # As with lanes, the taker must be alive in the same statement.
        take_duties=text(
            f"""WITH c AS MATERIALIZED (SELECT d.name AS k FROM duties d
                   WHERE d.name IN :names AND d.due <= {now} AND {_nobody("d", now)}
                   AND EXISTS (SELECT 1 FROM workers WHERE id = :worker AND expires_at > {now} AND NOT draining)
                   ORDER BY d.due, d.name LIMIT :limit {dialect.skip_locked("d")})
            UPDATE duties SET owner = :worker, fence = fence + 1 FROM c WHERE name = c.k RETURNING name, fence"""
        ).bindparams(bindparam("names", expanding=True)),
        give_up_duty=text(
            f"UPDATE duties SET owner = NULL, due = {now} + :rest "
            "WHERE name = :name AND owner = :worker AND fence = :fence"
        ),
    )


def _nobody(owned: str, now: str) -> str:
    """The row belongs to nobody who lives."""
    return f"NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = {owned}.owner AND w.expires_at > {now})"


def _present(dialect: Dialect) -> str:
    """How many others are there. The row that is being written may or may not be seen by such a query yet."""

    def others(roles: tuple[Role, ...]) -> str:
        listed = ", ".join(f"'{role}'" for role in roles)
        living = f"expires_at > {dialect.now} AND NOT draining AND id <> :worker"
        return f"(SELECT count(*) FROM workers WHERE {living} AND role IN ({listed}))"

    return f"{others(RECEIVERS)} AS receivers, {others(WORKERS)} AS workers"


SQLITE: Final = _heartbeats(dialects.SQLITE)
POSTGRES: Final = _heartbeats(dialects.POSTGRES)


def heartbeats(*, postgres: bool) -> Heartbeats:
    """The statements for this kind of database."""
    return POSTGRES if postgres else SQLITE
