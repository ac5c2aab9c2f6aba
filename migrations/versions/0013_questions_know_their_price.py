"""Questions know the price that they ask about; those of before are answered whatever it is.

Revision: 0013, after: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approvals", sa.Column("usd_micros", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("approvals", "usd_micros")
