"""What a webhook sets going: it names an attempt and a render, and nothing it says is believed unchecked."""

from __future__ import annotations

import structlog

from studio import attempts, jobs
from studio.attempts import Attempt, AttemptState
from studio.crashpoints import passing
from studio.equipment import Equipment

log = structlog.get_logger(__name__)


async def answer(equipment: Equipment, token: str, provider_job_id: str | None) -> str | None:
    """Return the id of the job that should be looked at; None when nobody knows token and render.

    A webhook may overtake the answer to its submit, or be the only answer there is: then the render that it
    names is noted for the attempt, and checked by `studio.reconciling`.
    """
    async with equipment.database.read() as connection:
        attempt = await attempts.by_token(connection, token)
        if attempt is None:
            log.info("webhook_of_unknown_attempt", provider_job_id=provider_job_id)
            job = provider_job_id and await jobs.by_provider_id(connection, provider_job_id)
            return job.id if job else None
    if provider_job_id is not None and provider_job_id != attempt.provider_job_id:
        await _note(equipment, attempt, provider_job_id)
    return attempt.job_id


async def _note(equipment: Equipment, attempt: Attempt, provider_job_id: str) -> None:
    async with equipment.database.write() as connection:
        if await attempts.hear(connection, attempt.token, provider_job_id):
            return
        if await attempts.is_anothers(connection, provider_job_id, attempt):
            log.warning("webhook_of_another_render", job_id=attempt.job_id, provider_job_id=provider_job_id)
            return
        await attempts.set_aside(connection, attempt, [provider_job_id], now=equipment.clock())
    passing("doorbell.render_set_aside")
    if attempt.state is AttemptState.REFUSED:
        words = "whose submit it had refused"
    else:
        words = f"which it renders as {attempt.provider_job_id}"
    await equipment.operator.alarm(
        f"render {provider_job_id} is nobody's",
        f"the provider rendered it for order {attempt.job_id}, {words}: it may be charged twice",
    )
