"""Reports about clips: who thinks that one should not be there, why, and what moderators decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.aliases import names_of
from studio.sharing.tables import reports

LONGEST_REASON = 500


class ReportState(StrEnum):
    """`urgent` is open too: the person shown in the clip asks for it."""

    OPEN = "open"
    URGENT = "urgent"
    DELETED = "deleted"
    BLOCKED = "blocked"
    DISMISSED = "dismissed"

    @property
    def is_open(self) -> bool:
        return self in UNDECIDED


UNDECIDED = frozenset({ReportState.OPEN, ReportState.URGENT})

THE_STUDIO = 0
"""The reporter of what the studio itself noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One member's word on one clip. Who it was is for moderators alone.

    `channel_id` and `message_id`: where moderators were asked, once they were.
    """

    id: str
    at: datetime
    guild_id: int
    job_id: str
    reporter_id: int
    reason: str
    state: ReportState = ReportState.OPEN
    channel_id: int | None = None
    message_id: int | None = None
    decided_at: datetime | None = None
    decided_by: int | None = None


async def file(connection: AsyncConnection, report: Report) -> bool:
    """Keep the report; False when its member has reported the clip before.

    Who says that they are shown is heard once more, whatever became of their first report.
    """
    # So that a second press of the same member cannot slip in between the look and the row.
    await jobs.hold_server(connection, report.guild_id)
    earlier = await of_member(connection, report.job_id, report.reporter_id)
    is_news = report.state is ReportState.URGENT and [each.state for each in earlier] != [ReportState.URGENT]
    if len(earlier) > (1 if is_news else 0):
        return False
    await connection.execute(reports.insert().values(**_values(report)))
    return True


async def of_member(connection: AsyncConnection, job_id: str, reporter_id: int) -> list[Report]:
    """What the member said of the clip, oldest first."""
    found = await of_job(connection, job_id)
    return [report for report in found if report.reporter_id in names_of(reporter_id)]


async def get(connection: AsyncConnection, report_id: str) -> Report | None:
    query = select(reports).where(reports.c.id == report_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else _report(row)


async def of_job(connection: AsyncConnection, job_id: str) -> list[Report]:
    """Every report about the clip, oldest first."""
    query = select(reports).where(reports.c.job_id == job_id).order_by(reports.c.id)
    return [_report(row) for row in (await connection.execute(query)).mappings()]


async def undecided(connection: AsyncConnection, guild_id: int, *, limit: int = 25) -> list[Report]:
    """The server's open reports, urgent ones first, then the oldest."""
    query = (
        select(reports)
        .where(reports.c.guild_id == guild_id, reports.c.state.in_(list(UNDECIDED)))
        .order_by((reports.c.state == ReportState.URGENT).desc(), reports.c.id)
        .limit(limit)
    )
    return [_report(row) for row in (await connection.execute(query)).mappings()]


async def unposted(connection: AsyncConnection, *, after: str = "", limit: int = 50) -> list[Report]:
    """Open reports that stand in no moderators' channel yet, oldest first, from the one with this id on."""
    query = (
        select(reports)
        .where(reports.c.id > after, reports.c.state.in_(list(UNDECIDED)), reports.c.message_id.is_(None))
        .order_by(reports.c.id)
        .limit(limit)
    )
    return [_report(row) for row in (await connection.execute(query)).mappings()]


async def note_posted(
    connection: AsyncConnection, report_id: str, *, channel_id: int, message_id: int
) -> None:
    await connection.execute(
        update(reports).where(reports.c.id == report_id).values(channel_id=channel_id, message_id=message_id)
    )


async def note_unseen(connection: AsyncConnection, report: Report, channel_id: int) -> bool:
    """Note that there it cannot be shown; False when that is known already."""
    before = reports.c.channel_id
    noted = await connection.execute(
        update(reports)
        .where(
            reports.c.id == report.id,
            reports.c.message_id.is_(None),
            or_(before.is_(None), before != channel_id),
        )
        .values(channel_id=channel_id)
    )
    return noted.rowcount == 1


async def decide(
    connection: AsyncConnection, report: Report, state: ReportState, *, by: int, now: datetime
) -> bool:
    """Write the decision, on all that the same member said of the clip; False when another was quicker."""
    # In one order: two who decide on two reports of the clip would else wait for each other.
    await jobs.own(connection, report.job_id)
    its = (reports.c.job_id == report.job_id, reports.c.reporter_id == report.reporter_id)
    decided = await connection.execute(
        update(reports)
        .where(reports.c.id == report.id, reports.c.state.in_(list(UNDECIDED)))
        .values(state=state, decided_by=by, decided_at=now)
    )
    if decided.rowcount != 1:
        return False
    await connection.execute(
        update(reports)
        .where(*its, reports.c.state.in_(list(UNDECIDED)))
        .values(state=state, decided_by=by, decided_at=now)
    )
    return True


async def settle_all(connection: AsyncConnection, job_id: str, *, by: int, now: datetime) -> None:
    """The clip is gone: whatever else was reported about it is settled with that."""
    await connection.execute(
        update(reports)
        .where(reports.c.job_id == job_id, reports.c.state.in_(list(UNDECIDED)))
        .values(state=ReportState.DELETED, decided_by=by, decided_at=now)
    )


def _values(report: Report) -> dict[str, object]:
    return {name: getattr(report, name) for name in Report.__dataclass_fields__}


def _report(row: RowMapping) -> Report:
    return Report(**{**row, "state": ReportState(row["state"])})
