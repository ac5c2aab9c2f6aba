"""Finding out what became of a submit whose answer was lost, without ever sending it again by mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import structlog

from studio import attempts, jobs
from studio import candidates as candidates_of
from studio.acceptance import accepted, tell_operator
from studio.attempts import NEVER_APPEARED, NEVER_EXPLAINED, Attempt, AttemptState
from studio.candidates import UNKNOWN_SKEW, Candidates
from studio.crashpoints import passing
from studio.endings import end_within, put_back
from studio.equipment import Equipment, Moved, Outcome, Wait, patience
from studio.errors import ProviderError, RemoteJobUnknown
from studio.models import Ending, Job, JobState
from studio.ports import Submission

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0

LOOKS_BEFORE_ANOTHER_TRY = 2
"""How often the list must have shown nothing, besides for long enough, before an order is sent again."""


class Reconciling:
    """The step for `unknown`."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        # By attempt. Lost with the process: then the list is read twice more, which costs nothing.
        self._looks: Counter[str] = Counter()
        self._unreadable_since: dict[str, datetime] = {}

    async def look(self, job: Job) -> Outcome:
        """Adopt the render if exactly one can be the job's, or let the job be ordered again if none can."""
        async with self._equipment.database.read() as connection:
            attempt = await attempts.unexplained_of(connection, job.id)
        if attempt is None:
            return await self._abandon(job, None)
        if self._searched(job) < 0:
            # The clock was set back: the search would last until it has caught up.
            async with self._equipment.database.write() as connection:
                job = await jobs.amend(connection, job, state_since=self._equipment.clock())
        try:
            if attempt.provider_job_id is not None and await self._is_true(attempt, attempt.provider_job_id):
                return await self._adopt(job, attempt, attempt.provider_job_id)
            if attempt.state is AttemptState.DISPUTED:
                return await self._wait_for_operator(job, attempt)
            candidates = await candidates_of.look_for(self._equipment, attempt)
        except ProviderError as error:
            return await self._postpone(job, attempt, error)
        passing("ordering.candidates_read")
        self._looks[attempt.token] += 1
        outcome = await self._judge(job, attempt, candidates)
        # Not before: what stumbles over the list again and again has not read it.
        self._unreadable_since.pop(attempt.token, None)
        await self._equipment.operator.clear(unsearchable(job.id))
        return outcome

    async def stumbled(self, job: Job, reference: str) -> Outcome:
        """A look failed in a way that nobody foresaw, which is no better than a list that cannot be read."""
        async with self._equipment.database.read() as connection:
            attempt = await attempts.unexplained_of(connection, job.id)
        if attempt is None:
            return Wait(patience(job.tries), tried=True)
        return await self._postpone(job, attempt, ProviderError(f"a fault of the bot, {reference}"))

    async def _judge(self, job: Job, attempt: Attempt, found: Candidates) -> Outcome:
        if len(found.likely) == 1:
            return await self._adopt(job, attempt, found.likely[0])
        terms = self._equipment.terms
        looked_enough = self._looks[attempt.token] >= LOOKS_BEFORE_ANOTHER_TRY
        if not looked_enough or self._searched(job) < terms.reconcile_seconds:
            return Wait(min(LOOK_SECONDS, terms.reconcile_seconds / 5))
        if found.possible:
            return await self._dispute(job, attempt, found.likely or found.possible)
        return await self._abandon(job, attempt)

    async def _postpone(self, job: Job, attempt: Attempt, error: ProviderError) -> Outcome:
        """The provider cannot be asked: that holds up everybody's orders, so not for ever, nor unseen."""
        log.warning("reconcile_postponed", job_id=job.id, reason=error.quotable)
        await tell_operator(self._equipment, error)
        now, terms = self._equipment.clock(), self._equipment.terms
        since = min(now, self._unreadable_since.get(attempt.token, now))
        self._unreadable_since[attempt.token] = since
        # One bad look after a long rest is no reason.
        until_alarm = terms.reconcile_seconds - (now - since).total_seconds()
        until_end = terms.waits.give_up_render - self._searched(job)
        if until_alarm <= 0 and until_end <= 0:
            await self._equipment.operator.alarm(
                unexplained(job.id),
                "its submit was not answered, and it could not be looked for: it was given up, and may have "
                f"been charged. If you see its render there: python bot.py explain {job.id} --render ID",
            )
            return await self._give_up(job, attempt)
        if until_alarm <= 0 and attempt.state is not AttemptState.DISPUTED:
            await self._equipment.operator.alarm(
                unsearchable(job.id),
                "its submit was not answered, and the provider's list of renders cannot be read "
                f"({error.quotable}). Nothing else is sent to the provider before this order is found, given "
                f"up after {terms.waits.give_up_render / 60:.0f} min, or explained by you: "
                f"python bot.py explain {job.id} --render ID, or --none",
            )
        until_mark = min(seconds for seconds in (until_alarm, until_end) if seconds > 0)
        return Wait(min(patience(job.tries, longest=60.0), until_mark + 0.05), tried=True)

    async def _adopt(self, job: Job, attempt: Attempt, provider_job_id: str) -> Outcome:
        log.info("attempt_adopted", job_id=job.id, provider_job_id=provider_job_id)
        submission = Submission(
            provider_job_id=provider_job_id, cost_usd_micros=None, expected_at=None, request_id=None
        )
        moved = await accepted(self._equipment, job, attempt.token, submission)
        await self._equipment.operator.clear(unexplained(job.id))
        await self._forget(job, attempt)
        return moved

    async def _dispute(self, job: Job, attempt: Attempt, candidates: Sequence[str]) -> Outcome:
        """Nobody knows whether a render is the job's, or which: ask the operator.

        The others' orders pass meanwhile. The candidates are set aside, so that no later search can take
        them for somebody else's.
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
            "its submit was not answered, and nobody knows which of these renders at the provider is it, "
            f"each of which may be charged: {', '.join(candidates)}. Say which: "
            f"python bot.py explain {job.id} --render ID, or --none",
        )
        return Wait(min(LOOK_SECONDS, self._equipment.terms.reconcile_seconds / 5))

    async def _wait_for_operator(self, job: Job, attempt: Attempt) -> Outcome:
        left = self._equipment.terms.waits.give_up_render - self._searched(job)
        return Wait(min(60.0, left + 0.05)) if left > 0 else await self._give_up(job, attempt)

    async def _give_up(self, job: Job, attempt: Attempt) -> Moved:
        """Nobody knows what was the member's: whatever was made is booked to the operator."""
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            # Candidates become twins (`studio.twins`), and so does what appears later (`studio.ghosts`).
            await attempts.finish(
                connection, attempt.token, AttemptState.ABANDONED, reason=NEVER_EXPLAINED, now=now
            )
            passing("reconciling.given_up")
            if attempt.provider_job_id is not None:
                # What a webhook said, and nobody could check.
                await attempts.set_aside(connection, attempt, [attempt.provider_job_id], now=now)
            moved = await end_within(connection, job, JobState.FAILED, Ending("order_unexplained"), now=now)
        await self._forget(job, attempt)
        return moved

    async def _abandon(self, job: Job, attempt: Attempt | None) -> Moved:
        """Nothing was created: the job may be ordered again."""
        now = self._equipment.clock()
        async with self._equipment.database.write() as connection:
            if attempt is not None:
                await attempts.finish(
                    connection, attempt.token, AttemptState.ABANDONED, reason=NEVER_APPEARED, now=now
                )
                passing("ordering.attempt_abandoned")
            moved = await put_back(connection, job, now=now)
        await self._forget(job, attempt)
        return moved

    async def _forget(self, job: Job, attempt: Attempt | None) -> None:
        """The search is over."""
        if attempt is not None:
            self._looks.pop(attempt.token, None)
            self._unreadable_since.pop(attempt.token, None)
        await self._equipment.operator.clear(unsearchable(job.id))

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

    def _searched(self, job: Job) -> float:
        """For how long the order has been looked for: neither the wait for its answer nor a rest counts."""
        return (self._equipment.clock() - job.state_since).total_seconds()


def unexplained(job_id: str) -> str:
    """The subject of the alarm about an order that only the operator can explain."""
    return f"order {job_id} is unexplained"


def unsearchable(job_id: str) -> str:
    """The subject of the alarm about an order that cannot be found, because the provider shows no list."""
    return f"order {job_id} cannot be looked for"
