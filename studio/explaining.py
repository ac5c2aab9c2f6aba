"""The operator's answer to an order of which nobody knows which render is its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import asides, attempts, jobs, ledger, summons
from studio.acceptance import accept_within, cost_of
from studio.asides import Aside
from studio.attempts import NEVER_EXPLAINED, Attempt, AttemptState
from studio.database import Database, in_question
from studio.database import attempts as rows
from studio.endings import put_back
from studio.ledger import Because
from studio.models import Ending, Job, JobState
from studio.ports import Submission
from studio.waits import Waits

log = structlog.get_logger(__name__)

OPERATOR = "operator"

UNEXPLAINED_ENDING = "order_unexplained"


@dataclass(frozen=True, slots=True)
class Question:
    """An order that is unexplained; `candidates` are renders that may be its own.

    `is_disputed`: only the operator can tell. Otherwise the bot is still searching by itself, or
    (`job.state.ended`) the member has been told that it was given up.
    """

    job: Job
    attempt: Attempt
    candidates: tuple[str, ...]

    @property
    def is_disputed(self) -> bool:
        return self.attempt.state is AttemptState.DISPUTED


class Explained(StrEnum):
    """What an answer led to."""

    RENDERING = "rendering"
    QUEUED = "queued"
    CANCELLED = "cancelled"
    LATE = "late"
    WRITTEN_OFF = "written_off"


class NotExplained(Exception):
    """The answer cannot be right; says why, in words for the operator."""


async def questions(database: Database, *, now: datetime) -> list[Question]:
    """All unexplained orders, the oldest first; those that were given up, for as long as a clip may come."""
    async with database.read() as connection:
        searching = await jobs.in_states(connection, [JobState.UNKNOWN])
        query = select(rows.c.job_id).where(in_question).distinct()
        ids = {job.id for job in searching} | set((await connection.execute(query)).scalars())
        found = [await _question(connection, job_id) for job_id in sorted(ids)]
    return [
        question
        for question in found
        if question is not None and not (question.job.state.ended and _is_old(question.attempt, now))
    ]


async def adopt(database: Database, job_id: str, render: str, *, now: datetime) -> Explained:
    """Take the render to be the order's own, which was charged for it. Raises `NotExplained`."""
    async with database.write() as connection:
        question = await _open_question(connection, job_id)
        if await attempts.is_anothers(connection, render, question.attempt):
            raise NotExplained(f"{render} belongs to another order.")
        submission = Submission(
            provider_job_id=render, cost_usd_micros=None, expected_at=None, request_id=None
        )
        mine = next((one for one in await asides.of_job(connection, job_id) if _is(one, render)), None)
        if mine is not None:
            why = Because(actor=OPERATOR, reason="it is the order's own")
            await ledger.take_back_extra(connection, mine, now=now, because=why)
            await asides.settle(connection, mine, reason="the order's own", now=now)
        if question.job.state.ended:
            explained = await _adopt_late(connection, question, submission, now=now)
        else:
            await accept_within(connection, question.job, question.attempt.token, submission, now=now)
            explained = Explained.RENDERING
        await summons.announce(connection, [job_id])
    log.info("operator_explained", job_id=job_id, provider_job_id=render, outcome=explained)
    return explained


async def disown(database: Database, job_id: str, *, now: datetime) -> Explained:
    """None of the renders is the order's: nothing was charged for it. Raises `NotExplained`."""
    async with database.write() as connection:
        question = await _open_question(connection, job_id)
        why = Because(actor=OPERATOR, reason="not charged for this order")
        for aside in await asides.of_attempt(connection, question.attempt):
            await ledger.take_back_extra(connection, aside, now=now, because=why)
            await asides.settle(connection, aside, reason="none of ours", now=now)
        await attempts.finish(
            connection, question.attempt.token, AttemptState.ABANDONED, reason="none of ours", now=now
        )
        if question.job.state.ended:
            explained = Explained.WRITTEN_OFF
        else:
            moved = await put_back(connection, question.job, now=now)
            explained = Explained.CANCELLED if moved.job.state.ended else Explained.QUEUED
        await summons.announce(connection, [job_id])
    log.info("operator_explained", job_id=job_id, provider_job_id=None, outcome=explained)
    return explained


async def _adopt_late(
    connection: AsyncConnection, question: Question, submission: Submission, *, now: datetime
) -> Explained:
    """Open the ended job again, as one that was given up: `studio.lateness` takes the render if it comes."""
    job, attempt = question.job, question.attempt
    if _is_old(attempt, now):
        raise NotExplained("It was ordered more than a day ago: what it cost stays booked to you.")
    estimate = await attempts.accept(connection, attempt.token, submission=submission, now=now)
    cost = cost_of(job, submission, estimate)
    why = Because(actor=OPERATOR, reason="rendered by the provider")
    await ledger.settle(connection, job, cost, now=now, because=why)
    await jobs.amend(
        connection,
        job,
        provider_job_id=submission.provider_job_id,
        submitted_at=attempt.created_at,
        ending=Ending(UNEXPLAINED_ENDING, cost_usd_micros=cost),
        cost_usd_micros=cost,
        closed_at=None,
        wake_at=now,
        tries=0,
    )
    return Explained.LATE


async def _open_question(connection: AsyncConnection, job_id: str) -> Question:
    job = await jobs.get(connection, job_id, locked=True)
    if job is None:
        raise NotExplained(f"There is no order {job_id}.")
    question = await _question(connection, job_id)
    if question is None:
        raise NotExplained(f"Order {job_id} is explained already: it is {job.state}.")
    return question


async def _question(connection: AsyncConnection, job_id: str) -> Question | None:
    job = await jobs.get(connection, job_id)
    if job is None:
        return None
    attempt: Attempt | None = None
    if job.state is JobState.UNKNOWN:
        attempt = await attempts.unexplained_of(connection, job_id)
    elif job.ending is not None and job.ending.code == UNEXPLAINED_ENDING:
        attempt = await attempts.given_up(connection, job_id, reason=NEVER_EXPLAINED)
    if attempt is None:
        return None
    return Question(job, attempt, await _candidates(connection, attempt))


async def _candidates(connection: AsyncConnection, attempt: Attempt) -> tuple[str, ...]:
    beside = {aside.provider_job_id for aside in await asides.of_attempt(connection, attempt)}
    heard = {attempt.provider_job_id} if attempt.provider_job_id else set()
    return tuple(sorted(beside | heard))


def _is_old(attempt: Attempt, now: datetime) -> bool:
    return (now - attempt.created_at).total_seconds() >= Waits().late


def _is(aside: Aside, render: str) -> bool:
    return aside.provider_job_id == render
