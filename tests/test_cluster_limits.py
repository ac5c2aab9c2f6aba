"""Limits hold over all processes: each here has an engine of its own on the one database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from studio import jobs, queue, schema
from studio.census import Census
from studio.database import Database
from studio.equipment import Equipment, Terms
from studio.errors import OrderRefused
from studio.front import Studio
from studio.ids import new_job_id
from studio.journal import Journal
from studio.models import JobState
from studio.sharing.servers import Servers
from tests.bot_process import ROOT
from tests.builders import FixedClock, a_job, an_order
from tests.bureau import Bells

UNUSED = cast(Any, None)
PROCESSES, LIMIT = 3, 4


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[list[Database]]:
    async with AsyncExitStack() as stack:
        databases = [Database(database_url) for _ in range(PROCESSES)]
        for database in databases:
            stack.push_async_callback(database.close)
        await asyncio.gather(*(schema.upgrade(database) for database in databases))
        yield databases


def studio(database: Database) -> Studio:
    equipment = Equipment(
        database=database,
        storage=UNUSED,
        workshop=UNUSED,
        attachments=UNUSED,
        provider=UNUSED,
        desk=UNUSED,
        operator=UNUSED,
        clock=lambda: datetime.now(UTC),
        terms=Terms(account="test", usd_micros_per_second=50_000, max_jobs_per_server=LIMIT),
    )
    return Studio(
        equipment,
        Bells(),
        census=Census(database),
        servers=Servers(database),
        journal=Journal(),
        new_job_id=new_job_id,
    )


async def test_simultaneous_orders_in_several_processes_cannot_pass_a_servers_limit(
    processes: list[Database],
) -> None:
    studios = [studio(database) for database in processes]

    orders = [studios[index % PROCESSES].register.take(an_order(member_id=index)) for index in range(12)]
    results = await asyncio.gather(*orders, return_exceptions=True)

    assert results.count(None) == LIMIT
    assert all(isinstance(result, OrderRefused) for result in results if result is not None)
    async with processes[0].read() as connection:
        assert len(await jobs.in_states(connection, [JobState.RECEIVED])) == LIMIT


async def test_slots_are_given_while_another_process_writes_to_a_waiting_job(
    processes: list[Database], clock: FixedClock
) -> None:
    waiting = [await a_job(processes[0], JobState.QUEUED, guild_id=index) for index in range(10)]

    async def claim(database: Database) -> list[str]:
        async with database.write() as connection:
            given = await queue.claim(connection, most=3, slot_recovery=60, account="test", now=clock())
            return [job.id for job in given]

    async with processes[0].write() as connection:
        await jobs.amend(connection, waiting[0], wake_at=clock())
        claims = [asyncio.create_task(claim(database)) for database in processes[1:] * 3]
        await asyncio.sleep(0.5)
    given = [job_id for part in await asyncio.gather(*claims) for job_id in part]

    assert sorted(given) == [job.id for job in waiting[:3]]


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_a_role_of_several_processes_is_refused_on_sqlite(tmp_path: Path, role: str) -> None:
    environment = {"DISCORD_TOKEN": "token", "PIXELBYTE_API_KEY": "pb_key", "HTTP_PORT": "0"}

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "bot.py"),
        "run",
        "--role",
        role,
        cwd=tmp_path,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 2
    assert f"--role {role} needs DATABASE_URL=postgresql://" in said.decode()
    assert "Traceback" not in said.decode()


@pytest.fixture
def studio_of_two(database: Database) -> Studio:
    return studio(database)


async def test_a_members_limit_holds_in_one_server_and_counts_no_other(studio_of_two: Studio) -> None:
    orders = [studio_of_two.register.take(an_order(guild_id=1, member_id=10)) for _ in range(4)]
    results = await asyncio.gather(*orders, return_exceptions=True)

    await studio_of_two.register.take(an_order(guild_id=1, member_id=11))
    await studio_of_two.register.take(an_order(guild_id=2, member_id=10))

    refusals = [result for result in results if result is not None]
    assert len(refusals) == 2
    assert all(isinstance(one, OrderRefused) and one.code == "too_many_jobs_member" for one in refusals)
