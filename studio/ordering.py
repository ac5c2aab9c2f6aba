"""Ordering the render: uploads, the one paid call, and what becomes of it when its answer is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from studio import attempts, jobs, ledger, queue
from studio.attempts import Attempt, AttemptState
from studio.crashpoints import passing
from studio.endings import end, fail
from studio.equipment import Equipment, Moved, Outcome, Wait, because, patience
from studio.errors import (
    InputRefused,
    InputRejected,
    OperatorMustAct,
    OperatorProblem,
    ProviderBusy,
    ProviderError,
    ProviderUnavailable,
    SubmitUnclear,
)
from studio.ids import new_attempt_token
from studio.models import Cancel, Job, JobState
from studio.ports import RemoteListing, RenderRequest, Submission

log = structlog.get_logger(__name__)

CLOCK_SLACK = timedelta(seconds=60)
"""How much earlier than our attempt the provider may say that its job was created."""

PROBE_AFTER_SECONDS = 60.0
"""How long the queue rests after a problem that only the operator can mend, before one job probes again."""

RECONCILE_PAUSE_SECONDS = 10.0


class Ordering:
    """Steps for `queued`, `submitting` and `unknown`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        # Within one process attempts queue here instead of colliding in the database.
        self._turn = asyncio.Lock()

    async def submit(self, job: Job) -> Outcome:
        """Upload both inputs, make sure of the price, and order the render."""
        async with self._equipment.database.read() as connection:
            mine = await attempts.unexplained_of(connection, job.id)
        if mine is not None:
            return await self._doubt(job, mine.token, "interrupted before the answer was stored")
        if job.cancel is Cancel.ASKED:
            return await end(self._equipment, job, JobState.CANCELLED, "cancelled")
        try:
            request = await self._upload(job)
            passing("ordering.uploaded")
            job, affordable = await self._ensure_hold(job, request)
            if not affordable:
                return await end(self._equipment, job, JobState.REFUSED, "budget_exhausted")
            async with self._turn:
                return await self._attempt(job, request)
        except InputRejected as error:
            return await fail(self._equipment, job, InputRefused(error.code, **error.facts))
        except ProviderError as error:
            return await self._back_to_queue(job, error)

    async def reconcile(self, job: Job) -> Outcome:
        """Find out from the provider's list whether the lost submit was accepted."""
        async with self._equipment.database.read() as connection:
            attempt = await attempts.unexplained_of(connection, job.id)
        if attempt is None:
            return await self._resubmit(job, None)
        try:
            candidates = await self._candidates(attempt)
        except ProviderError as error:
            log.warning("reconcile_postponed", job_id=job.id, reason=error.reason)
            return Wait(patience(job.tries, longest=60.0), tried=True)
        passing("ordering.candidates_read")
        if len(candidates) == 1:
            found = candidates[0]
            # The list does not say what was charged; the hold is the figure that the member agreed to.
            submission = Submission(
                provider_job_id=found.provider_job_id, cost_usd_micros=None, expected_at=None, request_id=None
            )
            log.info("attempt_adopted", job_id=job.id, provider_job_id=found.provider_job_id)
            return await self._accepted(job, attempt.token, submission)
        if len(candidates) > 1:
            await self._equipment.operator.alarm(
                f"ambiguous submit of {job.id}",
                "Several renders at the provider could be this order: "
                + ", ".join(candidate.provider_job_id for candidate in candidates),
            )
            return Wait(60.0)
        age = (self._equipment.clock() - attempt.created_at).total_seconds()
        if age >= self._equipment.terms.reconcile_seconds:
            return await self._resubmit(job, attempt)
        return Wait(min(RECONCILE_PAUSE_SECONDS, self._equipment.terms.reconcile_seconds / 5))

    async def _upload(self, job: Job) -> RenderRequest:
        assert job.inputs is not None
        storage, provider = self._equipment.storage, self._equipment.provider
        async with (
            storage.checkout(job.inputs.picture_key) as picture,
            storage.checkout(job.inputs.video_key) as video,
        ):
            image_url = await provider.upload(picture, content_type="image/jpeg")
            passing("ordering.picture_uploaded")
            video_url = await provider.upload(video, content_type="video/mp4")
        wishes = job.order.wishes
        return RenderRequest(
            image_url=image_url,
            video_url=video_url,
            prompt=wishes.prompt,
            negative_prompt=wishes.negative_prompt,
            orientation=job.inputs.orientation,
            keep_sound=wishes.keep_sound,
            shot_type=wishes.shot_type,
        )

    async def _ensure_hold(self, job: Job, request: RenderRequest) -> tuple[Job, bool]:
        """Raise the hold when the provider's own estimate is above it; False when the budget forbids."""
        assert job.inputs is not None
        try:
            estimate = await self._equipment.provider.estimate(request, seconds=job.inputs.seconds)
        except ProviderUnavailable as error:
            log.warning("estimate_missing", job_id=job.id, reason=error.reason)
            estimate = None
        passing("ordering.estimated")
        if estimate is None or estimate <= (job.held_usd_micros or 0):
            return job, True
        now, terms = self._equipment.clock(), self._equipment.terms
        async with self._equipment.database.write() as connection:
            why = because("estimate above the listed price")
            if not await ledger.hold(connection, job, estimate, now=now, because=why, budget=terms.budget):
                return job, False
            passing("ordering.hold_raised")
            return await jobs.amend(connection, job, held_usd_micros=estimate), True

    async def _attempt(self, job: Job, request: RenderRequest) -> Outcome:
        terms = self._equipment.terms
        token = new_attempt_token()
        async with self._equipment.database.write() as connection:
            # Proves that the job is still ours, in the same transaction that opens the attempt.
            job = await jobs.amend(connection, job)
            began = await attempts.begin(
                connection, token=token, job_id=job.id, account=terms.account, now=self._equipment.clock()
            )
        if not began:
            return Wait(2.0)
        passing("ordering.attempt_opened")
        webhook_url = terms.webhook_address(token) if terms.webhook_address else None
        try:
            submission = await self._equipment.provider.submit(replace(request, webhook_url=webhook_url))
        except SubmitUnclear as error:
            return await self._doubt(job, token, error.reason)
        except ProviderError as error:
            await self._close_attempt(token, AttemptState.REFUSED, error.reason)
            passing("ordering.attempt_refused")
            raise
        passing("ordering.submitted")
        return await self._accepted(job, token, submission)

    async def _accepted(self, job: Job, token: str, submission: Submission) -> Outcome:
        """Store, in one transaction, that the render is ordered and what it costs."""
        now = self._equipment.clock()
        stated = submission.cost_usd_micros
        cost = stated if stated is not None else job.held_usd_micros or 0
        async with self._equipment.database.write() as connection:
            await attempts.accept(connection, token, submission=submission, now=now)
            passing("ordering.attempt_accepted")
            await ledger.settle(connection, job, cost, now=now, because=because("rendered by the provider"))
            passing("ordering.charge_settled")
            await queue.resume(connection)
            moved = await jobs.move(
                connection,
                job,
                JobState.RENDERING,
                now=now,
                provider_job_id=submission.provider_job_id,
                cost_usd_micros=cost,
                submitted_at=now,
                expected_at=submission.expected_at,
            )
        for problem in OperatorProblem:
            await self._equipment.operator.clear(f"provider: {problem}")
        if cost > (job.held_usd_micros or 0):
            await self._equipment.operator.alarm(
                "price above the hold", f"{job.id} cost {cost} where {job.held_usd_micros} was held"
            )
        return Moved(moved)

    async def _doubt(self, job: Job, token: str, reason: str) -> Outcome:
        now = self._equipment.clock()
        log.warning("submit_unclear", job_id=job.id, reason=reason)
        async with self._equipment.database.write() as connection:
            await attempts.finish(connection, token, AttemptState.UNCLEAR, reason=reason, now=now)
            passing("ordering.attempt_doubted")
            return Moved(await jobs.move(connection, job, JobState.UNKNOWN, now=now))

    async def _resubmit(self, job: Job, attempt: Attempt | None) -> Outcome:
        """Nothing was created: the job may be ordered again."""
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            if attempt is not None:
                await attempts.finish(
                    connection, attempt.token, AttemptState.ABANDONED, reason="never appeared", now=now
                )
                passing("ordering.attempt_abandoned")
            return Moved(await jobs.move(connection, job, JobState.QUEUED, now=now))

    async def _back_to_queue(self, job: Job, error: ProviderError) -> Outcome:
        """The provider takes nothing at the moment: the whole queue waits, no job fails for it."""
        problem = error.problem if isinstance(error, OperatorMustAct) else None
        seconds = PROBE_AFTER_SECONDS if problem else patience(job.tries, first=5.0, longest=60.0)
        if isinstance(error, ProviderBusy):
            seconds = error.retry_after
        log.warning("provider_pause", job_id=job.id, reason=error.reason, seconds=seconds, problem=problem)
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            await queue.pause(connection, now=now, seconds=seconds, problem=problem)
            passing("ordering.queue_paused")
            moved = await jobs.move(connection, job, JobState.QUEUED, now=now)
        if problem is not None:
            await self._equipment.operator.alarm(f"provider: {problem}", error.reason)
        return Moved(moved)

    async def _close_attempt(self, token: str, state: AttemptState, reason: str) -> None:
        async with self._equipment.database.write() as connection:
            await attempts.finish(connection, token, state, reason=reason, now=self._equipment.clock())

    async def _candidates(self, attempt: Attempt) -> list[RemoteListing]:
        """Renders that the lost submit may have created: new enough, and not known to be ours."""
        earliest = attempt.created_at - CLOCK_SLACK
        recent: list[RemoteListing] = []
        async for listing in self._equipment.provider.recent():
            if listing.created_at is None or listing.created_at >= earliest:
                recent.append(listing)
        async with self._equipment.database.read() as connection:
            owned = await attempts.owned_among(connection, [item.provider_job_id for item in recent])
        return [item for item in recent if item.provider_job_id not in owned]
