"""A submit whose answer is lost: looked for, adopted, ordered again or asked about, but never paid twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from providers import calls
from providers.sandbox import Fate, Fault
from providers.sandbox.faults import Reset, Ring
from studio.database import Database, attempts
from studio.models import JobState
from tests.studio_world import CHARGE, QUICK, studio_at_work

NO_ANSWER = [
    pytest.param({"drop": ("jobId",)}, id="F04 without an id"),
    pytest.param({"status": 200, "body": b"<html>", "processed": True}, id="F05 html"),
    pytest.param({"status": 200, "body": b"", "processed": True}, id="F05 empty"),
    pytest.param({"code": "INTERNAL_ERROR", "processed": True}, id="F14"),
    pytest.param({"code": "PUBSUB_PUBLISH_FAILED", "processed": True}, id="F16 ghost"),
    pytest.param({"reset": Reset.AFTER, "processed": True}, id="F17 after"),
]


@pytest.mark.parametrize("fault", NO_ANSWER)
async def test_a_render_whose_answer_was_lost_is_adopted(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", **fault))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("submit")) == len(world.sandbox.jobs) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"code": "INTERNAL_ERROR"}, id="F15"),
        pytest.param({"code": "PUBSUB_PUBLISH_FAILED"}, id="F16"),
        pytest.param({"reset": Reset.DURING}, id="F17 during"),
        pytest.param({"status": 504}, id="proxy"),
    ],
)
async def test_a_submit_that_created_nothing_is_sent_again_after_a_search(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", **fault))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("submit")) == 2
        asked = [seen.on for seen in world.sandbox.seen()]
        between = asked[asked.index("submit") + 1 : len(asked) - asked[::-1].index("submit") - 1]
        assert between.count("list") >= 2


async def test_f18_an_answer_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SUBMIT_TIMEOUT", aiohttp.ClientTimeout(total=1))
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", hang=True, processed=True))

        await world.order()

        await world.check()
        assert len(world.sandbox.seen("submit")) == 1


async def test_two_orders_never_get_each_others_render(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database, max_concurrent_jobs=4) as world:
        world.sandbox.faults.add(
            Fault(on="submit", reset=Reset.AFTER, processed=True),
            Fault(on="submit", code="INTERNAL_ERROR"),
            Fault(on="submit", status=502, processed=True),
        )

        wishes = {
            await world.order(f"scene {number}", member=number): f"scene {number}" for number in range(4)
        }

        await world.check()
        for job_id, prompt in wishes.items():
            job = await world.job(job_id)
            assert [job.provider_job_id] == world.renders_of(prompt)


async def test_nobody_orders_while_an_answer_is_missing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=4, reconcile_seconds=2.0) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR"))
        doubtful = await world.order("first")
        await world.until_in(doubtful, JobState.UNKNOWN)

        second = await world.order("second")
        await world.until(doubtful, lambda job: job.wake_at)

        assert (await world.job(second)).state is JobState.QUEUED
        assert len(world.sandbox.seen("presign")) == 2
        await world.check()


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_f54_a_clock_that_is_ten_minutes_off_hides_no_render(tmp_path: Path, minutes: int) -> None:
    async with studio_at_work(tmp_path) as world:
        world.ahead = timedelta(minutes=minutes)
        await world.order("before")
        await world.check()
        world.sandbox.faults.add(Fault(on="submit", reset=Reset.AFTER, processed=True))

        await world.order("lost")

        await world.check()
        assert len(world.sandbox.seen("submit")) == 2


async def test_f54_nor_does_it_on_the_first_order_of_all(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.ahead = timedelta(minutes=10)
        world.sandbox.faults.add(Fault(on="submit", reset=Reset.AFTER, processed=True))

        await world.order()

        await world.check()
        assert len(world.sandbox.seen("submit")) == 1


async def test_f19_two_candidates_are_put_to_the_operator_and_hold_up_nobody(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(Fate(twin=True), Fault(on="submit", reset=Reset.AFTER, processed=True))
        lost = await world.order("lost")
        await world.eventually(lambda: world.operator.about("unexplained"))

        later = await world.order("later", member=11)
        await world.until_closed(later)

        assert world.outcome(later) == "clip"
        assert [(await world.job(later)).provider_job_id] == world.renders_of("later")
        assert (await world.job(lost)).state is JobState.UNKNOWN
        [words] = world.operator.about("unexplained")
        assert all(render in words for render in world.renders_of("lost"))
        assert len(world.sandbox.seen("submit")) == 2


async def test_f19_an_order_that_nobody_explained_ends_and_the_operator_bears_what_it_cost(
    tmp_path: Path,
) -> None:
    waits = replace(QUICK, give_up_render=2.5)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(Fate(twin=True), Fault(on="submit", reset=Reset.AFTER, processed=True))

        job_id = await world.order()

        job = await world.until_closed(job_id)
        assert world.outcome(job_id) == "order_unexplained"
        assert job.ending is not None
        assert job.ending.cost_usd_micros == 0
        assert len(world.sandbox.seen("submit")) == 1
        await world.check(renders_more=1)
        assert await world.ledger_sum() == 2 * CHARGE


async def test_f19_a_webhook_says_which_of_two_candidates_it_is(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=3, webhooks=True) as world:
        world.sandbox.faults.add(
            Fate(twin=True),
            Fault(on="submit", reset=Reset.AFTER, processed=True),
        )

        job_id = await world.order()

        await world.check(renders_more=1)
        assert world.outcome(job_id) == "clip"
        await world.eventually(lambda: world.operator.about("charged twice"))
        assert not world.operator.about("unexplained")
        assert len(world.sandbox.seen("submit")) == 1


async def test_a_webhook_explains_a_lost_answer_before_the_list_does(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, reconcile_seconds=300) as world:
        world.sandbox.faults.add(
            Fault(on="list", times=None, code="INTERNAL_ERROR"),
            Fault(on="submit", reset=Reset.AFTER, processed=True),
        )

        await world.order()

        await world.check()
        assert len(world.sandbox.seen("submit")) == 1


async def test_f41_webhooks_before_and_often_after_the_answer_change_nothing_twice(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True) as world:
        world.sandbox.faults.add(Ring(early=True), Ring(copies=6))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert world.operator.history == []


async def test_f45_a_webhook_for_another_attempt_is_not_believed(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=0.5) as world:
        first = await world.order("first")
        await world.until_closed(first)
        others = (await world.job(first)).provider_job_id
        world.sandbox.faults.add(
            Fault(on="submit", code="INTERNAL_ERROR"),
            Ring(merge={"jobId": others}),
        )

        second = await world.order("second")
        await world.until_in(second, JobState.UNKNOWN)
        async with world.database.read() as connection:
            token = (
                await connection.execute(select(attempts.c.token).where(attempts.c.job_id == second))
            ).scalar_one()
        await world.engine.studio.ring(token, others)
        await world.engine.studio.ring("x" * 43, others)
        await world.engine.studio.ring(token, "job_that_does_not_exist")

        await world.check()
        assert [(await world.job(second)).provider_job_id] == world.renders_of("second")


async def test_f17_a_provider_that_cannot_be_reached_is_tried_again_without_doubt(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="presign", times=6, reset=Reset.BEFORE))

        await world.order()

        await world.check()
        assert len(world.sandbox.seen("submit")) == 1
