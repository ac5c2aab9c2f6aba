"""Whatever happens in whatever order: no limit is passed, and tallies are what ledger and jobs add up to."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from studio import endings, jobs, ledger
from studio.database import Database
from studio.equipment import because
from studio.errors import LimitReached
from studio.front import Studio
from studio.jobs import Outrun
from studio.models import Ending, Job, JobState
from studio.sharing import admission
from studio.sharing.policy import Allowance, Policy, Share
from tests.builders import FixedClock, an_order
from tests.pool_world import LEAST, PRICE, a_studio, booked, folded, set_rules, taken

POOL, EACH, BUDGET = 9, 4, 14 * LEAST
S = JobState
WHY = because("test")


class Life:
    """Members who order and jobs that go on or end, each step by chance and by the real functions."""

    def __init__(self, database: Database, clock: FixedClock, seed: int) -> None:
        self.database = database
        self.clock = clock
        self.chance = random.Random(seed)
        self.studio: Studio = a_studio(database, clock=clock, monthly_budget_usd_micros=BUDGET)
        self.known: list[str] = []
        self.refused = 0

    async def go_on(self, steps: int) -> None:
        for _ in range(steps):
            step = self.chance.choice(
                (self.order, self.order, self.advance, self.advance, self.fail, self.cancel)
            )
            try:
                await step()
            except Outrun:
                continue

    async def order(self) -> None:
        guild, member = self.chance.choice(((1, 10), (1, 11), (1, 12), (2, 10)))
        at = self.clock() + timedelta(minutes=self.chance.choice((0, 0, 20)))
        order = an_order(guild_id=guild, member_id=member, at=at)
        if await taken(self.studio, order):
            self.known.append(order.job_id)
        else:
            self.refused += 1

    async def advance(self) -> None:
        job = await self._some_job()
        if job is None or job.state.ended:
            return
        if job.state is S.PREPARING:
            await self._hold_all(job)
            return
        async with self.database.write() as connection:
            match job.state:
                case S.RECEIVED:
                    await jobs.move(connection, job, S.PREPARING, now=self.clock())
                case S.QUEUED:
                    await jobs.move(connection, job, S.SUBMITTING, now=self.clock())
                case S.SUBMITTING:
                    charge = (job.held_usd_micros or 0) - self.chance.choice((0, PRICE))
                    await ledger.settle(connection, job, charge, now=self.clock(), because=WHY)
                    await jobs.move(connection, job, S.RENDERING, now=self.clock())
                case S.RENDERING:
                    await jobs.move(connection, job, S.FETCHING, now=self.clock())
                case S.FETCHING:
                    await jobs.move(connection, job, S.DELIVERING, now=self.clock())
                case S.DELIVERING:
                    await jobs.move(connection, job, S.DELIVERED, now=self.clock())

    async def _hold_all(self, job: Job) -> None:
        """As `studio.intake` does it, with a transaction of its own."""
        price = PRICE * self.chance.choice((3, 5, 9))
        try:
            async with self.database.write() as connection:
                await admission.hold(connection, job, price, now=self.clock(), because=WHY, budget=BUDGET)
                await jobs.move(connection, job, S.QUEUED, now=self.clock(), held_usd_micros=price)
        except LimitReached:
            async with self.database.write() as connection:
                await endings.end_within(connection, job, S.REFUSED, Ending("budget"), now=self.clock())

    async def fail(self) -> None:
        job = await self._some_job()
        if job is None:
            return
        async with self.database.write() as connection:
            if self.chance.random() < 0.5:
                await ledger.refund(connection, job, now=self.clock(), because=WHY)
            if job.state.ended:
                await jobs.amend(connection, job)
            else:
                await endings.end_within(connection, job, S.FAILED, Ending("lost"), now=self.clock())

    async def cancel(self) -> None:
        job = await self._some_job()
        if job is not None:
            await self.studio.cancel(job.id, member_id=job.order.member.id, is_moderator=False)

    async def _some_job(self) -> Job | None:
        if not self.known:
            return None
        # Mostly the newest, so that several hands meet at the same one.
        job_id = self.chance.choice(self.known[-3:] if self.chance.random() < 0.7 else self.known)
        return await self.studio.job(job_id)


async def within_all_limits(database: Database) -> None:
    sums = {key: f for key, f in (await folded(database)).items() if key[2] == 1}
    in_server = [sum(f[0] for key, f in sums.items() if key[:2] == (guild, 0)) for guild in (1, 2)]
    of_member = [sum(f[0] for key, f in sums.items() if key[:2] == (1, member)) for member in (10, 11, 12)]
    money = sum(f[1] for key, f in sums.items() if key[:2] == (0, 0))
    assert in_server[0] <= POOL
    assert max(of_member) <= EACH
    assert money <= BUDGET


@pytest.mark.parametrize("seed", range(3))
async def test_random_lives_of_many_orders_at_once_keep_every_limit_and_every_sum(
    database: Database, clock: FixedClock, seed: int
) -> None:
    members = (Allowance(role_id=1, share=Share(clips=EACH)),)
    await set_rules(database, Policy(pool=Share(clips=POOL), allowances=members))
    life = Life(database, clock, seed)

    for _ in range(6):
        await asyncio.gather(*(life.go_on(6) for _ in range(6)))

        assert await booked(database) == await folded(database)
        await within_all_limits(database)
    assert life.refused > 0


async def test_a_member_who_cancels_while_the_job_ends_by_itself_never_blocks_it(
    database: Database, clock: FixedClock
) -> None:
    studio = a_studio(database, clock=clock)
    orders = [an_order(member_id=10 + index) for index in range(20)]
    for order in orders:
        await studio.register.take(order)

    async def fail(job_id: str) -> None:
        job = await studio.job(job_id)
        assert job is not None
        if job.state.ended:
            return
        try:
            async with database.write() as connection:
                await endings.end_within(connection, job, S.FAILED, Ending("lost"), now=clock())
        except Outrun:
            return

    async def cancel(job_id: str) -> None:
        await studio.cancel(job_id, member_id=0, is_moderator=True)

    await asyncio.gather(*(act(order.job_id) for order in orders for act in (fail, cancel)))

    assert await booked(database) == await folded(database) == {}
