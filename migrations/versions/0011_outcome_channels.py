"""Jobs know in which channel or thread the message stands that says how they ended.

Revision: 0011, after: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("outcome_channel_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "outcome_channel_id")
