"""Duties, decisions about interrupted calls, versions of processes, and what periodic jobs look for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REAL: sa.Double[float] = sa.Double()
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("due", REAL, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duties")),
    )
    op.add_column("lanes", sa.Column("platform", sa.Text(), nullable=False, server_default=""))
    op.add_column("tool_calls", sa.Column("decision", sa.Text()))
    op.add_column("workers", sa.Column("version", sa.Text(), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("channel", sa.Text(), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("asker_id", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_deliveries_channel", "deliveries", ["channel", "asker_id", "run_seq"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at"])
    op.add_column("files", sa.Column("unclaimed", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    unclaimed = sa.text("unclaimed")
    op.create_index("ix_files_unclaimed", "files", ["created_at"], sqlite_where=unclaimed, postgresql_where=unclaimed)
