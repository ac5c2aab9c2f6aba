"""Slots are given fairly, never above the limit, and not while the provider is paused."""

from __future__ import annotations

import asyncio

from studio import attempts, queue
from studio.attempts import AttemptState
from studio.database import Database
from studio.endings import put_back
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


async def refuse(database: Database, clock: FixedClock, job: Job) -> None:
    """Note that a job that got its slot was refused, for a reason that may be its own."""
    async with database.write() as connection:
        await queue.pause(
            connection,
            now=clock(),
            claimed_at=job.state_since,
            seconds=lambda strikes: 60,
            problem=OperatorProblem.ACCESS,
            job_id=job.id,
        )
        await put_back(connection, job, now=clock())


async def probe(database: Database, clock: FixedClock) -> Job:
    clock.tick(61)
    [job] = await claim(database, clock, 1)
    clock.tick(1)
    return job


async def test_two_orders_that_are_refused_at_the_head_of_the_queue_keep_no_third_from_its_turn(
    database: Database, clock: FixedClock
) -> None:
    ordered = [
        await a_job(database, JobState.QUEUED, guild_id=number, member_id=number * 10)
        for number in range(1, 4)
    ]
    tried = []

    for _ in range(6):
        job = await probe(database, clock)
        await refuse(database, clock, job)
        tried.append(job.id)

    assert tried == [job.id for job in ordered] * 2


async def test_who_is_refused_after_another_order_passed_is_not_known_as_refused_from_before(
    database: Database, clock: FixedClock
) -> None:
    first, second = [
        await a_job(database, JobState.QUEUED, guild_id=number, member_id=number * 10) for number in (1, 2)
    ]
    for _ in range(2):
        await refuse(database, clock, await probe(database, clock))
    async with database.write() as connection:
        await queue.resume(connection)

    await refuse(database, clock, (await claim(database, clock, 1))[0])

    async with database.read() as connection:
        pause = await queue.read_pause(connection)
    assert pause is not None
    assert pause.met_by == (first.id,)
    assert (await probe(database, clock)).id == second.id


async def test_the_line_keeps_its_order_in_a_crowd_which_is_nobodys_own_trouble(
    database: Database, clock: FixedClock
) -> None:
    ordered = [
        await a_job(database, JobState.QUEUED, guild_id=number, member_id=number * 10)
        for number in range(1, 5)
    ]
    tried = []

    for _ in range(4):
        job = await probe(database, clock)
        async with database.write() as connection:
            await queue.pause(
                connection,
                now=clock(),
                claimed_at=job.state_since,
                seconds=lambda strikes: 60,
                job_id=job.id,
            )
            await put_back(connection, job, now=clock())
        tried.append(job.id)

    assert tried == [ordered[0].id, ordered[1].id] * 2


async def test_many_refused_orders_leave_a_short_note(database: Database, clock: FixedClock) -> None:
    ordered = [await a_job(database, JobState.QUEUED) for _ in range(queue.REMEMBERED + 10)]

    for _ in ordered:
        await refuse(database, clock, await probe(database, clock))

    async with database.read() as connection:
        pause = await queue.read_pause(connection)
    assert pause is not None
    assert len(set(pause.met_by)) == len(pause.met_by) == queue.REMEMBERED
