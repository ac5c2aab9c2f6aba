"""What is read of many jobs a piece at a time is read whole, and nothing twice."""

from __future__ import annotations

import pytest

from studio import jobs, overviews
from studio.census import Census
from studio.database import Database
from studio.models import JobState
from tests.builders import FixedClock, a_job


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overviews, "PIECE", 3)


async def a_render(database: Database, clock: FixedClock, name: str) -> str:
    job = await a_job(database, JobState.RENDERING, at=clock())
    async with database.write() as connection:
        await jobs.amend(connection, job, provider_job_id=name, submitted_at=clock())
    return job.id


@pytest.mark.parametrize("number", [0, 1, 3, 7])
async def test_all_renders_are_found_oldest_first(database: Database, clock: FixedClock, number: int) -> None:
    made = []
    for index in range(number):
        # Two at a time are of the same moment; ids are in order.
        clock.tick(index % 2)
        made.append((f"render {index}", await a_render(database, clock, f"render {index}")))
    await a_job(database, JobState.QUEUED)

    async with database.read() as connection:
        found = [render async for piece in overviews.renders(connection) for render in piece]

    assert found == made


async def test_jobs_are_found_by_their_renders(database: Database, clock: FixedClock) -> None:
    made = {name: await a_render(database, clock, name) for name in "abcdefgh"}

    async with database.read() as connection:
        assert await overviews.jobs_of(connection, []) == []
        found = await overviews.jobs_of(connection, [*"abcdefg", "nobody's"])

    assert sorted(found) == sorted(made[name] for name in "abcdefg")


async def test_the_census_counts_every_member_of_every_server(database: Database) -> None:
    expected = {(guild, member): (guild + member) % 3 for guild in range(1, 5) for member in range(10, 14)}
    for (guild, member), number in expected.items():
        for _ in range(number):
            await a_job(database, guild_id=guild, member_id=member)
    census = Census(database)

    await census.refresh()

    assert {key: census.of_member(*key) for key in expected} == expected
    for guild in range(1, 5):
        assert census.of_server(guild) == sum(n for key, n in expected.items() if key[0] == guild)
    assert census.of_member(0, 10) == census.of_member(5, 10) == census.of_member(2, 99) == 0
