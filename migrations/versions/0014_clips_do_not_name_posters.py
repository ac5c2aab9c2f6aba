"""Clips do not name their posters any more: storage knows which have been drawn.

Revision: 0014, after: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    without = "json_remove(clip, '$.poster_key')"
    if op.get_bind().dialect.name == "postgresql":
        without = "CAST(CAST(clip AS jsonb) - 'poster_key' AS json)"
    op.execute(f"UPDATE jobs SET clip = {without} WHERE CAST(clip AS text) LIKE '%poster_key%'")  # noqa: S608 - our own words


def downgrade() -> None:
    """What reads a clip that names none takes it that there is none."""
