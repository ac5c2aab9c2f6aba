"""Servers with shares, studios that take orders on them, and the sums that must come out."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any, cast

from sqlalchemy import func, select

from studio.census import Census
from studio.database import Database
from studio.database import jobs as jobs_table
from studio.database import ledger as entries
from studio.equipment import Equipment, Terms
from studio.errors import LimitReached
from studio.front import Studio
from studio.ids import new_job_id
from studio.journal import Journal
from studio.models import Order
from studio.ports import Clock
from studio.sharing import servers, tallies
from studio.sharing.policy import Policy, Share
from studio.sharing.servers import Servers
from studio.sharing.tables import tallies as tallies_table
from tests.builders import an_order
from tests.bureau import Bells

UNUSED = cast(Any, None)
PRICE = 50_000
LEAST = 3 * PRICE
"""What is held for an order whose length is not known yet."""

Sums = dict[tuple[int, int, int, int], tuple[int, int, int]]
"""Clips, money and forgiven money by server, member and quarter of an hour."""


def equipment_on(database: Database, *, clock: Clock | None = None, **terms: Any) -> Equipment:
    """Only what taking and ending orders needs."""
    limits = {"max_jobs_per_server": 1000, "max_jobs_per_member": 1000} | terms
    return Equipment(
        database=database,
        storage=UNUSED,
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=clock or (lambda: datetime.now(UTC)),
        terms=Terms(account="test", usd_micros_per_second=PRICE, **limits),
    )


def a_studio(database: Database, *, clock: Clock | None = None, **terms: Any) -> Studio:
    return Studio(
        equipment_on(database, clock=clock, **terms),
        Bells(),
        census=Census(database),
        servers=Servers(database),
        journal=Journal(),
        new_job_id=new_job_id,
    )


async def set_rules(database: Database, policy: Policy, *, guild_id: int = 1, cap: int | None = None) -> None:
    async with database.write() as connection:
        server = await servers.read(connection, guild_id, datetime.now(UTC))
        await servers.change(connection, server, policy=policy, cap_usd_micros=cap)


async def taken(studio: Studio, order: Order) -> bool:
    """Whether the order was taken; anything but a limit is an error."""
    try:
        await studio.register.take(order)
    except LimitReached:
        return False
    return True


async def booked(database: Database) -> Sums:
    """The tallies as they stand."""
    async with database.read() as connection:
        rows = (await connection.execute(select(tallies_table))).all()
    sums = {
        (guild, member, quarters, quarter): (clips, money, forgiven)
        for guild, member, quarters, quarter, clips, money, forgiven in rows
    }
    return {key: figures for key, figures in sums.items() if any(figures)}


async def folded(database: Database) -> Sums:
    """The same sums made of the ledger and the jobs."""
    jobs = select(
        jobs_table.c.id,
        jobs_table.c.guild_id,
        jobs_table.c.member_id,
        jobs_table.c.created_at,
        jobs_table.c.counts,
    )
    money = select(entries.c.job_id, func.sum(entries.c.amount_usd_micros)).group_by(entries.c.job_id)
    async with database.write() as connection:
        rows = (await connection.execute(jobs)).all()
        spent = {job_id: int(amount) for job_id, amount in await connection.execute(money)}
    clips: Counter[tuple[int, int, int, int]] = Counter()
    amounts: Counter[tuple[int, int, int, int]] = Counter()
    forgiven: Counter[tuple[int, int, int, int]] = Counter()
    for job_id, guild, member, ordered_at, counts in rows:
        quarter = tallies.quarter_of(ordered_at)
        for owner, quarters in product(((0, 0), (guild, 0), (guild, member)), (1, 96)):
            key = (*owner, quarters, quarter // quarters * quarters)
            clips[key] += counts
            amounts[key] += spent.get(job_id, 0)
            forgiven[key] += 0 if counts else spent.get(job_id, 0)
    sums = {key: (clips[key], amounts[key], forgiven[key]) for key in clips}
    return {key: figures for key, figures in sums.items() if any(figures)}


async def rush(database_url: str, *, orders: int, first_member: int) -> int:
    """Order at once as one process among others; how many were taken."""
    database = Database(database_url)
    studio = a_studio(database)
    now = datetime.now(UTC)
    wishes = [an_order(member_id=first_member + index, at=now) for index in range(orders)]
    # Another process numbers its orders alike.
    wishes = [replace(order, job_id=f"{first_member}x{order.job_id}") for order in wishes]
    results = await asyncio.gather(*(taken(studio, order) for order in wishes))
    await database.close()
    return sum(results)


SEVEN_CLIPS = Share(clips=7)
SEVEN_IN_MONEY = Share(usd_micros=7 * LEAST)

if __name__ == "__main__":
    url, number, member = sys.argv[1:]
    sys.stdin.readline()  # all processes begin together
    print(asyncio.run(rush(url, orders=int(number), first_member=int(member))))
