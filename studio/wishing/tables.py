"""The tables of what members keep for their next clips."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, String, Table, Text, text

from studio.database import metadata
from studio.moments import Moment

picks = Table(
    "picks",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", String(10), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("url", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", Text),
    Column("spoiler", Boolean, nullable=False),
    # The order that has taken it.
    Column("job_id", String(25)),
)
Index("ix_picks_at", picks.c.at)
_used = text("job_id IS NOT NULL")
Index("ix_picks_job_id", picks.c.job_id, sqlite_where=_used, postgresql_where=_used)

habits = Table(
    "habits",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("orientation", String(10)),
    Column("keep_sound", Boolean),
    Column("shot_type", String(20)),
    Column("job_id", String(25)),
    Column("picture", JSON(none_as_null=True)),
    Column("picture_at", Moment),
)
Index("ix_habits_picture_at", habits.c.picture_at)
