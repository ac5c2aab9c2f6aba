"""The tables of the motion library."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, text

from studio.database import metadata
from studio.moments import Moment

motions = Table(
    "motions",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("name", String(80), nullable=False),
    # The name as it is compared, which may be longer: of one ß it makes two letters.
    Column("folded", String(240), nullable=False),
    Column("tags", JSON, nullable=False),
    Column("added_by", BigInteger, nullable=False),
    Column("added_at", Moment, nullable=False),
    # Empty while the files are being made.
    Column("content", JSON(none_as_null=True)),
    Column("size", BigInteger, nullable=False, default=0),
    Column("used", Integer, nullable=False, default=0),
    Column("last_used_at", Moment),
    Column("removed_at", Moment),
)
_there = text("removed_at IS NULL")
Index(
    "uq_motions_name",
    motions.c.guild_id,
    motions.c.folded,
    unique=True,
    sqlite_where=_there,
    postgresql_where=_there,
)
_gone = text("removed_at IS NOT NULL")
Index("ix_motions_removed_at", motions.c.removed_at, sqlite_where=_gone, postgresql_where=_gone)
_unmade = text("content IS NULL")
Index("ix_motions_unmade", motions.c.added_at, sqlite_where=_unmade, postgresql_where=_unmade)

motion_uses = Table(
    "motion_uses",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("motion_id", String(25), primary_key=True),
    Column("at", Moment, nullable=False),
)
