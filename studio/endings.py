"""How a job ends without a clip: state, reason and money in one transaction."""

from __future__ import annotations

from typing import Any

from studio import jobs, ledger
from studio.crashpoints import passing
from studio.equipment import Equipment, Moved, because
from studio.errors import StudioError
from studio.models import Ending, Job, JobState


async def end(
    equipment: Equipment, job: Job, state: JobState, code: str, *, refunded: bool = False, **facts: Any
) -> Moved:
    """End the job: release its hold, enter the provider's refund if it gave one, and state what it cost."""
    now = equipment.clock()
    why = because(code)
    async with equipment.database.write() as connection:
        await ledger.release(connection, job, now=now, because=why)
        passing("endings.hold_released")
        if refunded:
            await ledger.refund(connection, job, now=now, because=why)
            passing("endings.refunded")
        cost = await ledger.charged_for(connection, job.id)
        ending = Ending(code, facts, cost)
        return Moved(await jobs.move(connection, job, state, now=now, ending=ending, cost_usd_micros=cost))


async def fail(equipment: Equipment, job: Job, error: StudioError, *, refunded: bool = False) -> Moved:
    """End the job as failed, for the reason that the error carries."""
    return await end(equipment, job, JobState.FAILED, error.code, refunded=refunded, **error.facts)
