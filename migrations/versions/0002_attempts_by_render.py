"""Attempts are found by the provider's id of their render, and those that are in question by their state.

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_attempts_provider_job_id", "attempts", ["provider_job_id"], unique=False)
    in_question = sa.text("state IN ('disputed', 'set_aside', 'twin')")
    op.create_index(
        "ix_attempts_in_question",
        "attempts",
        ["state"],
        unique=False,
        sqlite_where=in_question,
        postgresql_where=in_question,
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_in_question", table_name="attempts")
    op.drop_index("ix_attempts_provider_job_id", table_name="attempts")
