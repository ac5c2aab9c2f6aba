"""How often the provider is asked for a render: once, when it has news, whatever else wakes the job."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from providers.sandbox import Fault
from providers.sandbox.faults import Reset, Ring
from studio import rendering
from studio.database import attempts
from studio.models import Job, JobState
from tests.studio_world import QUICK, World, studio_at_work

BELL_ONLY = 300.0
"""A poll interval that no test lives to see: the webhook alone tells of the end."""

ONLY_A_WEBHOOK_TELLS = (
    Fault(on="list", times=None, code="INTERNAL_ERROR"),
    Fault(on="submit", reset=Reset.AFTER, processed=True),
)
"""Of a render whose submit was taken, but not answered."""

FEWEST = {"presign": 2, "put": 2, "estimate": 1, "submit": 1, "status": 1}


def asked(world: World) -> dict[str, int]:
    """How often each of the provider's endpoints was asked, but for the files."""
    seen = [seen.on for seen in world.sandbox.seen()]
    return {on: seen.count(on) for on in FEWEST | dict.fromkeys(seen) if on not in ("file", "output")}


def is_resting(job: Job) -> bool:
    return job.state is JobState.RENDERING and job.wake_at is not None


def row_of(job: Job) -> tuple[object, ...]:
    """What a rest is known by."""
    return job.state, job.version, job.wake_at, job.tries


async def test_a_clip_costs_eight_requests(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        await world.order()
        await world.check()

        assert asked(world) == FEWEST
        assert len(world.sandbox.seen("output")) == 1


async def test_found_by_polling_it_costs_no_more_but_for_the_list(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=2, max_concurrent_jobs=3) as world:
        for number in range(3):
            await world.order(f"scene {number}", member=number)
        await world.eventually(lambda: len(world.sandbox.seen("submit")) == 3)
        await world.engine._caretaker.sweep()
        await world.check()

        found = asked(world)
        assert found.pop("list") >= 3
        assert found == {on: 3 * number for on, number in FEWEST.items()}


async def test_a_sweep_during_the_submit_costs_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=2, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        world.sandbox.faults.add(Fault(on="submit", delay=0.5))
        await world.order()
        await world.eventually(lambda: world.sandbox.seen("submit"))

        await world.engine._caretaker.sweep()
        await world.check()

        assert asked(world) == FEWEST


async def test_what_wakes_a_render_without_news_of_it_costs_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=2, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        job_id = await world.order()
        before = await world.until(job_id, is_resting)

        for _ in range(3):
            world.engine.studio.wake([job_id])
            await asyncio.sleep(0.1)
        after = await world.job(job_id)
        await world.check()

        assert row_of(after) == row_of(before)
        assert asked(world) == FEWEST


async def test_a_webhook_that_overtakes_the_answer_to_the_submit_is_not_forgotten(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        world.sandbox.faults.add(Fault(on="submit", delay=1.5))
        await world.order()
        await world.eventually(lambda: world.sandbox.rung)

        await world.engine._caretaker.sweep()
        await world.check()

        assert asked(world) == FEWEST


async def test_nor_is_one_that_explains_a_lost_answer(tmp_path: Path) -> None:
    """It tells of the end as well: the render is looked at as soon as it is adopted."""
    async with studio_at_work(
        tmp_path, seconds=1, webhooks=True, poll_interval_seconds=BELL_ONLY, reconcile_seconds=BELL_ONLY
    ) as world:
        world.sandbox.faults.add(*ONLY_A_WEBHOOK_TELLS)

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"


async def test_nor_when_the_render_cannot_be_checked_at_once(tmp_path: Path) -> None:
    async with studio_at_work(
        tmp_path, seconds=1, webhooks=True, poll_interval_seconds=BELL_ONLY, reconcile_seconds=BELL_ONLY
    ) as world:
        world.sandbox.faults.add(
            *ONLY_A_WEBHOOK_TELLS,
            Fault(on="status", status=502, times=4),
        )

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"


@pytest.mark.parametrize("copies", [2, 6])
async def test_a_doubled_webhook_costs_nothing(tmp_path: Path, copies: int) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        world.sandbox.faults.add(Ring(copies=copies))
        await world.order()
        await world.eventually(lambda: len(world.sandbox.rung) == copies)
        await world.check()

        assert asked(world) == FEWEST


async def test_a_webhook_that_comes_after_the_end_costs_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True) as world:
        world.sandbox.faults.add(Ring(silent=True))
        job_id = await world.order()
        job = await world.until_closed(job_id)
        before = asked(world)

        for token in await tokens_of(world):
            await world.engine.studio.ring(token, job.provider_job_id)
        await asyncio.sleep(0.2)

        await world.check()
        assert asked(world) == before
        assert world.operator.history == []


async def tokens_of(world: World) -> list[str]:
    async with world.database.read() as connection:
        return list((await connection.execute(select(attempts.c.token))).scalars())


async def test_a_render_that_takes_long_is_looked_at_once_to_know_whether_it_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "SLOW_LOOK_SECONDS", 0.2)
    waits = replace(QUICK, slow=1.6)
    async with studio_at_work(
        tmp_path, seconds=3, webhooks=True, poll_interval_seconds=BELL_ONLY, waits=waits
    ) as world:
        await world.order()
        await world.check()

        assert asked(world) == FEWEST | {"status": 2}


async def test_a_status_that_cannot_be_read_is_not_asked_for_again_before_its_time(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        world.sandbox.faults.add(Fault(on="status", status=502, times=4))
        job_id = await world.order()
        before = await world.until(job_id, lambda job: is_resting(job) and job.tries)
        read = len(world.sandbox.seen("status"))

        world.engine.studio.wake([job_id])
        await asyncio.sleep(0.2)

        assert row_of(await world.job(job_id)) == row_of(before)
        assert len(world.sandbox.seen("status")) == read
        await world.check()
        assert world.outcome(job_id) == "clip"
