"""Finding out what became of a submit whose answer was lost, without ever sending it again by mistake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from studio import attempts
from studio.acceptance import accepted, tell_operator
from studio.attempts import Attempt, AttemptState
from studio.crashpoints import passing
from studio.endings import end_within, put_back
from studio.equipment import Equipment, Moved, Outcome, Wait, patience
from studio.errors import ProviderError, RemoteJobUnknown
from studio.models import Ending, Job, JobState
from studio.ports import RemoteListing, Submission

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0

UNKNOWN_SKEW = timedelta(minutes=11)
"""How far the provider's clock is believed to be off as long as no render of ours has shown it."""

GRAIN = timedelta(seconds=1)
"""The provider may state whole seconds."""

LATEST = timedelta(minutes=5)
"""How long after our attempt the provider may say that its job was created."""

NEVER_EXPLAINED = "never explained"

ENOUGH_OLD_ONES = 100
"""After so many renders in a row that are too old, the rest of a newest-first list is too."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the provider may say that the lost render was created."""

    earliest: datetime
    latest: datetime

    def has(self, moment: datetime | None) -> bool:
        return moment is None or self.earliest <= moment <= self.latest


class Reconciling:
    """The step for `unknown`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def look(self, job: Job) -> Outcome:
        """Adopt the render if exactly one can be the job's, or let the job be ordered again if none can."""
        async with self._equipment.database.read() as connection:
            attempt = await attempts.unexplained_of(connection, job.id)
        if attempt is None:
            return await self._abandon(job, None)
        try:
            if attempt.provider_job_id is not None and await self._is_true(attempt, attempt.provider_job_id):
                return await self._adopt(job, attempt, attempt.provider_job_id)
            if attempt.state is AttemptState.DISPUTED:
                return await self._wait_for_operator(job, attempt)
            candidates = await self._candidates(attempt)
        except ProviderError as error:
            log.warning("reconcile_postponed", job_id=job.id, reason=error.quotable)
            await tell_operator(self._equipment, error)
            return Wait(patience(job.tries, longest=60.0), tried=True)
        passing("ordering.candidates_read")
        return await self._judge(job, attempt, candidates)

    async def _judge(self, job: Job, attempt: Attempt, candidates: list[str]) -> Outcome:
        if len(candidates) == 1:
            return await self._adopt(job, attempt, candidates[0])
        terms = self._equipment.terms
        if self._age(attempt) < terms.reconcile_seconds:
            return Wait(min(LOOK_SECONDS, terms.reconcile_seconds / 5))
        if candidates:
            return await self._dispute(job, attempt, candidates)
        return await self._abandon(job, attempt)

    async def _adopt(self, job: Job, attempt: Attempt, provider_job_id: str) -> Outcome:
        log.info("attempt_adopted", job_id=job.id, provider_job_id=provider_job_id)
        submission = Submission(
            provider_job_id=provider_job_id, cost_usd_micros=None, expected_at=None, request_id=None
        )
        moved = await accepted(self._equipment, job, attempt.token, submission)
        await self._equipment.operator.clear(unexplained(job.id))
        return moved

    async def _dispute(self, job: Job, attempt: Attempt, candidates: list[str]) -> Outcome:
        """Several renders could be the job's: ask the operator, and let the others' orders pass meanwhile.

        The candidates are set aside, so that no later search can take them for somebody else's.
        """
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            await attempts.finish(
                connection, attempt.token, AttemptState.DISPUTED, reason=", ".join(candidates), now=now
            )
            passing("reconciling.attempt_disputed")
            await attempts.set_aside(connection, attempt, candidates, now=now)
        passing("reconciling.disputed")
        await self._equipment.operator.alarm(
            unexplained(job.id),
            "its submit was not answered, and several renders at the provider could be it, each of which may "
            f"be charged: {', '.join(candidates)}. Say which: python bot.py explain {job.id} --render ID",
        )
        return Wait(min(LOOK_SECONDS, self._equipment.terms.reconcile_seconds / 5))

    async def _wait_for_operator(self, job: Job, attempt: Attempt) -> Outcome:
        left = self._equipment.terms.waits.give_up_render - self._age(attempt)
        if left > 0:
            return Wait(min(60.0, left + 0.05))
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            # Nobody knows which candidate was the member's: all are booked to the operator (`studio.twins`).
            await attempts.finish(
                connection, attempt.token, AttemptState.ABANDONED, reason=NEVER_EXPLAINED, now=now
            )
            passing("reconciling.given_up")
            return await end_within(connection, job, JobState.FAILED, Ending("order_unexplained"), now=now)

    async def _abandon(self, job: Job, attempt: Attempt | None) -> Moved:
        """Nothing was created: the job may be ordered again."""
        async with self._equipment.database.write() as connection:
            if attempt is not None:
                await attempts.finish(
                    connection,
                    attempt.token,
                    AttemptState.ABANDONED,
                    reason="never appeared",
                    now=self._equipment.clock(),
                )
                passing("ordering.attempt_abandoned")
            return await put_back(connection, job, now=self._equipment.clock())

    async def _is_true(self, attempt: Attempt, heard: str) -> bool:
        """Check what a webhook said: a render of the account, of the right time, that is nobody else's."""
        async with self._equipment.database.read() as connection:
            owned = await attempts.is_anothers(connection, heard, attempt)
        try:
            remote = None if owned else await self._equipment.provider.status(heard)
        except RemoteJobUnknown:
            remote = None
        earliest = attempt.created_at - UNKNOWN_SKEW
        if remote is not None and (remote.created_at is None or remote.created_at >= earliest):
            return True
        log.warning("webhook_disbelieved", job_id=attempt.job_id, provider_job_id=heard)
        async with self._equipment.database.write() as connection:
            await attempts.unhear(connection, attempt.token)
        return False

    async def _candidates(self, attempt: Attempt) -> list[str]:
        """Renders that the lost submit may have created: of its time, and not known to be anybody's."""
        listed = await self._listed_since(attempt.created_at - UNKNOWN_SKEW - LATEST)
        ids = [item.provider_job_id for item in listed]
        async with self._equipment.database.read() as connection:
            known = await attempts.accepted_among(connection, ids)
            owned = await attempts.owned_among(connection, ids, but=attempt.token)
        window = _window(attempt, known, listed)
        return [
            item.provider_job_id
            for item in listed
            if item.provider_job_id not in owned and window.has(item.created_at)
        ]

    async def _listed_since(self, earliest: datetime) -> list[RemoteListing]:
        listed: list[RemoteListing] = []
        too_old = 0
        async for listing in self._equipment.provider.recent():
            if listing.created_at is not None and listing.created_at < earliest:
                too_old += 1
                if too_old >= ENOUGH_OLD_ONES:
                    break
            else:
                too_old = 0
                listed.append(listing)
        return listed

    def _age(self, attempt: Attempt) -> float:
        return (self._equipment.clock() - attempt.created_at).total_seconds()


def _window(attempt: Attempt, known: list[Attempt], listed: list[RemoteListing]) -> Window:
    """Narrow the search by what our own renders show of the provider's clock.

    Each was created between our request and its answer: its clock is ahead by `low` at least, `high` at most.
    """
    stated = {item.provider_job_id: item.created_at for item in listed}
    lows, highs = [], []
    for other in known:
        created = stated.get(other.provider_job_id or "")
        if created is not None and other.answered_at is not None:
            lows.append(created - other.answered_at)
            highs.append(created - other.created_at)
    low, high = (max(lows), min(highs) + GRAIN) if lows else (-UNKNOWN_SKEW, UNKNOWN_SKEW)
    if low > high:
        # One of the clocks was set meanwhile.
        low, high = -UNKNOWN_SKEW, UNKNOWN_SKEW
    return Window(attempt.created_at + low - GRAIN, attempt.created_at + high + LATEST)


def unexplained(job_id: str) -> str:
    """The subject of the alarm about an order that only the operator can explain."""
    return f"order {job_id} is unexplained"
