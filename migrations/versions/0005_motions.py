"""The motion library: motions, and which member used which when.

Revision: 0005, after: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "motions",
        sa.Column("id", sa.String(25), primary_key=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("folded", sa.String(240), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
    )
    _index("uq_motions_name", ["guild_id", "folded"], "removed_at IS NULL", unique=True)
    _index("ix_motions_removed_at", ["removed_at"], "removed_at IS NOT NULL")
    _index("ix_motions_unmade", ["added_at"], "content IS NULL")
    op.create_table(
        "motion_uses",
        sa.Column("guild_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("member_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("motion_id", sa.String(25), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    only = sa.text(where)
    op.create_index(name, "motions", columns, unique=unique, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    op.drop_table("motion_uses")
    op.drop_table("motions")
