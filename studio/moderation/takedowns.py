"""Taking clips down: out of sight at once, and never shown or made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import endings, jobs
from studio.database import jobs as rows
from studio.equipment import Equipment
from studio.errors import DeskError, DeskUnavailable
from studio.keeping import is_finished
from studio.ledger import Because
from studio.models import TAKEN_DOWN, Ending, Job
from studio.moderation import audit, reports
from studio.results import copies
from studio.sharing.tables import copies as copy_rows

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 50

POSTING = timedelta(minutes=10)
"""How long a copy that was noted may be on its way to Discord."""


async def mark(connection: AsyncConnection, job_id: str, *, by: int, named: bool, now: datetime) -> bool:
    """Take the clip down for good, whatever the job is doing; False when it was, or never existed.

    What stands in Discord and in storage goes afterwards (`carry_out`). `named`: the channel is told who it
    was. A job that still runs ends without a clip: it is cancelled if that is still possible.
    """
    job = await jobs.get(connection, job_id, locked=True)
    if job is None or job.removed_at is not None:
        return False
    facts = {"actor": f"<@{by}>"} if named else {}
    ending = Ending(TAKEN_DOWN, facts, job.cost_usd_micros or 0)
    values: dict[str, object] = {"removed_at": now, "purged_at": None}
    if job.state in jobs.WITHDRAWABLE:
        free = replace(ending, cost_usd_micros=0)
        why = Because(actor=f"member:{by}", reason=TAKEN_DOWN)
        await endings.withdraw(connection, job, free, now=now, why=why)
    elif job.state in jobs.AT_PROVIDER:
        # The version stays: the worker must not lose what the provider is just answering.
        await jobs.ask_cancel(connection, job_id)
    else:
        # Whoever is at work at it has to stop, and finds it removed when it looks again.
        values["version"] = rows.c.version + 1
        if is_finished(job):
            cleared = {"clip": None, "source_url": None, "ending": _document(ending)}
            values.update(cleared)
    await connection.execute(update(rows).where(rows.c.id == job_id).values(**values))
    await reports.settle_all(connection, job_id, by=by, now=now)
    return True


async def find(connection: AsyncConnection, guild_id: int, message_id: int) -> Job | None:
    """The server's job to which a message belongs: its clip, a copy of it, card, answer or thread."""
    # One after another, each by its own index: joined by OR, PostgreSQL would read the whole table.
    query = union_all(
        *(
            select(rows.c.id).where(rows.c.guild_id == guild_id, column == message_id)
            for column in (rows.c.outcome_id, rows.c.card_id, rows.c.answer_id)
        ),
        select(copy_rows.c.job_id).where(
            copy_rows.c.guild_id == guild_id, copy_rows.c.message_id == message_id
        ),
    )
    job_id = (await connection.execute(query)).scalars().first()
    return None if job_id is None else await jobs.get(connection, job_id)


async def unfinished(connection: AsyncConnection) -> list[str]:
    """Ids of jobs that were taken down, while something of them may still stand somewhere."""
    query = (
        select(rows.c.id)
        .where(rows.c.removed_at.is_not(None), rows.c.purged_at.is_(None), rows.c.ended_at.is_not(None))
        .order_by(rows.c.removed_at)
        .limit(MOST_AT_ONCE)
    )
    return list((await connection.execute(query)).scalars())


async def carry_out(equipment: Equipment, job_id: str) -> bool:
    """Remove messages and files of a job that was taken down; may be repeated.

    False when it has to be tried again: the job has not ended yet, or Discord or the storage is away.
    """
    async with equipment.database.read() as connection:
        job = await jobs.get(connection, job_id)
        purged = select(rows.c.purged_at).where(rows.c.id == job_id)
        done = (await connection.execute(purged)).scalar_one_or_none() is not None
    if job is None or job.removed_at is None or done:
        return True
    if not job.state.ended:
        return False
    # The files first: they are what can still be shown.
    try:
        await equipment.storage.delete_tree(f"jobs/{job_id}")
    except OSError as error:
        log.warning("files_not_deleted", job_id=job_id, error=str(error)[:200])
        return False
    try:
        if job.place.answer_id is not None:
            await equipment.desk.erase(job)
    except DeskUnavailable as error:
        log.warning("clip_not_erased", job_id=job_id, error=error.code)
        return False
    except DeskError as error:
        log.warning("clip_out_of_reach", job_id=job_id, error=error.code)
        await _tell_out_of_reach(equipment, job, job.place.channel_id)
    if not await _erase_copies(equipment, job):
        return False
    async with equipment.database.write() as connection:
        await jobs.mark_purged(connection, job_id, now=equipment.clock())
    return True


async def _erase_copies(equipment: Equipment, job: Job) -> bool:
    """Remove what else shows the clip; False when some of it has to be looked for again."""
    now = equipment.clock()
    async with equipment.database.read() as connection:
        known = await copies.of_job(connection, job.id)
    left = 0
    for copy in known:
        try:
            await equipment.desk.erase_copy(copy)
        except DeskUnavailable as error:
            log.warning("copy_not_erased", job_id=job.id, error=error.code)
            left += 1
            continue
        except DeskError as error:
            log.warning("copy_out_of_reach", job_id=job.id, error=error.code)
            await _tell_out_of_reach(equipment, job, copy.channel_id)
        if copy.message_id is None and now - copy.at < POSTING:
            left += 1
            continue
        async with equipment.database.write() as connection:
            await copies.remove(connection, copy.id)
    return not left


async def _tell_out_of_reach(equipment: Equipment, job: Job, channel_id: int) -> None:
    """We may not reach the message any more: only the server's own people can delete it."""
    entry = audit.Entry(
        at=equipment.clock(),
        guild_id=job.place.guild_id,
        actor_id=None,
        action="takedown_incomplete",
        subject=f"<#{channel_id}>",
        job_id=job.id,
    )
    async with equipment.database.write() as connection:
        await audit.add(connection, entry)


def _document(ending: Ending) -> dict[str, object]:
    return {"code": ending.code, "facts": dict(ending.facts), "cost_usd_micros": ending.cost_usd_micros}
