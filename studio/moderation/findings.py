"""The optional picture check: whose files are looked at, what was found, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from media.errors import MediaRefused, WorkshopFailed
from studio.equipment import Equipment
from studio.ids import new_job_id
from studio.models import Inputs, Job
from studio.moderation import audit, reports
from studio.moderation.reports import THE_STUDIO, Report
from studio.sharing import servers
from studio.texts import say

log = structlog.get_logger(__name__)

UNCHECKED = "unchecked"
"""In place of what was found: the check broke down or took too long, so that nobody knows."""


async def in_inputs(equipment: Equipment, job: Job, inputs: Inputs) -> str | None:
    """Look at the order's prepared files. A motion from the library is not looked at: moderators chose it.

    Returns where what was found (`picture:breasts`), UNCHECKED, or None for nothing. A check that fails does
    not raise: people look instead.
    """
    if not await _is_wanted(equipment, job):
        return None
    async with AsyncExitStack() as stack:
        keys = {"picture": inputs.picture_key}
        if job.order.video.motion_id is None:
            keys["video"] = inputs.video_key
        files = {
            name: await stack.enter_async_context(equipment.storage.checkout(key))
            for name, key in keys.items()
        }
        return await _look(equipment, job, files)


async def in_result(equipment: Equipment, job: Job, clip: Path) -> str | None:
    """The same for what came back."""
    return await _look(equipment, job, {"result": clip}) if await _is_wanted(equipment, job) else None


async def report(connection: AsyncConnection, job: Job, found: str, now: datetime) -> None:
    """Put the clip before the moderators, in the transaction that says that it was posted; once."""
    filed = Report(
        id=new_job_id(now),
        at=now,
        guild_id=job.place.guild_id,
        job_id=job.id,
        reporter_id=THE_STUDIO,
        # In no language yet: it is said where it is read.
        reason=found,
    )
    if await reports.file(connection, filed):
        entry = audit.Entry(
            at=now,
            guild_id=job.place.guild_id,
            actor_id=None,
            action="clip_covered",
            job_id=job.id,
        )
        await audit.add(connection, entry)


def why_text(why: str) -> str:
    """Why somebody is asked to look, as they read it: a `questions.Why`, or what was found."""
    where, _, part = why.partition(":")
    return say(f"why_{where}", what=say(f"seen_{part}")) if part else say(f"why_{why}")


def reason_of(report: Report) -> str:
    """What the report says is wrong: its reporter's own words, or ours in the language of who reads them."""
    return why_text(report.reason) if report.reporter_id == THE_STUDIO else report.reason


def is_covered(job: Job) -> bool:
    """Whether the job's clip is shown behind a spoiler only."""
    return job.order.wishes.spoiler or (job.clip is not None and job.clip.found is not None)


async def _is_wanted(equipment: Equipment, job: Job) -> bool:
    """In age-restricted channels nothing is looked for, since it is allowed."""
    if job.order.wishes.adult:
        return False
    async with equipment.database.read() as connection:
        server = await servers.read_rules(connection, job.place.guild_id)
    return server.policy.check_pictures


async def _look(equipment: Equipment, job: Job, files: Mapping[str, Path]) -> str | None:
    names = list(files)
    try:
        sight = await equipment.workshop.look(list(files.values()))
    except (MediaRefused, WorkshopFailed) as error:
        log.error("picture_check_failed", job_id=job.id, files=names, error=str(error)[-500:])  # noqa: TRY400 - the trace ends in our own process
        return UNCHECKED
    if sight.source is None:
        return None
    where = names[sight.source]
    log.info("picture_check_hit", job_id=job.id, where=where, part=sight.part, score=round(sight.score, 2))
    return f"{where}:{sight.part}"
