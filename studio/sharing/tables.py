"""The tables of shares and moderation, and of the further places where clips were shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from studio.database import jobs, ledger, metadata
from studio.moments import Moment

servers = Table(
    "servers",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False, default=""),
    Column("policy", JSON(none_as_null=True)),
    Column("version", Integer, nullable=False, default=0),
    Column("cap_usd_micros", BigInteger),
    Column("access", String(10)),
    Column("left_at", Moment),
)

tallies = Table(
    "tallies",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    # How long the row's time is (1 quarter of an hour, or 96: a day of UTC), and when it begins.
    Column("quarters", Integer, primary_key=True, autoincrement=False),
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    Column("clips", Integer, nullable=False),
    Column("usd_micros", BigInteger, nullable=False),
    Column("forgiven_usd_micros", BigInteger, nullable=False),
    # In SQLite the rows of one owner lie side by side then, and a month's sum is read in one go.
    sqlite_with_rowid=False,
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("role_id", BigInteger),
    Column("member_id", BigInteger),
    Column("clips", Integer, nullable=False),
    Column("replaces", Boolean, nullable=False),
    Column("until", Moment),
    Column("actor_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
Index("ix_grants_guild_id_until", grants.c.guild_id, grants.c.until)

blocks = Table(
    "blocks",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("until", Moment),
    Column("actor_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", Moment),
    Column("lifted_by", BigInteger),
)
Index("ix_blocks_guild_id_member_id", blocks.c.guild_id, blocks.c.member_id)

consents = Table(
    "consents",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
)

petitions = Table(
    "petitions",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("wants", String(20), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("used_at", Moment),
    # The order that came of it.
    Column("job_id", String(25)),
)
Index("ix_petitions_at", petitions.c.at)
_used = text("job_id IS NOT NULL")
Index("ix_petitions_job_id", petitions.c.job_id, sqlite_where=_used, postgresql_where=_used)

approvals = Table(
    "approvals",
    metadata,
    Column("job_id", String(25), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("why", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("channel_id", BigInteger),
    Column("message_id", BigInteger),
    Column("decided_at", Moment),
    Column("decided_by", BigInteger),
    Column("reason", Text),
    Column("usd_micros", BigInteger),
)
Index(
    "ix_approvals_open",
    approvals.c.expires_at,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

reports = Table(
    "reports",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("job_id", String(25), nullable=False, index=True),
    Column("reporter_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("channel_id", BigInteger),
    Column("message_id", BigInteger),
    Column("decided_at", Moment),
    Column("decided_by", BigInteger),
)

copies = Table(
    "copies",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("job_id", String(25), nullable=False, index=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("message_id", BigInteger, index=True),
    Column("shared", Boolean, nullable=False),
)
# A clip is shared once, whoever presses how often.
Index(
    "uq_copies_shared",
    copies.c.job_id,
    unique=True,
    sqlite_where=text("shared"),
    postgresql_where=text("shared"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("guild_id", BigInteger, nullable=False),
    Column("actor_id", BigInteger),
    Column("action", String(40), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("job_id", String(25)),
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("told_at", Moment),
)
Index("ix_audit_guild_id_at", audit.c.guild_id, audit.c.at)
Index(
    "ix_audit_untold",
    audit.c.at,
    sqlite_where=text("told_at IS NULL"),
    postgresql_where=text("told_at IS NULL"),
)

# ── where a member's rows, and those of a message, are found ────────────────────────────────────


def _index(name: str, column: Column[Any], where: str) -> None:
    """An index of some rows only: SQLite uses it for queries that say the same, or `column = …`."""
    only = text(where)
    Index(name, column, sqlite_where=only, postgresql_where=only)


BY_A_MEMBER = "substr(actor, 1, 7) = 'member:'"
"""The ledger's few entries whose actor is a member; queries for them have to say it in these very words."""

Index("ix_tallies_member_id", tallies.c.member_id)
Index("ix_approvals_member_id", approvals.c.member_id)
Index("ix_audit_actor_id", audit.c.actor_id)
Index("ix_audit_subject", audit.c.subject)
_index("ix_jobs_answer_id", jobs.c.answer_id, "answer_id IS NOT NULL")
_index("ix_jobs_card_id", jobs.c.card_id, "card_id IS NOT NULL")
_index("ix_jobs_outcome_id", jobs.c.outcome_id, "outcome_id IS NOT NULL")
_index("ix_jobs_unpurged", jobs.c.removed_at, "removed_at IS NOT NULL AND purged_at IS NULL")
_index("ix_approvals_decided_by", approvals.c.decided_by, "decided_by IS NOT NULL")
_index("ix_ledger_members", ledger.c.actor, BY_A_MEMBER)
