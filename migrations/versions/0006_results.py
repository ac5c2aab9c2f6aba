"""Clips know which earlier one they come from, and the further places where they were shown.

Revision: 0006, after: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SHARED = sa.text("shared")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parent_id", sa.String(25), nullable=True))
    op.add_column("jobs", sa.Column("parent_channel_id", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("parent_message_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_jobs_of_member", "jobs", ["member_id", "guild_id", "id"])
    op.create_table(
        "copies",
        sa.Column("id", sa.String(25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(25), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
    )
    op.create_index("ix_copies_job_id", "copies", ["job_id"])
    op.create_index("ix_copies_message_id", "copies", ["message_id"])
    op.create_index(
        "uq_copies_shared",
        "copies",
        ["job_id"],
        unique=True,
        sqlite_where=SHARED,
        postgresql_where=SHARED,
    )


def downgrade() -> None:
    op.drop_table("copies")
    op.drop_index("ix_jobs_of_member", table_name="jobs")
    for name in ("parent_message_id", "parent_channel_id", "parent_id"):
        op.drop_column("jobs", name)
