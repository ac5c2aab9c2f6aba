"""Slots are given fairly, never above the limit, and not while the provider is paused."""

from __future__ import annotations

import asyncio

from studio import attempts, queue
from studio.attempts import AttemptState
from studio.database import Database
from studio.errors import OperatorProblem
from studio.models import Job, JobState
from tests.builders import FixedClock, a_job


async def claim(database: Database, clock: FixedClock, slots: int) -> list[Job]:
    async with database.write() as connection:
        return await queue.claim(connection, most=slots, slot_recovery=300, account="test", now=clock())


async def test_no_more_jobs_are_claimed_than_there_are_slots(database: Database, clock: FixedClock) -> None:
    for _ in range(6):
        await a_job(database, JobState.QUEUED)

    claims = await asyncio.gather(*(claim(database, clock, 2) for _ in range(4)))

    assert sum(len(claimed) for claimed in claims) == 2


async def test_nothing_is_claimed_while_a_submit_is_without_an_answer(
    database: Database, clock: FixedClock
) -> None:
    doubtful = await a_job(database, JobState.UNKNOWN)
    await a_job(database, JobState.QUEUED)
    async with database.write() as connection:
        assert await attempts.begin(connection, token="t1", job_id=doubtful.id, account="test", now=clock())
        await attempts.finish(connection, "t1", AttemptState.UNCLEAR, reason="reset", now=clock())

    claimed = await claim(database, clock, 5)

    assert claimed == []


async def test_a_second_attempt_cannot_begin_while_one_is_open(database: Database, clock: FixedClock) -> None:
    first, second = await a_job(database), await a_job(database)

    async with database.write() as connection:
        assert await attempts.begin(connection, token="t1", job_id=first.id, account="test", now=clock())
        assert not await attempts.begin(connection, token="t2", job_id=second.id, account="test", now=clock())


async def test_after_a_pause_a_single_job_goes_ahead(database: Database, clock: FixedClock) -> None:
    for _ in range(3):
        await a_job(database, JobState.QUEUED)
    async with database.write() as connection:
        await queue.pause(
            connection,
            now=clock(),
            claimed_at=clock(),
            seconds=lambda strikes: 60,
            problem=OperatorProblem.BALANCE,
        )

    during = await claim(database, clock, 3)
    clock.tick(61)
    after = await claim(database, clock, 3)

    assert (len(during), len(after)) == (0, 1)


async def test_who_met_the_pause_does_not_find_out_again_whether_it_is_over_while_another_waits(
    database: Database, clock: FixedClock
) -> None:
    first = await a_job(database, JobState.QUEUED)
    async with database.write() as connection:
        await queue.pause(
            connection, now=clock(), claimed_at=clock(), seconds=lambda strikes: 0, job_id=first.id
        )
    second = await a_job(database, JobState.QUEUED)

    assert [job.id for job in await claim(database, clock, 5)] == [second.id]


async def test_a_job_that_waits_alone_finds_out_itself_whether_the_pause_is_over(
    database: Database, clock: FixedClock
) -> None:
    only = await a_job(database, JobState.QUEUED)
    async with database.write() as connection:
        await queue.pause(
            connection, now=clock(), claimed_at=clock(), seconds=lambda strikes: 0, job_id=only.id
        )

    assert [job.id for job in await claim(database, clock, 5)] == [only.id]
