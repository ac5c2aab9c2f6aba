"""While the provider renders: reading its state, and cancelling where it lets us."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import structlog

from studio import attempts, jobs, ledger
from studio.acceptance import alarm_about, tell_operator
from studio.crashpoints import passing
from studio.endings import end, end_within, put_back
from studio.equipment import Equipment, Moved, Outcome, Wait, because, patience
from studio.errors import (
    CancelTooLate,
    LimitReached,
    OperatorMustAct,
    ProviderBusy,
    ProviderError,
    RemoteJobUnknown,
)
from studio.models import Cancel, Ending, Job, JobState
from studio.ports import RemoteJob, RemoteState
from studio.sharing import admission

log = structlog.get_logger(__name__)

UNASKED = frozenset({Cancel.NONE, Cancel.BEGUN})

SLOW_LOOK_SECONDS = 60.0
"""How often a slow render is looked at by itself until it has begun; then again when it is twice as old."""

MISSING_TRIES = 5
"""How often in succession the provider must not know a job, besides for long enough, to have lost it."""

OUR_FAULT = "render_inputs_unreachable"
"""The provider could not read what we uploaded; such a failure is refunded, so one more try costs nothing."""

SUPPLIER_PROBLEM = "render_supplier_problem"
"""What a render fails for when the provider's own supplier refuses it, for want of money for example."""

SUPPLIER_ALARM = "provider: its own supplier"


