"""An attempt knows what the provider said just before it that it would cost.

Revision: 0009, after: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("estimate_usd_micros", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "estimate_usd_micros")
