"""How a job leaves the provider without a clip: to its end or back to the queue, with its money."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import jobs, ledger
from studio.crashpoints import passing
from studio.equipment import Equipment, Moved, because
from studio.errors import StudioError
from studio.keeping import NOWHERE
from studio.ledger import Because
from studio.models import TAKEN_DOWN, Cancel, Ending, Job, JobState
from studio.sharing import tallies


async def end(
    equipment: Equipment,
    job: Job,
    state: JobState,
    code: str,
    *,
    refunded: bool = False,
    refund: int | None = None,
    **facts: Any,
) -> Moved:
    """End the job: release its hold, enter the provider's refund if it gave one, and state what it cost.

    `refund` is in usd_micros, None = all that was charged.
    """
    now = equipment.clock()
    async with equipment.database.write() as connection:
        if refunded:
            await ledger.refund(connection, job, now=now, because=because(code), amount=refund)
            passing("endings.refunded")
        return await end_within(connection, job, state, Ending(code, facts), now=now)


async def end_within(
    connection: AsyncConnection, job: Job, state: JobState, ending: Ending, *, now: datetime
) -> Moved:
    """The same inside a transaction, where the ledger already says what was charged and refunded."""
    await ledger.release(connection, job, now=now, because=because(ending.code))
    passing("endings.hold_released")
    cost = await ledger.charged_for(connection, job.id)
    ending = replace(ending, cost_usd_micros=cost)
    counts = job.counts and _stays_counted(ending)
    if not counts:
        await uncount(connection, job, charged=cost)
    changes = {"ending": ending, "cost_usd_micros": cost, "counts": counts}
    return Moved(await jobs.move(connection, job, state, now=now, **changes))


async def withdraw(
    connection: AsyncConnection, job: Job, ending: Ending, *, now: datetime, why: Because
) -> bool:
    """Cancel a job for which nothing has been ordered yet; True if it was one.

    Its hold and its count are given back.
    """
    if not await jobs.withdraw(connection, job.id, ending=ending, now=now):
        return False
    await ledger.release(connection, job, now=now, because=why)
    await uncount(connection, job, charged=0)
    return True


async def uncount(connection: AsyncConnection, job: Job, *, charged: int) -> None:
    """Take a job that ends without a clip out of the shares of its member and server.

    What it was `charged` all the same stays the operator's. The caller marks the row in the same transaction.
    """
    if job.counts:
        await tallies.book(connection, job, clips=-1, forgiven=charged)


def _stays_counted(ending: Ending) -> bool:
    """A clip that was made and paid for: taken down, else whoever deletes their clips could order for ever,
    or posted nowhere, since its member has it shown elsewhere."""
    return ending.code in (TAKEN_DOWN, NOWHERE) and ending.cost_usd_micros > 0


async def fail(equipment: Equipment, job: Job, error: StudioError, *, refunded: bool = False) -> Moved:
    """End the job as failed, for the reason that the error carries."""
    return await end(equipment, job, JobState.FAILED, error.code, refunded=refunded, **error.facts)


async def put_back(
    connection: AsyncConnection,
    job: Job,
    *,
    now: datetime,
    to: JobState = JobState.QUEUED,
    **changes: Any,
) -> Moved:
    """Put the job back into the queue or to its questions, or end it if its member asked for that meanwhile.

    There the wish would be forgotten: only states at the provider look for it.
    """
    moved = await jobs.move(connection, job, to, now=now, **changes)
    # Read after the row is ours: a wish is either seen here or finds a waiting job, which is withdrawn.
    fresh = await jobs.get(connection, job.id)
    if fresh is None or fresh.cancel is not Cancel.ASKED:
        return Moved(moved)
    return await end_within(connection, moved, JobState.CANCELLED, Ending("cancelled"), now=now)
