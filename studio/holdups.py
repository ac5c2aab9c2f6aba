"""What holds a job up, as the text code that its card shows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, queue
from studio.models import Cancel, Job, JobState
from studio.moderation import approvals
from studio.moderation.questions import Kind, Standing
from studio.sharing import standstill
from studio.waits import Waits


async def holdup_of(connection: AsyncConnection, job: Job, *, waits: Waits, now: datetime) -> str | None:
    """Say what the member should know of why it takes longer; None when nothing is out of the ordinary."""
    match job.state:
        case JobState.PENDING_APPROVAL:
            return await _awaited(connection, job)
        case JobState.QUEUED:
            stopped = (await standstill.read(connection)).code_of(job.place.guild_id)
            if stopped is not None:
                return stopped
            pause = await queue.read_pause(connection)
            if pause is None:
                return None
            return "waiting_for_operator" if pause.problem else "waiting_for_renderer"
        case JobState.UNKNOWN:
            disputed = await attempts.disputed_jobs(connection)
            return "waiting_for_operator" if job.id in disputed else "submit_unclear"
        case JobState.RENDERING if job.cancel is Cancel.TOO_LATE:
            return "cancel_too_late"
        case JobState.RENDERING if _age(job, now) > waits.slow:
            return "render_slow"
        case _:
            return None


async def _awaited(connection: AsyncConnection, job: Job) -> str | None:
    """Whose yes the job waits for."""
    questions = await approvals.of_job(connection, job.id)
    question = next((one for one in questions if one.state is Standing.OPEN), None)
    if question is None:
        return None
    if question.kind is Kind.PRICE:
        return "waiting_for_confirmation"
    return "moderators_out_of_reach" if question.is_out_of_reach else "waiting_for_decision"


def _age(job: Job, now: datetime) -> float:
    return (now - (job.submitted_at or job.state_since)).total_seconds()
