"""While the provider renders: reading its state, and cancelling where it lets us."""

from __future__ import annotations

import structlog

from studio import jobs, ledger
from studio.crashpoints import passing
from studio.endings import end
from studio.equipment import Equipment, Moved, Outcome, Wait, because, patience
from studio.errors import CancelTooLate, ProviderError, RemoteJobUnknown
from studio.models import Cancel, Ending, Job, JobState
from studio.ports import RemoteJob, RemoteState

log = structlog.get_logger(__name__)

SAFETY_LOOK_SECONDS = 60.0
"""How often a render is looked at even if neither poller nor webhook woke it."""

MISSING_GRACE_SECONDS = 600.0
"""How long the provider may not know a job that it accepted, before it counts as lost."""

EMPTY_RESULT_TRIES = 12


class Rendering:
    """The step for `rendering`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def look(self, job: Job) -> Outcome:
        """Ask the provider how the render stands, and act on that alone."""
        assert job.provider_job_id is not None
        if job.cancel is Cancel.ASKED:
            outcome = await self._try_cancel(job)
            if outcome is not None:
                return outcome
        try:
            remote = await self._equipment.provider.status(job.provider_job_id)
        except RemoteJobUnknown:
            return await self._missing(job)
        except ProviderError as error:
            log.warning("status_unreadable", job_id=job.id, reason=error.reason)
            return await self._still_running(job, Wait(patience(job.tries, longest=60.0), tried=True))
        passing("rendering.status_read")
        return await self._act_on(job, remote)

    async def _act_on(self, job: Job, remote: RemoteJob) -> Outcome:
        match remote.state:
            case RemoteState.COMPLETED if remote.output_url:
                return await self._completed(job, remote.output_url)
            case RemoteState.COMPLETED:
                if job.tries < EMPTY_RESULT_TRIES:
                    return Wait(5.0, tried=True)
                return await end(self._equipment, job, JobState.FAILED, "result_missing")
            case RemoteState.FAILED:
                failure = remote.failure
                log.info("render_failed", job_id=job.id, reason=failure.reason if failure else "")
                code = failure.text_code if failure else "render_failed"
                return await end(self._equipment, job, JobState.FAILED, code, refunded=True)
            case RemoteState.CANCELLED:
                return await end(self._equipment, job, JobState.CANCELLED, "cancelled", refunded=True)
            case _:
                return await self._still_running(job, Wait(SAFETY_LOOK_SECONDS))

    async def _completed(self, job: Job, url: str) -> Outcome:
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            return Moved(
                await jobs.move(connection, job, JobState.FETCHING, now=now, rendered_at=now, source_url=url)
            )

    async def _still_running(self, job: Job, wait: Wait) -> Outcome:
        if self._age(job) > self._equipment.terms.give_up_render_after_seconds:
            await self._equipment.operator.alarm(
                f"render {job.provider_job_id} takes too long",
                f"order {job.id} was given up after {self._age(job):.0f} s; it stays charged at the provider",
            )
            return await end(self._equipment, job, JobState.FAILED, "took_too_long")
        return wait

    async def _missing(self, job: Job) -> Outcome:
        if self._age(job) < MISSING_GRACE_SECONDS:
            return Wait(min(60.0, 5.0 * (1 + job.tries)), tried=True)
        return await end(self._equipment, job, JobState.FAILED, "lost_by_provider")

    async def _try_cancel(self, job: Job) -> Outcome | None:
        assert job.provider_job_id is not None
        try:
            returned = await self._equipment.provider.cancel(job.provider_job_id)
        except CancelTooLate:
            async with self._equipment.database.write() as connection:
                await jobs.refuse_cancel(connection, job.id)
            passing("rendering.cancel_refused")
            return None
        except ProviderError as error:
            # Whether it was cancelled all the same, the status will say.
            log.warning("cancel_unanswered", job_id=job.id, reason=error.reason)
            return None
        passing("rendering.cancel_answered")
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            await ledger.refund(connection, job, now=now, because=because("cancelled"), amount=returned)
            cost = await ledger.charged_for(connection, job.id)
            return Moved(
                await jobs.move(
                    connection,
                    job,
                    JobState.CANCELLED,
                    now=now,
                    ending=Ending("cancelled", {}, cost),
                    cost_usd_micros=cost,
                )
            )

    def _age(self, job: Job) -> float:
        return (self._equipment.clock() - (job.submitted_at or job.state_since)).total_seconds()
