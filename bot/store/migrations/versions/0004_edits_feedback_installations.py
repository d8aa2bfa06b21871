"""Edits and deletions of chat messages, feedback, installations in many workspaces, and models of assistants."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

REAL: sa.Double[float] = sa.Double()
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("messages", sa.Column("source", sa.Text()))
    op.create_index(op.f("ix_messages_source"), "messages", ["source"])
    op.add_column("threads", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "feedback",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("created_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_feedback_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "person", name=op.f("pk_feedback")),
    )
    op.create_table(
        "installations",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("changed_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installations")),
    )
    for table in ("assistants", "runs"):
        op.add_column(table, sa.Column("own_model", sa.Boolean(), nullable=False, server_default=sa.text("false")))
