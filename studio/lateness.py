"""Renders that were given up but stay charged: still taken when they come, refunds still entered."""

from __future__ import annotations

import structlog

from studio import jobs, ledger
from studio.crashpoints import passing
from studio.equipment import Equipment, Moved, Outcome, Wait, because, patience
from studio.errors import ProviderError
from studio.models import Ending, Job, JobState
from studio.ports import RemoteState

log = structlog.get_logger(__name__)

WATCHED = frozenset({"took_too_long", "lost_by_provider", "result_missing", "order_unexplained"})
"""Endings after which the provider may still deliver, or give the money back."""

LONGEST_PAUSE_SECONDS = 3600.0


class Lateness:
    """Looks after an ended job until the provider has said its last word, or for a day."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def watches(self, job: Job) -> bool:
        """Whether the job, although ended, is not over yet."""
        if job.state is not JobState.FAILED or job.ending is None or job.submitted_at is None:
            return False
        age = (self._equipment.clock() - job.submitted_at).total_seconds()
        is_open = job.ending.code in WATCHED and job.ending.cost_usd_micros > 0
        return is_open and age < self._equipment.terms.waits.late

    def concerns(self, job: Job) -> bool:
        """Whether what was reported of it may have changed since."""
        return job.ending is not None and job.ending.code in WATCHED

    async def look(self, job: Job) -> Outcome | Job:
        """Ask the provider once more; returns the job, changed, when there is nothing left to wait for."""
        assert job.provider_job_id is not None
        pause = patience(
            job.tries, first=self._equipment.terms.waits.late_look, longest=LONGEST_PAUSE_SECONDS
        )
        if job.wake_at is None:
            return Wait(pause)
        try:
            remote = await self._equipment.provider.status(job.provider_job_id)
        except ProviderError as error:
            log.info("late_render_unreadable", job_id=job.id, reason=error.quotable)
            return Wait(pause, tried=True)
        if remote.state is RemoteState.COMPLETED and remote.output_url:
            # A clip that was taken down stays away, however late it comes.
            return job if job.removed_at is not None else await self._take(job, remote.output_url)
        if remote.state in (RemoteState.FAILED, RemoteState.CANCELLED):
            return await self._book_refund(job)
        return Wait(pause, tried=True)

    async def _take(self, job: Job, url: str) -> Outcome:
        now = self._equipment.clock()
        log.info("late_render_taken", job_id=job.id)
        async with self._equipment.database.write() as connection:
            moved = await jobs.move(
                connection,
                job,
                JobState.FETCHING,
                now=now,
                ending=None,
                rendered_at=job.rendered_at or now,
                source_url=url,
            )
            passing("lateness.render_taken")
        await self._equipment.operator.clear(f"render {job.provider_job_id}")
        return Moved(moved)

    async def _book_refund(self, job: Job) -> Job:
        assert job.ending is not None
        async with self._equipment.database.write() as connection:
            why = because("refunded after it was given up")
            await ledger.refund(connection, job, now=self._equipment.clock(), because=why)
            cost = await ledger.charged_for(connection, job.id)
            log.info("late_refund", job_id=job.id, cost_usd_micros=cost)
            ending = Ending(job.ending.code, job.ending.facts, cost)
            job = await jobs.amend(connection, job, ending=ending, cost_usd_micros=cost)
            passing("lateness.refund_entered")
        await self._equipment.operator.clear(f"render {job.provider_job_id}")
        return job
