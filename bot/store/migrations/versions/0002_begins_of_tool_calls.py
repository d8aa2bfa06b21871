"""How often a tool call was begun."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("tool_calls", sa.Column("begins", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE tool_calls SET begins = 1 WHERE started_fence IS NOT NULL")
