"""What an order has used up is known by it, so that it can be given back when nothing comes of the order.

Revision: 0010, after: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("petitions", "picks")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("job_id", sa.String(length=25), nullable=True))
        used = sa.text("job_id IS NOT NULL")
        op.create_index(f"ix_{table}_job_id", table, ["job_id"], sqlite_where=used, postgresql_where=used)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_job_id", table_name=table)
        op.drop_column(table, "job_id")
