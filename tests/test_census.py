"""The census: right from memory, and right again after every count."""

from __future__ import annotations

import asyncio

import pytest

from studio import jobs
from studio.census import Census
from studio.database import Database
from studio.models import Ending
from tests.builders import FixedClock, a_job, an_order


async def test_what_is_in_the_database_is_counted(database: Database) -> None:
    for member in (10, 10, 11):
        await a_job(database, guild_id=1, member_id=member)
    census = Census(database)

    await census.refresh()

    assert (census.of_member(1, 10), census.of_member(1, 11), census.of_server(1)) == (2, 1, 3)
    assert census.of_server(2) == 0


async def test_an_order_counts_as_soon_as_it_is_recorded_and_not_if_that_fails(database: Database) -> None:
    census = Census(database)

    async with census.recording(an_order(guild_id=1, member_id=10)):
        pass
    with pytest.raises(OSError, match="full"):
        async with census.recording(an_order(guild_id=1, member_id=10)):
            raise OSError("full")

    assert (census.of_member(1, 10), census.of_server(1)) == (1, 1)


async def test_an_ended_job_no_longer_counts(database: Database, clock: FixedClock) -> None:
    job = await a_job(database, guild_id=1, member_id=10)
    census = Census(database)
    await census.refresh()

    async with database.write() as connection:
        await jobs.withdraw(connection, job.id, ending=Ending("cancelled"), now=clock())
    await census.refresh()

    assert census.of_member(1, 10) == 0


async def test_orders_that_come_in_while_it_counts_are_not_forgotten(database: Database) -> None:
    census = Census(database)

    async def take_and_record() -> None:
        order = an_order(guild_id=1, member_id=10)
        async with census.recording(order), database.write() as connection:
            await jobs.insert(connection, order)

    await asyncio.gather(*(task for _ in range(10) for task in (take_and_record(), census.refresh())))

    assert census.of_member(1, 10) == 10
