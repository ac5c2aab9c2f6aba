"""Attempts know whether their refusal may be about their order alone.

Revision: 0012, after: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("may_be_its_own", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "may_be_its_own")
