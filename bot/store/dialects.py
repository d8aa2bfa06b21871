"""What the two databases say differently in the statements that are written as SQL."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import ColumnElement, Double, literal_column

Topic = Literal["lanes", "stop"]
"""What a process tells the others: a lane may be ready; somebody wants to stop a run (whose lane may be ready too)."""

CHANNEL: Final = "parley"
"""PostgreSQL's name for what we tell and listen to."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Pieces of SQL."""

    postgres: bool
    now: str
    """The database's clock in Unix seconds."""

    def skip_locked(self, table: str = "") -> str:
        """Lock the rows that nobody else has locked. SQLite takes our statements inside `BEGIN IMMEDIATE`."""
        of = f" OF {table}" if table else ""
        return f"FOR UPDATE{of} SKIP LOCKED" if self.postgres else ""

    def tell(self, topic: Topic) -> str:
        """An expression for RETURNING that tells the other processes when the transaction commits.

        It needs the parameter `teller`, by which a process knows its own words again. SQLite has no other processes.
        """
        words = f"'{topic} ' || CAST(:teller AS text)"
        return f"pg_notify('{CHANNEL}', {words})" if self.postgres else words

    def ago(self, seconds: float) -> ColumnElement[float]:
        """So long ago, by the database's clock."""
        return literal_column(self.now, Double) - seconds

    def whole(self, seconds: str) -> str:
        """Whole seconds, rounded down."""
        return f"CAST(floor({seconds}) AS bigint)" if self.postgres else f"CAST({seconds} AS integer)"


SQLITE: Final = Dialect(postgres=False, now="((julianday('now') - 2440587.5) * 86400.0)")
"""`unixepoch('subsec')` would be NULL before SQLite 3.42."""
POSTGRES: Final = Dialect(postgres=True, now="CAST(extract(epoch FROM now()) AS double precision)")
"""`now()` is the start of the transaction, which errs on the short side for leases."""


def dialect(*, postgres: bool) -> Dialect:
    """The pieces for this kind of database."""
    return POSTGRES if postgres else SQLITE