class Rendering:
    """The step for `rendering`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def look(self, job: Job, *, news: bool = False) -> Outcome:
        """Ask the provider how the render stands, once that is due or there are news; act on that alone."""
        if job.cancel is Cancel.ASKED:
            outcome = await self._try_cancel(job)
            if outcome is not None:
                return outcome
        elif not news:
            rest = self._not_yet(job)
            if rest is not None:
                return rest
        return await self._ask(job)

    async def _ask(self, job: Job) -> Outcome:
        assert job.provider_job_id is not None
        try:
            remote = await self._equipment.provider.status(job.provider_job_id)
        except RemoteJobUnknown:
            return await self._missing(job)
        except ProviderError as error:
            log.warning("status_unreadable", job_id=job.id, reason=error.quotable)
            await tell_operator(self._equipment, error)
            if isinstance(error, OperatorMustAct):
                # The poller finds out when the account may ask again, one call for all renders.
                return await self._still_running(job, Wait(self._left(job)))
            rest = patience(job.tries, longest=60.0)
            if isinstance(error, ProviderBusy):
                # Not all at the same moment as the others that were told the same.
                rest = error.retry_after * random.uniform(1.0, 1.2)  # noqa: S311 - no secret
            return await self._still_running(job, Wait(rest, tried=True))
        passing("rendering.status_read")
        return await self._act_on(job, remote)

    async def _act_on(self, job: Job, remote: RemoteJob) -> Outcome:
        match remote.state:
            case RemoteState.COMPLETED if remote.output_url:
                return await self._completed(job, remote.output_url)
            case RemoteState.COMPLETED:
                return await self._empty(job)
            case RemoteState.FAILED:
                return await self._failed(job, remote)
            case RemoteState.CANCELLED:
                code = "cancelled_by_provider" if job.cancel in UNASKED else "cancelled"
                return await end(self._equipment, job, JobState.CANCELLED, code, refunded=True)
            case _:
                job = await self._note_begun(job, remote)
                # A cancel that was not answered is tried again soon.
                wait = Wait(5.0) if job.cancel is Cancel.ASKED and await self._still_asked(job) else None
                return await self._still_running(job, wait or self._rest(job))

    async def _completed(self, job: Job, url: str) -> Outcome:
        now = self._equipment.clock()
        await self._equipment.operator.clear(SUPPLIER_ALARM)
        # Loaded while the result is on its way.
        self._equipment.workshop.warm_up()
        async with self._equipment.database.write_once() as connection:
            return Moved(
                await jobs.move(
                    connection,
                    job,
                    JobState.FETCHING,
                    now=now,
                    rendered_at=job.rendered_at or now,
                    source_url=url,
                )
            )

    async def _empty(self, job: Job) -> Outcome:
        """Completed, but it shows no result: that may follow within seconds."""
        now = self._equipment.clock()
        if job.rendered_at is None:
            async with self._equipment.database.write_once() as connection:
                await jobs.amend(connection, job, rendered_at=now)
            return Wait(1.0)
        waited = (now - job.rendered_at).total_seconds()
        if waited < self._equipment.terms.waits.empty:
            return Wait(min(5.0, max(0.5, waited)), tried=True)
        await self._alarm(job, "is completed, but shows no result; it stays charged")
        return await end(self._equipment, job, JobState.FAILED, "result_missing")

    async def _failed(self, job: Job, remote: RemoteJob) -> Outcome:
        failure = remote.failure
        log.info("render_failed", job_id=job.id, reason=failure.reason if failure else "")
        code = failure.text_code if failure else "render_failed"
        if failure is not None and code == SUPPLIER_PROBLEM:
            await self._equipment.operator.alarm(
                SUPPLIER_ALARM,
                f"renders fail, and are refunded, since its own supplier refuses it: {failure.reason}",
            )
        if code == OUR_FAULT and job.cancel in UNASKED:
            again = await self._once_more(job)
            if again is not None:
                return again
        return await end(self._equipment, job, JobState.FAILED, code, refunded=True)

    async def _once_more(self, job: Job) -> Outcome | None:
        """Order the refunded job again, which uploads its inputs afresh; None when that was done before."""
        now, terms = self._equipment.clock(), self._equipment.terms
        price = job.held_usd_micros or 0
        async with self._equipment.database.write() as connection:
            if await attempts.times_accepted(connection, job.id) > 1:
                return None
            await ledger.refund(connection, job, now=now, because=because(OUR_FAULT))
            passing("rendering.refunded_for_another_try")
            why, budget = because("ordered again"), terms.monthly_budget_usd_micros
            try:
                await admission.hold(connection, job, price, now=now, because=why, budget=budget)
            except LimitReached:
                return await end_within(connection, job, JobState.FAILED, Ending(OUR_FAULT), now=now)
            passing("rendering.held_for_another_try")
            await jobs.note_begun(connection, job.id, begun=False)
            log.info("ordered_again", job_id=job.id, provider_job_id=job.provider_job_id)
            unordered: dict[str, Any] = dict.fromkeys(
                ("provider_job_id", "cost_usd_micros", "submitted_at", "expected_at", "rendered_at")
            )
            return await put_back(connection, job, now=now, **unordered)

    async def _note_begun(self, job: Job, remote: RemoteJob) -> Job:
        """Once it is not pending any more, no cancel is offered."""
        if remote.state is not RemoteState.PROCESSING or job.cancel is not Cancel.NONE:
            return job
        async with self._equipment.database.write_once() as connection:
            await jobs.note_begun(connection, job.id, begun=True)
        return replace(job, cancel=Cancel.BEGUN)

    async def _still_running(self, job: Job, wait: Wait) -> Outcome:
        if self._age(job) <= self._equipment.terms.waits.give_up_render:
            return wait
        outcome = await self._try_cancel(job, code="took_too_long")
        if outcome is not None:
            return outcome
        await self._alarm(job, f"was given up after {self._age(job):.0f} s; it stays charged until it ends")
        return await end(self._equipment, job, JobState.FAILED, "took_too_long")

    async def _missing(self, job: Job) -> Outcome:
        grace = self._equipment.terms.waits.missing
        if self._age(job) < grace or job.tries < MISSING_TRIES:
            return Wait(min(60.0, grace / 10, 5.0 * (1 + job.tries)), tried=True)
        await self._alarm(job, "is no longer known there; it stays charged")
        return await end(self._equipment, job, JobState.FAILED, "lost_by_provider")

    async def _try_cancel(self, job: Job, *, code: str = "cancelled") -> Outcome | None:
        """Cancel at the provider and end the job with `code`; None while it is not known to be cancelled."""
        assert job.provider_job_id is not None
        try:
            returned = await self._equipment.provider.cancel(job.provider_job_id)
        except CancelTooLate:
            async with self._equipment.database.write_once() as connection:
                await jobs.refuse_cancel(connection, job.id)
            passing("rendering.cancel_refused")
            return None
        except ProviderError as error:
            # Whether it was cancelled all the same, the status will say.
            log.warning("cancel_unanswered", job_id=job.id, reason=error.quotable)
            return None
        passing("rendering.cancel_answered")
        # Where the charge is our own guess, so would be what is left of it.
        refund = None if job.cost_usd_micros is None else returned
        state = JobState.CANCELLED if code == "cancelled" else JobState.FAILED
        return await end(self._equipment, job, state, code, refunded=True, refund=refund)

    async def _still_asked(self, job: Job) -> bool:
        async with self._equipment.database.read() as connection:
            fresh = await jobs.get(connection, job.id)
        return fresh is not None and fresh.cancel is Cancel.ASKED

    async def _alarm(self, job: Job, words: str) -> None:
        await alarm_about(self._equipment, job, f"the render of order {job.id} {words}")

    def _not_yet(self, job: Job) -> Wait | None:
        """How long it still rests, whatever woke it: the news are the poller's to tell, or the doorbell's."""
        if job.wake_at is None:
            # Only just ordered.
            return self._rest(job)
        left = (job.wake_at - self._equipment.clock()).total_seconds()
        return Wait(left, early=True) if 0 < left <= jobs.LONGEST_REST.total_seconds() else None

    def _rest(self, job: Job) -> Wait:
        """Until the poller or the doorbell has news; or until the job has to be given up."""
        # A slow one is called slow on its card, and a cancel is offered there only while it can be had.
        age = self._age(job)
        until_slow = self._equipment.terms.waits.slow - age
        again = age if job.cancel is Cancel.BEGUN else SLOW_LOOK_SECONDS
        return Wait(min(until_slow + 0.05 if until_slow > 0 else again, self._left(job)))

    def _left(self, job: Job) -> float:
        """How long until the job has to be given up."""
        return max(0.05, self._equipment.terms.waits.give_up_render - self._age(job) + 0.05)

    def _age(self, job: Job) -> float:
        return (self._equipment.clock() - (job.submitted_at or job.state_since)).total_seconds()
