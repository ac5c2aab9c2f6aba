"""What is written when the provider has taken an order, by its answer or as found out later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, jobs, ledger, queue
from studio.crashpoints import passing
from studio.equipment import Equipment, Moved, because
from studio.errors import OperatorMustAct, OperatorProblem, ProviderError
from studio.models import Job, JobState
from studio.ports import Submission


async def accepted(equipment: Equipment, job: Job, token: str, submission: Submission) -> Moved:
    """Store, in one transaction, that the render is ordered and what it costs.

    A cost that is not stated is taken to be the provider's own estimate for this very input, or else what was
    held, which is the figure that the member agreed to; the job's own `cost_usd_micros` stays empty then. A
    cost above the hold stops the queue: the next order would cost more than agreed as well.
    """
    now, held = equipment.clock(), job.held_usd_micros or 0
    async with equipment.database.write() as connection:
        pause = await queue.read_pause(connection)
        moved, cost = await accept_within(connection, job, token, submission, now=now)
        if cost > held:
            await queue.pause(
                connection,
                now=now,
                claimed_at=job.state_since,
                seconds=lambda strikes: min(86_400.0, equipment.terms.waits.price * 2 ** (strikes - 1)),
                problem=OperatorProblem.PRICE,
            )
        elif pause is not None and not pause.began_after(job.state_since):
            await queue.resume(connection)
    if cost > held:
        await equipment.operator.alarm(
            "provider: price",
            f"the render for order {job.id} cost {cost} millionths of a dollar where {held} were held; "
            f"the queue rests for {equipment.terms.waits.price:.0f} s",
        )
    else:
        for problem in OperatorProblem:
            await equipment.operator.clear(f"provider: {problem}")
    return moved


async def accept_within(
    connection: AsyncConnection, job: Job, token: str, submission: Submission, *, now: datetime
) -> tuple[Moved, int]:
    """The same inside a transaction, without a word about the queue; also returns the cost in usd_micros."""
    estimate = await attempts.accept(connection, token, submission=submission, now=now)
    cost = cost_of(job, submission, estimate)
    passing("ordering.attempt_accepted")
    why = because("rendered by the provider")
    await ledger.settle(connection, job, cost, now=now, because=why)
    passing("ordering.charge_settled")
    moved = await jobs.move(
        connection,
        job,
        JobState.RENDERING,
        now=now,
        provider_job_id=submission.provider_job_id,
        cost_usd_micros=submission.cost_usd_micros,
        submitted_at=now,
        expected_at=submission.expected_at,
    )
    return Moved(moved), cost


def cost_of(job: Job, submission: Submission, estimate: int | None) -> int:
    """In usd_micros; where the provider did not say, what it had estimated, else what was held."""
    if submission.cost_usd_micros is not None:
        return submission.cost_usd_micros
    return (job.held_usd_micros or 0) if estimate is None else estimate


async def alarm_about(equipment: Equipment, job: Job, words: str) -> None:
    """Raise the alarm about one render, with all that the provider's support asks for."""
    async with equipment.database.read() as connection:
        request_id = await attempts.request_of(connection, job.provider_job_id)
    quoted = f" (request {request_id})" if request_id else ""
    await equipment.operator.alarm(f"render {job.provider_job_id}", f"{words}{quoted}")


async def tell_operator(equipment: Equipment, error: ProviderError) -> None:
    """Raise the alarm for what only the operator can mend; cleared by the next accepted order."""
    if isinstance(error, OperatorMustAct):
        await equipment.operator.alarm(f"provider: {error.problem}", error.quotable)
