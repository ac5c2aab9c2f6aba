"""What members keep for their next clips: picks and habits.

Revision: 0007, after: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.String(length=10), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("spoiler", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "member_id", "slot", name=op.f("pk_picks")),
    )
    op.create_index("ix_picks_at", "picks", ["at"])
    op.create_table(
        "habits",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orientation", sa.String(length=10), nullable=True),
        sa.Column("keep_sound", sa.Boolean(), nullable=True),
        sa.Column("shot_type", sa.String(length=20), nullable=True),
        sa.Column("job_id", sa.String(length=25), nullable=True),
        sa.Column("picture", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("picture_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "member_id", name=op.f("pk_habits")),
    )
    op.create_index("ix_habits_picture_at", "habits", ["picture_at"])


def downgrade() -> None:
    op.drop_table("habits")
    op.drop_table("picks")
