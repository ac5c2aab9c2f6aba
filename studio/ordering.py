"""Ordering the render: uploads, then the one paid call."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts, blame, jobs, queue, slots
from studio.acceptance import accepted, tell_operator
from studio.attempts import UNDECIDED, AttemptState
from studio.crashpoints import passing
from studio.endings import end, fail, put_back
from studio.equipment import Equipment, Moved, Outcome, Wait, patience
from studio.errors import (
    InputRefused,
    InputRejected,
    LimitReached,
    OperatorMustAct,
    ProviderBusy,
    ProviderError,
    ProviderUnavailable,
    SubmitUnclear,
    UploadRefused,
)
from studio.ids import new_attempt_token
from studio.models import Cancel, Job, JobState
from studio.ports import RenderRequest
from studio.repricing import agree, compare_with_list
from studio.sharing import standstill

log = structlog.get_logger(__name__)

UPLOAD_TRIES = 5
"""How often a file that alone does not get there is tried before its order ends."""

TURN_SECONDS, TURN_TRIES = 0.5, 240
"""How a job waits for another process whose submit is in the air; a submit takes two minutes at most."""


class Ordering:
    """The step for `submitting`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        # Within one process attempts queue here instead of colliding in the database.
        self._turn = asyncio.Lock()

    async def submit(self, job: Job) -> Outcome:
        """Upload both inputs, make sure of the price, and order the render."""
        async with self._equipment.database.read() as connection:
            tried = await attempts.of_job(connection, job.id)
        mine = next((attempt for attempt in tried if attempt.state in UNDECIDED), None)
        if mine is not None:
            return await self._doubt(job, mine.token, "interrupted before the answer was stored")
        if job.cancel is Cancel.ASKED:
            return await end(self._equipment, job, JobState.CANCELLED, "cancelled")
        try:
            again = any(attempt.state is AttemptState.ACCEPTED for attempt in tried)
            request = await self._upload(job, careful=again)
            passing("ordering.uploaded")
            estimate = await self._estimate(job, request)
            agreed = await self._ensure_hold(job, estimate)
        except UploadRefused as error:
            return await self._not_uploaded(job, error)
        except ProviderError as error:
            return await self._turned_down(job, error)
        except LimitReached as error:
            return await end(self._equipment, job, JobState.REFUSED, error.code, **error.facts)
        if not isinstance(agreed, Job):
            return agreed
        async with self._turn:
            return await self._attempt(agreed, request, estimate)

    async def _upload(self, job: Job, *, careful: bool) -> RenderRequest:
        """Upload both; `careful` when the provider could not read what was uploaded before."""
        assert job.inputs is not None
        storage, provider = self._equipment.storage, self._equipment.provider
        async with (
            storage.checkout(job.inputs.picture_key) as picture,
            storage.checkout(job.inputs.video_key) as video,
        ):
            image_url = await provider.upload(picture, content_type="image/jpeg", careful=careful)
            passing("ordering.picture_uploaded")
            video_url = await provider.upload(video, content_type="video/mp4", careful=careful)
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

    async def _not_uploaded(self, job: Job, error: UploadRefused) -> Outcome:
        """One of the files does not get there while others do: nobody else has to wait for that."""
        log.warning("upload_refused", job_id=job.id, tries=job.tries + 1, reason=error.quotable)
        if job.tries + 1 >= UPLOAD_TRIES:
            return await fail(self._equipment, job, error)
        return Wait(patience(job.tries, first=self._equipment.terms.waits.upload), tried=True)

    async def _estimate(self, job: Job, request: RenderRequest) -> int | None:
        """The provider's own figure for exactly this, None where it states none."""
        assert job.inputs is not None
        try:
            estimate = await self._equipment.provider.estimate(request, seconds=job.inputs.seconds)
        except ProviderUnavailable as error:
            log.warning("estimate_missing", job_id=job.id, reason=error.quotable)
            estimate = None
        passing("ordering.estimated")
        return estimate

    async def _ensure_hold(self, job: Job, estimate: int | None) -> Job | Outcome:
        """Have a provider's own estimate that is above the hold agreed to. Raises `LimitReached`."""
        if estimate is None:
            return job
        await compare_with_list(self._equipment, job, estimate)
        if estimate <= (job.held_usd_micros or 0):
            return job
        return await agree(self._equipment, job, estimate)

    async def _attempt(self, job: Job, request: RenderRequest, estimate: int | None) -> Outcome:
        token = new_attempt_token()
        began = await self._begin(job, token, estimate)
        if isinstance(began, Moved):
            return began
        passing("ordering.attempt_opened")
        address = self._equipment.terms.webhook_address
        request = replace(request, webhook_url=address(token) if address else None)
        try:
            submission = await self._equipment.provider.submit(request)
        except SubmitUnclear as error:
            return await self._doubt(began, token, error.quotable)
        except ProviderError as error:
            if await self._refused(began, token, error):
                return await fail(self._equipment, began, InputRefused(InputRejected.default_code))
            return await self._turned_down(began, error)
        passing("ordering.submitted")
        return await accepted(self._equipment, began, token, submission)

    async def _begin(self, job: Job, token: str, estimate: int | None) -> Job | Moved:
        """Open the attempt, the job as it is then; or put the job back, if nothing may be sent any more."""
        for _ in range(TURN_TRIES):
            async with self._equipment.database.write() as connection:
                # Proves that the job is still ours, in the same transaction that opens the attempt.
                job = await jobs.amend(connection, job)
                if await self._may_not_send(connection, job):
                    return await put_back(connection, job, now=self._equipment.clock())
                if await attempts.begin(
                    connection,
                    token=token,
                    job_id=job.id,
                    account=self._equipment.terms.account,
                    now=self._equipment.clock(),
                    estimate_usd_micros=estimate,
                ):
                    return job
                if await attempts.is_unclear(connection, self._equipment.terms.account):
                    return await put_back(connection, job, now=self._equipment.clock())
            # Another process has its turn.
            await asyncio.sleep(TURN_SECONDS)
        async with self._equipment.database.write() as connection:
            return await put_back(connection, job, now=self._equipment.clock())

    async def _may_not_send(self, connection: AsyncConnection, job: Job) -> bool:
        """Whether there was a cancel or a pause since the job, as it is now, got its slot."""
        pause = await queue.read_pause(connection)
        return (
            job.cancel is Cancel.ASKED
            or (pause is not None and pause.began_after(job.state_since))
            or (await standstill.read(connection)).code_of(job.place.guild_id) is not None
        )

    async def _refused(self, job: Job, token: str, error: ProviderError) -> bool:
        """End the attempt; True if the reason can only be this order's own, though nobody can read it."""
        now, may_be_its_own = self._equipment.clock(), blame.may_be_its_own(error)
        async with self._equipment.database.write() as connection:
            await attempts.finish(
                connection,
                token,
                AttemptState.REFUSED,
                reason=error.quotable,
                now=now,
                may_be_its_own=may_be_its_own,
            )
            is_its_own = may_be_its_own and await blame.is_refused_alone(connection, job.id)
            if isinstance(error, ProviderBusy) and error.full:
                number = await slots.refused(connection, now=now)
                log.warning("slots_lowered", slots=number, reason=error.quotable)
        passing("ordering.attempt_refused")
        if is_its_own:
            log.warning("refused_alone", job_id=job.id, reason=error.quotable)
        return is_its_own

    async def _doubt(self, job: Job, token: str, reason: str) -> Outcome:
        now = self._equipment.clock()
        log.warning("submit_unclear", job_id=job.id, reason=reason)
        async with self._equipment.database.write() as connection:
            await attempts.finish(connection, token, AttemptState.UNCLEAR, reason=reason, now=now)
            passing("ordering.attempt_doubted")
            return Moved(await jobs.move(connection, job, JobState.UNKNOWN, now=now))

    async def _turned_down(self, job: Job, error: ProviderError) -> Outcome:
        """Nothing was ordered: that is final if it is for the content, else for later."""
        if isinstance(error, InputRejected):
            return await fail(self._equipment, job, InputRefused(error.code, **error.facts))
        return await self._back_to_queue(job, error)

    async def _back_to_queue(self, job: Job, error: ProviderError) -> Outcome:
        """The provider takes nothing at the moment: the whole queue waits, no job fails for it."""
        problem = error.problem if isinstance(error, OperatorMustAct) else None
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            pause = await queue.pause(
                connection,
                now=now,
                claimed_at=job.state_since,
                seconds=lambda strikes: self._rest(error, strikes),
                problem=problem,
                job_id=job.id,
            )
            passing("ordering.queue_paused")
            moved = await put_back(connection, job, now=self._equipment.clock())
        log.warning(
            "provider_pause", job_id=job.id, reason=error.quotable, until=pause.until, problem=pause.problem
        )
        await tell_operator(self._equipment, error)
        return moved

    def _rest(self, error: ProviderError, strikes: int) -> float:
        """How long the queue rests after this many jobs in succession met such an error."""
        waits = self._equipment.terms.waits
        if isinstance(error, OperatorMustAct):
            return patience(strikes - 1, first=waits.probe, longest=waits.longest_probe)
        if isinstance(error, ProviderBusy):
            # Not all at the same moment as others who were told the same.
            return error.retry_after * random.uniform(1.0, 1.2)  # noqa: S311 - no secret
        return patience(strikes - 1, first=min(5.0, waits.probe), longest=waits.longest_probe)
