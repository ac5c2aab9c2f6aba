"""Whose turn it is, and what somebody used lately, are read from indexes alone.

Revision: 0003, after: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_jobs_turns",
        "jobs",
        ["state", "guild_id", "member_id", "created_at", "id", "closed_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_jobs_closed_at", table_name="jobs")
    op.create_index(
        "ix_jobs_closed_at",
        "jobs",
        ["closed_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index("ix_ledger_member_id_at", "ledger", ["member_id", "at"], unique=False)
    op.create_index("ix_attempts_state_account", "attempts", ["state", "account"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_attempts_state_account", table_name="attempts")
    op.drop_index("ix_ledger_member_id_at", table_name="ledger")
    op.drop_index("ix_jobs_closed_at", table_name="jobs")
    op.create_index("ix_jobs_closed_at", "jobs", ["closed_at"], unique=False)
    op.drop_index("ix_jobs_turns", table_name="jobs")
