"""What is booked for renders of which the provider never stated a price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from providers.sandbox import Fate, Fault
from providers.sandbox.faults import Reset
from studio import explaining, twins
from studio.database import Database, attempts
from tests.studio_world import PRICE, QUICK, World, studio_at_work

LOST = Fault(on="submit", reset=Reset.AFTER, processed=True)


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "LOOK_SECONDS", 0.1)


def make_flat(world: World, *, twin: bool = False) -> None:
    """Have the next clip cost a quarter of the listed price, and the provider say so before (C1)."""
    world.sandbox.faults.add(
        Fate(cost=PRICE, twin=twin),
        Fault(on="estimate", times=None, merge={"estimatedCostMicroCents": PRICE}),
    )


async def test_an_adopted_render_is_booked_at_its_estimate(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        make_flat(world)
        world.sandbox.faults.add(LOST)

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert await world.ledger_sum() == world.sandbox.account.net == PRICE


async def test_a_price_that_is_not_stated_is_the_estimate(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_flat(world)
        world.sandbox.faults.add(Fault(on="submit", drop=("costMicroCents",)))

        await world.order()

        await world.check()
        assert await world.ledger_sum() == PRICE


async def test_renders_besides_are_booked_at_the_estimate(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        make_flat(world, twin=True)
        world.sandbox.faults.add(LOST)
        job_id = await world.order("lost")
        await world.eventually(lambda: world.operator.about("unexplained"))

        await explaining.adopt(world.database, job_id, world.renders_of("lost")[0], now=world.now())

        await world.check(renders_more=1)
        assert await world.ledger_sum() == 2 * PRICE


async def test_a_render_that_is_explained_late_is_booked_at_its_estimate(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_render=2.5)) as world:
        make_flat(world, twin=True)
        world.sandbox.faults.add(LOST)
        job_id = await world.order("lost")
        await world.until_closed(job_id)

        await explaining.adopt(world.database, job_id, world.renders_of("lost")[0], now=world.now())

        await world.check(messages=2, renders_more=1, inputs_kept=False)
        assert await world.ledger_sum() == 2 * PRICE


async def test_an_overlong_request_id_loses_no_answer(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        world.sandbox.faults.add(Fault(on="submit", merge={"requestId": "r" * 500}))

        await world.order()

        await world.check()
        async with database.read() as connection:
            kept = (await connection.execute(select(attempts.c.request_id))).scalars().all()
        assert kept == ["r" * 200]
