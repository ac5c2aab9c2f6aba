"""A server's clips as its moderators look through them: those under way, and the latest that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.ids import first_job_id
from studio.models import JobState

RECENT = timedelta(days=7)
"""How far back ended clips are looked for: they are found by their ids, whichever server they are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One clip. `message_id` is what can be jumped to in `talk_id`; None: nothing is left to be seen.

    `member_id` is negative when the member had everything about them deleted.
    """

    job_id: str
    member_id: int
    state: JobState
    at: datetime
    channel_id: int
    talk_id: int
    message_id: int | None
    cost_usd_micros: int


async def under_way(
    connection: AsyncConnection, guild_id: int, *, limit: int, after: str = ""
) -> Sequence[Case]:
    """The server's unfinished clips, oldest first; `after`: younger than the one with this id."""
    query = _cases().where(jobs.c.ended_at.is_(None), jobs.c.guild_id == guild_id, jobs.c.id > after)
    return await _read(connection, query.order_by(jobs.c.id).limit(limit))


async def ended(connection: AsyncConnection, guild_id: int, *, now: datetime, limit: int) -> Sequence[Case]:
    """The server's clips of the last days that ended, the latest order first."""
    first = first_job_id(now - RECENT)
    query = _cases().where(jobs.c.ended_at.is_not(None), jobs.c.guild_id == guild_id, jobs.c.id >= first)
    return await _read(connection, query.order_by(jobs.c.id.desc()).limit(limit))


def _cases() -> Select[tuple[object, ...]]:
    names = ("id", "member_id", "state", "state_since", "channel_id", "thread_id", "answer_id")
    more = ("outcome_id", "outcome_channel_id", "cost_usd_micros", "removed_at")
    return select(*(jobs.c[name] for name in (*names, *more)))


async def _read(connection: AsyncConnection, query: Select[tuple[object, ...]]) -> Sequence[Case]:
    return [
        Case(
            job_id=row["id"],
            member_id=row["member_id"],
            state=JobState(row["state"]),
            at=row["state_since"],
            channel_id=row["channel_id"],
            talk_id=_talk_id(row),
            message_id=None if row["removed_at"] else row["outcome_id"] or row["answer_id"],
            cost_usd_micros=row["cost_usd_micros"] or 0,
        )
        for row in (await connection.execute(query)).mappings()
    ]


def _talk_id(row: RowMapping) -> int:
    """The answer stands in the channel, what comes after it most often in the thread."""
    outcome_at = (row["outcome_channel_id"] or row["thread_id"]) if row["outcome_id"] else None
    return int(outcome_at or row["channel_id"])
