"""Shares and moderation: servers, tallies, grants, blocks, consents, petitions, approvals, reports and audit.

Revision: 0004, after: 0003
"""

from collections import Counter
from itertools import product

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MICROSECONDS_PER_QUARTER = 900 * 1_000_000
QUARTERS_PER_DAY = 96


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("role_ids", sa.JSON(), nullable=False, server_default="[]"))
        jobs.add_column(sa.Column("overruled", sa.Boolean(), nullable=False, server_default=sa.false()))
        jobs.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("counts", sa.Boolean(), nullable=False, server_default=sa.true()))
        jobs.add_column(sa.Column("removed_at", sa.BigInteger(), nullable=True))
    _make_turns_by_priority()
    op.execute("UPDATE jobs SET counts = false WHERE state IN ('failed', 'cancelled', 'refused', 'expired')")
    _make_shares()
    _make_moderation()
    _sum_up()


def _make_turns_by_priority() -> None:
    op.drop_index("ix_jobs_turns", table_name="jobs")
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_jobs_turns",
        "jobs",
        ["state", "guild_id", "member_id", "created_at", "id", "priority", "closed_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _make_shares() -> None:
    op.create_table(
        "servers",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("policy", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cap_usd_micros", sa.BigInteger(), nullable=True),
        sa.Column("access", sa.String(length=10), nullable=True),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_servers")),
    )
    op.create_table(
        "tallies",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quarters", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quarter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clips", sa.Integer(), nullable=False),
        sa.Column("usd_micros", sa.BigInteger(), nullable=False),
        sa.Column("forgiven_usd_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "member_id", "quarters", "quarter", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("clips", sa.Integer(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_guild_id_until"), "grants", ["guild_id", "until"], unique=False)


def _make_moderation() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    op.create_index(op.f("ix_blocks_guild_id_member_id"), "blocks", ["guild_id", "member_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "member_id", "version", name=op.f("pk_consents")),
    )
    op.create_table(
        "petitions",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("wants", sa.String(length=20), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petitions")),
    )
    op.create_index(op.f("ix_petitions_at"), "petitions", ["at"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("job_id", sa.String(length=25), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "kind", name=op.f("pk_approvals")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_approvals_open",
        "approvals",
        ["expires_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    _make_reports_and_audit()


def _make_reports_and_audit() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(length=25), nullable=False),
        sa.Column("reporter_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_job_id"), "reports", ["job_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("job_id", sa.String(length=25), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_guild_id_at"), "audit", ["guild_id", "at"], unique=False)
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_audit_untold", "audit", ["at"], unique=False, sqlite_where=untold, postgresql_where=untold
    )


def _sum_up() -> None:
    """Make the tallies of what was ordered before there were any."""
    connection = op.get_bind()
    jobs = connection.execute(sa.text("SELECT id, guild_id, member_id, created_at, counts FROM jobs")).all()
    spent = dict(
        connection.execute(sa.text("SELECT job_id, SUM(amount_usd_micros) FROM ledger GROUP BY job_id")).all()
    )
    clips: Counter[tuple[int, int, int, int]] = Counter()
    money: Counter[tuple[int, int, int, int]] = Counter()
    forgiven: Counter[tuple[int, int, int, int]] = Counter()
    for job_id, guild, member, created_at, counts in jobs:
        amount = int(spent.get(job_id, 0))
        quarter = created_at // MICROSECONDS_PER_QUARTER
        owners = ((0, 0), (guild, 0), (guild, member))
        for owner, quarters in product(owners, (1, QUARTERS_PER_DAY)):
            key = (*owner, quarters, quarter - quarter % quarters)
            clips[key] += int(counts)
            money[key] += amount
            forgiven[key] += 0 if counts else amount
    tallies = sa.table(
        "tallies",
        *(sa.column(name) for name in ("guild_id", "member_id", "quarters", "quarter")),
        *(sa.column(name) for name in ("clips", "usd_micros", "forgiven_usd_micros")),
    )
    op.bulk_insert(
        tallies,
        [
            {
                "guild_id": guild,
                "member_id": member,
                "quarters": quarters,
                "quarter": quarter,
                "clips": clips[guild, member, quarters, quarter],
                "usd_micros": money[guild, member, quarters, quarter],
                "forgiven_usd_micros": forgiven[guild, member, quarters, quarter],
            }
            for guild, member, quarters, quarter in clips
        ],
    )


def downgrade() -> None:
    for table in (
        "audit", "reports", "approvals", "petitions", "consents", "blocks", "grants", "tallies", "servers",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_jobs_turns", table_name="jobs")
    with op.batch_alter_table("jobs") as jobs:
        for column in ("removed_at", "counts", "priority", "overruled", "role_ids"):
            jobs.drop_column(column)
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_jobs_turns",
        "jobs",
        ["state", "guild_id", "member_id", "created_at", "id", "closed_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
