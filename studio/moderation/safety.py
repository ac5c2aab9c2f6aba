"""The door for reports and takedowns: files them, shows them to moderators, carries out decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.equipment import Equipment
from studio.errors import DeskError, DeskGone, OrderRefused
from studio.ids import new_job_id
from studio.models import Job
from studio.moderation import audit, blocking, findings, reports, takedowns
from studio.moderation.questions import NOWHERE
from studio.moderation.reports import THE_STUDIO, Report, ReportState
from studio.ports import Dispatcher
from studio.sharing import servers
from studio.sharing.blocks import Block

log = structlog.get_logger(__name__)

ACTIONS: Mapping[ReportState, str] = {
    ReportState.DELETED: "clip_deleted",
    ReportState.DISMISSED: "report_dismissed",
}
"""How the record names what was decided about a report; a block has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A member's report as it comes in; `urgent`: they say that the clip shows them."""

    guild_id: int
    job_id: str
    reporter_id: int
    reason: str
    urgent: bool = False


class Safety:
    """Every method raises `OrderRefused` for what cannot be, and when the database is away."""

    def __init__(self, equipment: Equipment, dispatcher: Dispatcher) -> None:
        self._equipment = equipment
        self._dispatcher = dispatcher

    async def job(self, guild_id: int, *, job_id: str = "", message_id: int = 0) -> Job:
        """A clip of the server by its id or by a message of it. Raises `OrderRefused`."""
        try:
            async with self._equipment.database.read() as connection:
                job = await jobs.get(connection, job_id) if job_id else None
                if job is None and message_id:
                    job = await takedowns.find(connection, guild_id, message_id)
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error
        if job is None or job.place.guild_id != guild_id:
            raise OrderRefused("clip_unknown")
        if job.removed_at is not None:
            raise OrderRefused("clip_gone")
        return job

    async def report(self, complaint: Complaint) -> bool:
        """Keep the report and show it to the moderators; False when no channel of theirs can be reached."""
        job = await self.job(complaint.guild_id, job_id=complaint.job_id)
        now = self._equipment.clock()
        report = Report(
            id=new_job_id(now),
            at=now,
            guild_id=complaint.guild_id,
            job_id=job.id,
            reporter_id=complaint.reporter_id,
            reason=complaint.reason[: reports.LONGEST_REASON],
            state=ReportState.URGENT if complaint.urgent else ReportState.OPEN,
        )
        try:
            async with self._equipment.database.write() as connection:
                if not await reports.file(connection, report):
                    earlier = await reports.of_member(connection, report.job_id, report.reporter_id)
                    is_open = any(each.state.is_open for each in earlier)
                    raise OrderRefused("reported_already" if is_open else "reported_decided")
                # Without the reporter and their words: others than moderators may read the log channel.
                await audit.add(connection, _entry(report, "clip_reported", now))
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error
        return await self.show(report)

    async def show(self, report: Report) -> bool:
        """Put the report before the moderators; it is repeated until that has been done once.

        Only where they decide, not in the log channel: it names the reporter.
        """
        async with self._equipment.database.read() as connection:
            job = await jobs.get(connection, report.job_id)
            server = await servers.read(connection, report.guild_id, self._equipment.clock())
        channel_id = server.policy.approval.channel_id
        if job is None:
            return False
        try:
            if channel_id is None:
                raise DeskGone
            message_id = await self._equipment.desk.show_report(report, job, channel_id)
        except DeskError as error:
            log.warning("report_not_shown", report_id=report.id, channel_id=channel_id, error=error.code)
            if isinstance(error, DeskGone):
                await self._tell_unseen(report, channel_id)
            return False
        async with self._equipment.database.write() as connection:
            await reports.note_posted(connection, report.id, channel_id=channel_id, message_id=message_id)
        return True

    async def _tell_unseen(self, report: Report, channel_id: int | None) -> None:
        """Have somebody told that a report waits where nobody sees it; once for each channel."""
        if report.channel_id == (channel_id or NOWHERE):
            return
        facts = {} if channel_id is None else {"channel": f"<#{channel_id}>"}
        entry = audit.Entry(
            at=self._equipment.clock(),
            guild_id=report.guild_id,
            actor_id=None,
            action="report_unseen",
            job_id=report.job_id,
            details=facts,
        )
        async with self._equipment.database.write() as connection:
            if await reports.note_unseen(connection, report, channel_id or NOWHERE):
                await audit.add(connection, entry)

    async def undecided(self, guild_id: int) -> list[tuple[Report, Job]]:
        """The server's open reports with their clips, urgent ones first."""
        async with self._equipment.database.read() as connection:
            found = await reports.undecided(connection, guild_id)
            clips = [await jobs.get(connection, report.job_id) for report in found]
        return [(report, job) for report, job in zip(found, clips, strict=True) if job is not None]

    async def decide(
        self, report_id: str, state: ReportState, *, guild_id: int, by: int
    ) -> tuple[Report, Job]:
        """Carry out a moderator's decision; return the report and its clip as they are then.

        Raises `OrderRefused` when there is none, or another moderator was quicker.
        """
        now = self._equipment.clock()
        try:
            async with self._equipment.database.write() as connection:
                report = await reports.get(connection, report_id)
                if report is None or report.guild_id != guild_id:
                    raise OrderRefused("report_unknown")
                if not await reports.decide(connection, report, state, by=by, now=now):
                    raise OrderRefused("report_decided")
                if state is ReportState.DELETED:
                    await takedowns.mark(connection, report.job_id, by=by, named=True, now=now)
                if state is ReportState.BLOCKED:
                    await self._block(connection, report, by)
                else:
                    clip = await jobs.get(connection, report.job_id)
                    subject = "" if clip is None else blocking.subject_of(clip.order.member.id)
                    entry = _entry(report, ACTIONS[state], now, actor_id=by, subject=subject)
                    await audit.add(connection, entry)
                decided = await reports.get(connection, report_id)
                assert decided is not None
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error
        if state is ReportState.DELETED:
            await self._clear(decided.job_id)
        return decided, await self._settle(decided.job_id)

    async def take_down(self, job: Job, *, by: int, reason: str, named: bool = True) -> bool:
        """Take the clip down by a moderator's or its own member's wish. Raises `OrderRefused`.

        False: some of it goes when Discord or the storage can be reached again; `look_after` sees to that.
        """
        now = self._equipment.clock()
        entry = audit.Entry(
            at=now,
            guild_id=job.place.guild_id,
            actor_id=by,
            action="clip_deleted",
            subject=blocking.subject_of(job.order.member.id),
            job_id=job.id,
            reason=reason,
        )
        try:
            async with self._equipment.database.write() as connection:
                if not await takedowns.mark(connection, job.id, by=by, named=named, now=now):
                    raise OrderRefused("clip_gone")
                await audit.add(connection, entry)
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error
        done = await self._clear(job.id)
        await self._settle(job.id)
        return done

    async def look_after(self) -> None:
        """Finish what a crash or an outage has left: reports that nobody saw, clips that still stand."""
        async with self._equipment.database.read() as connection:
            waiting = await reports.unposted(connection)
            left = await takedowns.unfinished(connection)
        unreachable: set[int] = set()
        while waiting:
            for report in waiting:
                if report.guild_id not in unreachable and not await self.show(report):
                    unreachable.add(report.guild_id)
            # Those of servers without a channel stay; they must not keep the others from theirs.
            async with self._equipment.database.read() as connection:
                waiting = await reports.unposted(connection, after=waiting[-1].id)
        for job_id in left:
            await takedowns.carry_out(self._equipment, job_id)

    async def _block(self, connection: AsyncConnection, report: Report, by: int) -> None:
        """Block whoever ordered the clip, for good."""
        job = await jobs.get(connection, report.job_id)
        if job is None:
            raise OrderRefused("clip_unknown")
        now = self._equipment.clock()
        new = Block(
            id=new_job_id(now),
            at=now,
            guild_id=report.guild_id,
            member_id=job.order.member.id,
            actor_id=by,
            reason=_open_reason(report),
        )
        for each in await blocking.block(connection, new, job_id=job.id):
            # Not before the transaction has ended.
            self._dispatcher.wake(each, after_seconds=1.0)

    async def _clear(self, job_id: str) -> bool:
        """Remove what stands of the clip; False when something has to wait, which `look_after` repeats."""
        self._dispatcher.wake(job_id)
        return await takedowns.carry_out(self._equipment, job_id)

    async def _settle(self, job_id: str) -> Job:
        """Have every report about the clip say what was decided."""
        async with self._equipment.database.read() as connection:
            job = await jobs.get(connection, job_id)
            about = await reports.of_job(connection, job_id)
        assert job is not None
        for report in about:
            if report.state.is_open or report.message_id is None:
                continue
            try:
                await self._equipment.desk.settle_report(report, job)
            except DeskError as error:
                # Its buttons answer that it was decided.
                log.info("report_not_settled", report_id=report.id, error=error.code)
        return job


def _entry(report: Report, action: str, now: datetime, **facts: Any) -> audit.Entry:
    about = {"actor_id": None, "job_id": report.job_id, "reason": _open_reason(report)} | facts
    return audit.Entry(at=now, guild_id=report.guild_id, action=action, **about)


def _open_reason(report: Report) -> str:
    """What others than moderators may read: a member's words can tell who they are, ours cannot."""
    return findings.reason_of(report) if report.reporter_id == THE_STUDIO else ""
