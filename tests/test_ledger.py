"""The money adds up, whatever is repeated or happens at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from studio import ledger
from studio.database import Database
from studio.database import ledger as entries
from studio.errors import LimitReached
from studio.ledger import Because
from studio.models import Job
from studio.sharing import admission, tallies
from studio.sharing.periods import Period, span_of
from studio.sharing.quotas import Usage
from studio.sharing.tallies import Owner
from tests.builders import FixedClock, a_job

WHY = Because(actor="test", reason="test")


async def total(database: Database) -> int:
    async with database.read() as connection:
        query = select(func.coalesce(func.sum(entries.c.amount_usd_micros), 0))
        return int((await connection.execute(query)).scalar_one())


async def used(database: Database, job: Job) -> Usage:
    day = span_of(Period.DAY, job.order.ordered_at, ZoneInfo("UTC"))
    async with database.read() as connection:
        (found,) = await tallies.used(connection, [(Owner(job.place.guild_id, job.order.member.id), day)])
    return found


async def test_a_settled_order_leaves_what_was_charged(database: Database, clock: FixedClock) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        await ledger.hold(connection, job, 250_000, now=clock(), because=WHY)
        await ledger.settle(connection, job, 200_000, now=clock(), because=WHY)

    assert await total(database) == 200_000


async def test_holding_twice_holds_once_and_a_higher_figure_only_adds_the_difference(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        for amount in (100_000, 100_000, 150_000, 120_000):
            await ledger.hold(connection, job, amount, now=clock(), because=WHY)

    assert await total(database) == 150_000


async def test_two_hands_that_hold_by_the_same_sheet_hold_once(database: Database, clock: FixedClock) -> None:
    job = await a_job(database)
    async with database.write() as connection:
        sheet = await ledger.sheet_of(connection, job.id)
        await ledger.hold(connection, job, 100_000, now=clock(), because=WHY, sheet=sheet)

    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await ledger.hold(connection, job, 100_000, now=clock(), because=WHY, clips=1, sheet=sheet)

    assert await total(database) == 100_000
    assert await used(database, job) == Usage(0, 100_000)


async def test_every_entry_is_numbered_by_its_job_and_kind(database: Database, clock: FixedClock) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        await ledger.hold(connection, job, 100_000, now=clock(), because=WHY)
        await ledger.hold(connection, job, 150_000, now=clock(), because=WHY, clips=1)
        await ledger.settle(connection, job, 120_000, now=clock(), because=WHY)

    async with database.read() as connection:
        query = select(entries.c.ref, entries.c.amount_usd_micros).order_by(entries.c.id)
        written = [(ref.removeprefix(job.id), amount) for ref, amount in await connection.execute(query)]
    assert written == [
        (":hold:0", 100_000),
        (":hold:1", 50_000),
        (":release:0", -150_000),
        (":charge:0", 120_000),
    ]
    assert await used(database, job) == Usage(1, 120_000)


async def test_a_refund_never_returns_more_than_was_charged(database: Database, clock: FixedClock) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        await ledger.settle(connection, job, 50_000, now=clock(), because=WHY)
        first = await ledger.refund(connection, job, now=clock(), because=WHY, amount=80_000)
        second = await ledger.refund(connection, job, now=clock(), because=WHY)

    assert (first, second) == (50_000, 0)
    assert await total(database) == 0


async def test_simultaneous_orders_never_pass_the_budget(database: Database, clock: FixedClock) -> None:
    jobs = [await a_job(database) for _ in range(20)]

    async def order(index: int) -> bool:
        return await may_hold(database, jobs[index], budget=7 * 50_000, now=clock())

    accepted = await asyncio.gather(*(order(index) for index in range(20)))

    assert sum(accepted) == 7
    assert await total(database) == 7 * 50_000


async def test_last_months_spending_does_not_count_against_this_month(
    database: Database, clock: FixedClock
) -> None:
    early, late = await a_job(database), await a_job(database)
    next_month = replace(late, order=replace(late.order, ordered_at=clock() + timedelta(days=31)))

    held = [await may_hold(database, job, budget=50_000, now=clock()) for job in (early, late, next_month)]

    assert held == [True, False, True]


async def may_hold(database: Database, job: Job, *, budget: int, now: datetime) -> bool:
    try:
        async with database.write() as connection:
            await admission.hold(connection, job, 50_000, now=now, because=WHY, budget=budget)
    except LimitReached:
        return False
    return True
