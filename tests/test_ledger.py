"""The money adds up, whatever is repeated or happens at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from studio import ledger
from studio.database import Database
from studio.database import ledger as entries
from studio.ledger import Because, Budget
from tests.builders import FixedClock, a_job

WHY = Because(actor="test", reason="test")


async def total(database: Database) -> int:
    async with database.read() as connection:
        query = select(func.coalesce(func.sum(entries.c.amount_usd_micros), 0))
        return int((await connection.execute(query)).scalar_one())


async def test_a_settled_order_leaves_what_was_charged(database: Database, clock: FixedClock) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        assert await ledger.hold(connection, job, 250_000, now=clock(), because=WHY, budget=None)
        await ledger.settle(connection, job, 200_000, now=clock(), because=WHY)

    assert await total(database) == 200_000


async def test_holding_twice_holds_once_and_a_higher_figure_only_adds_the_difference(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        for amount in (100_000, 100_000, 150_000, 120_000):
            assert await ledger.hold(connection, job, amount, now=clock(), because=WHY, budget=None)

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
    budget = Budget(monthly_usd_micros=7 * 50_000)

    async def order(index: int) -> bool:
        async with database.write() as connection:
            return await ledger.hold(connection, jobs[index], 50_000, now=clock(), because=WHY, budget=budget)

    accepted = await asyncio.gather(*(order(index) for index in range(20)))

    assert sum(accepted) == 7
    assert await total(database) == 7 * 50_000


async def test_last_months_spending_does_not_count_against_this_month(
    database: Database, clock: FixedClock
) -> None:
    budget = Budget(monthly_usd_micros=50_000)
    early, late = await a_job(database), await a_job(database)

    async with database.write() as connection:
        assert await ledger.hold(connection, early, 50_000, now=clock(), because=WHY, budget=budget)
        assert not await ledger.hold(connection, late, 50_000, now=clock(), because=WHY, budget=budget)
        clock.tick(31 * 86_400)
        assert await ledger.hold(connection, late, 50_000, now=clock(), because=WHY, budget=budget)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda day: day.replace(tzinfo=UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_every_moment_lies_in_its_own_month(now: datetime) -> None:
    first, after = Budget(monthly_usd_micros=1).period(now)

    assert first <= now < after
    assert (first.day, after.day) == (1, 1)
    assert 28 <= (after - first).days <= 31
