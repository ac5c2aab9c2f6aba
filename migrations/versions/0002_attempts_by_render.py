"""Attempts are found by the provider's id of their render.

Revision: 0002, after: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_attempts_provider_job_id", "attempts", ["provider_job_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_attempts_provider_job_id", table_name="attempts")
