"""The money adds up, whatever is repeated or happens at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from studio import ledger
from studio.database import Database
from studio.database import ledger as entries
from studio.errors import LimitReached
from studio.ledger import Because
from studio.models import Job
from studio.sharing import admission
from tests.builders import FixedClock, a_job

WHY = Because(actor="test", reason="test")


async def total(database: Database) -> int:
    async with database.read() as connection:
        query = select(func.coalesce(func.sum(entries.c.amount_usd_micros), 0))
        return int((await connection.execute(query)).scalar_one())


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
