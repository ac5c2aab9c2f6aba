"""Any number of simultaneous orders, in any number of processes, never passes a limit."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from studio import schema
from studio.database import Database
from studio.sharing.policy import Allowance, Policy, Share
from tests.bot_process import ROOT
from tests.builders import an_order
from tests.cluster_world import new_database
from tests.pool_world import LEAST, SEVEN_CLIPS, SEVEN_IN_MONEY, a_studio, booked, folded, set_rules, taken

POOLS = pytest.mark.parametrize("pool", [SEVEN_CLIPS, SEVEN_IN_MONEY], ids=["clips", "dollars"])
ORDERS = 100


@POOLS
async def test_of_100_simultaneous_orders_on_a_pool_for_7_exactly_7_are_taken(
    database: Database, database_url: str, pool: Share
) -> None:
    await set_rules(database, Policy(pool=pool))
    other = Database(database_url)
    studios = [a_studio(database), a_studio(other)]

    results = await asyncio.gather(
        *(taken(studios[index % 2], an_order(member_id=10 + index)) for index in range(ORDERS))
    )
    await other.close()

    assert sum(results) == 7
    assert await booked(database) == await folded(database)


@POOLS
async def test_two_real_processes_on_postgresql_take_exactly_7_of_100(postgresql: str, pool: Share) -> None:
    url = new_database(postgresql)
    database = Database(url)
    await schema.upgrade(database)
    await set_rules(database, Policy(pool=pool))
    command = (sys.executable, "-m", "tests.pool_world", url, str(ORDERS // 2))

    processes = [
        await asyncio.create_subprocess_exec(*command, str(member), cwd=ROOT, stdin=PIPE, stdout=PIPE)
        for member in (1000, 2000)
    ]
    said = await asyncio.wait_for(
        asyncio.gather(*(process.communicate(b"\n") for process in processes)), timeout=120
    )

    assert sum(int(out) for out, _ in said) == 7
    assert await booked(database) == await folded(database)
    await database.close()


async def test_one_members_share_holds_against_many_orders_at_once(database: Database) -> None:
    await set_rules(database, Policy(allowances=(Allowance(role_id=1, share=Share(clips=3)),)))
    studio = a_studio(database)

    results = await asyncio.gather(*(taken(studio, an_order(member_id=10)) for _ in range(20)))

    assert sum(results) == 3
    assert await taken(studio, an_order(member_id=11))


async def test_the_operators_cap_for_a_server_holds_over_what_its_moderators_allow(
    database: Database,
) -> None:
    await set_rules(database, Policy(pool=Share(clips=50)), cap=4 * LEAST)
    studio = a_studio(database)

    results = await asyncio.gather(*(taken(studio, an_order(member_id=10 + index)) for index in range(20)))

    assert sum(results) == 4
