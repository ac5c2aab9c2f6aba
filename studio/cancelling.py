"""Cancelling a job by somebody's wish: what can still be stopped, and what is kept on record of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs
from studio.endings import withdraw
from studio.ledger import Because
from studio.models import Cancel, CancelAnswer, Ending, Job
from studio.moderation import audit
from studio.moderation.audit import Entry

BEGUN = frozenset({Cancel.BEGUN, Cancel.TOO_LATE})
"""What the provider has said already, so that it need not be asked."""

EFFECTIVE = frozenset({CancelAnswer.CANCELLED, CancelAnswer.ASKED})


async def cancel(connection: AsyncConnection, job_id: str, *, by: int, now: datetime) -> CancelAnswer:
    """Cancel for the member with the id `by`, who may; what a moderator cancels of another's is recorded."""
    # Locked: a job that is just going back to the queue is seen where it arrives.
    job = await jobs.get(connection, job_id, locked=True)
    if job is None:
        return CancelAnswer.UNKNOWN
    answer = await _cancel(connection, job, by=by, now=now)
    is_again = answer is CancelAnswer.ASKED and job.cancel is Cancel.ASKED
    if answer in EFFECTIVE and by != job.order.member.id and not is_again:
        entry = Entry(
            at=now,
            guild_id=job.place.guild_id,
            actor_id=by,
            action="clip_cancelled",
            subject=f"<@{job.order.member.id}>",
            job_id=job_id,
        )
        await audit.add(connection, entry)
    return answer


async def _cancel(connection: AsyncConnection, job: Job, *, by: int, now: datetime) -> CancelAnswer:
    why = Because(actor=f"member:{by}", reason="cancelled")
    if await withdraw(connection, job, Ending("cancelled"), now=now, why=why):
        return CancelAnswer.CANCELLED
    if job.cancel in BEGUN:
        await jobs.refuse_cancel(connection, job.id)
        return CancelAnswer.TOO_LATE
    return CancelAnswer.ASKED if await jobs.ask_cancel(connection, job.id) else CancelAnswer.TOO_LATE
