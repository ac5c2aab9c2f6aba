"""Whole orders at a provider that refuses, is full, resets connections or lists its jobs oddly."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fault
from providers.sandbox.faults import Reset
from studio import queue
from studio.models import JobState
from studio.queue import Pause
from tests import sandbox_world
from tests.studio_world import QUICK, World, studio_at_work


def unlisted(code: str) -> bytes:
    """A refusal with a code that the sandbox's book does not have."""
    return json.dumps({"success": False, "error": {"code": code, "message": "m"}}).encode()


async def test_f07_an_order_whose_webhook_is_refused_is_polled_for(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INVALID_WEBHOOK_URL"))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("submit")) == 2
        assert [job.webhook_url for job in world.sandbox.jobs] == [None]
        assert world.sandbox.rung == []


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param({"details": {"retryAfter": 1}}, 1, id="F12 1"),
        pytest.param({"details": {"retryAfter": 30}}, 30, id="F12 30"),
        pytest.param({"details": {"retryAfter": 0}}, 1, id="F12 0"),
        pytest.param({"details": {"retryAfter": -5}}, 1, id="F12 negative"),
        pytest.param({"details": {"retryAfter": "30"}}, 30, id="F12 text"),
        pytest.param({"details": {"retryAfter": 86400}}, 300, id="F12 a day"),
        pytest.param({}, 30, id="F12 absent"),
        pytest.param({"headers": {"Retry-After": "7"}}, 7, id="F12 header"),
    ],
)
async def test_f12_the_queue_rests_as_long_as_was_asked_within_bounds(
    tmp_path: Path, fault: dict[str, Any], seconds: float
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", **fault))

        job_id = await world.order()
        pause = await the_pause(world)
        await go_on(world, job_id)

        await world.check()
        assert seconds <= (pause.until - pause.since).total_seconds() <= seconds * 1.2 + 0.001
        assert len(world.sandbox.jobs) == 1
        assert world.operator.history == []


async def the_pause(world: World) -> Pause:
    """Wait until the queue rests, and the job that found out why is back in it."""
    async with asyncio.timeout(sandbox_world.PATIENCE):
        while True:
            async with world.database.read() as connection:
                pause = await queue.read_pause(connection)
            if pause is not None and (await world.job(world.ordered[0])).state is JobState.QUEUED:
                return pause
            await asyncio.sleep(0.02)


async def go_on(world: World, job_id: str) -> None:
    """End the pause as the operator's command does, and wake the job."""
    async with world.database.write() as connection:
        await queue.resume(connection)
    await world.engine.studio.acknowledged(job_id, answer_id=5)


async def test_f13_after_a_storm_of_429_all_slots_are_used_again_and_nobody_starves(tmp_path: Path) -> None:
    waits = replace(QUICK, slot=0.5)
    async with studio_at_work(tmp_path, seconds=1.0, max_concurrent_jobs=3, waits=waits) as world:
        storm = {"details": {"retryAfter": 1}}
        world.sandbox.faults.add(Fault(on="submit", times=3, code="CONCURRENT_JOBS_EXCEEDED", **storm))

        heavy = [await world.order(f"heavy {number}", guild=1, member=1) for number in range(6)]
        light = await world.order("light", guild=2, member=2)

        await world.check()
        assert {world.outcome(job_id) for job_id in [*heavy, light]} == {"clip"}
        assert len(world.sandbox.seen("submit")) == 7 + 3
        assert most_at_once(world) == 3
        # Ordered last, but its server has had nothing yet.
        created = [job.input["prompt"] for job in sorted(world.sandbox.jobs, key=lambda job: job.created_at)]
        assert created.index("light") <= 2


def most_at_once(world: World) -> int:
    jobs = world.sandbox.jobs
    return max(
        sum(other.created_at <= job.created_at < other.completed_at for other in jobs if other.completed_at)
        for job in jobs
    )


@pytest.mark.parametrize("reset", [Reset.BEFORE, Reset.DURING, Reset.AFTER], ids=lambda reset: f"F17 {reset}")
async def test_f17_a_reset_of_the_submit_is_looked_into_before_it_is_sent_again(
    tmp_path: Path, reset: Reset
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", reset=reset))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        asked = [seen.on for seen in world.sandbox.seen()]
        first, second = (index for index, on in enumerate(asked) if on == "submit")
        assert "list" in asked[first:second]


def repeated(body: dict[str, Any]) -> dict[str, Any]:
    """Every item twice, as when jobs are created between two pages."""
    return {**body, "jobs": [item for item in body["jobs"] for _ in range(2)]}


class Loop:
    """Pages that lead back to the first one's cursor for ever."""

    def __init__(self) -> None:
        self._first: str | None = None

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        self._first = self._first or body["nextCursor"]
        return {**body, "nextCursor": self._first, "hasMore": True}


@pytest.mark.parametrize(
    ("fault", "ghost"),
    [
        pytest.param({}, False, id="F38 three pages"),
        pytest.param({"change": repeated}, True, id="F38 repeated items"),
        pytest.param({"merge": {"hasMore": True, "nextCursor": None}}, True, id="F38 more without a cursor"),
        pytest.param({"change": Loop()}, False, id="F38 cursor loop"),
        pytest.param({"merge": {"hasMore": True, "nextCursor": "bad"}}, True, id="F38 bad cursor"),
    ],
)
async def test_f38_a_lost_submit_is_explained_by_a_list_of_odd_pages(
    tmp_path: Path, fault: dict[str, Any], ghost: bool
) -> None:
    options = sandbox_world.shared(most_per_page=2)
    async with studio_at_work(tmp_path, options=options, max_concurrent_jobs=5) as world:
        for number in range(5):
            await world.order(f"before {number}", member=number)
        await world.check()
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR", processed=ghost))
        if fault:
            world.sandbox.faults.add(Fault(on="list", times=None, **fault))

        job_id = await world.order("lost")

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert (await world.job(job_id)).provider_job_id in world.renders_of("lost")
        assert len(world.sandbox.seen("submit")) == 5 + (1 if ghost else 2)


async def test_an_hour_of_refusals_makes_no_hot_loop(tmp_path: Path) -> None:
    # A thousandth of the usual waits, so that the hour lasts 3.6 s.
    waits = replace(QUICK, probe=0.06, longest_probe=0.9, slow=0.6)
    async with studio_at_work(
        tmp_path, seconds=2.0, max_concurrent_jobs=4, waits=waits, poll_interval_seconds=0.01
    ) as world:
        rendering = [await world.order(f"rendering {number}", member=number) for number in range(3)]
        for job_id in rendering:
            await world.until_in(job_id, JobState.RENDERING)
        world.sandbox.faults.add(Fault(on="*", times=None, code="INVALID_API_KEY"))
        before = len(world.sandbox.seen())

        waiting = [await world.order(f"waiting {number}", member=number) for number in range(3)]
        await asyncio.sleep(3.6)
        asked = Counter(seen.on for seen in world.sandbox.seen()[before:])
        world.sandbox.faults.clear()

        # The poller's 10 s and the queue's 60 s grow to 15 min each; a loop would ask 360 times and more.
        assert asked.total() <= 40, asked
        assert asked["list"] >= 3
        assert asked["presign"] >= 3
        await world.check()
        assert {world.outcome(job_id) for job_id in rendering + waiting} == {"clip"}
        assert world.operator.alarms == {}


async def test_f39_a_file_that_alone_is_never_taken_ends_its_order_and_stops_nobody(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        never = [Fault(on="put", status=403, times=2), *[Fault(on="put", status=403, skip=1, times=2)] * 4]
        world.sandbox.faults.add(*never)

        poison = await world.order("poison")
        good = await world.order("good", guild=2, member=11)

        await world.check()
        assert [world.outcome(job_id) for job_id in (poison, good)] == ["upload_refused", "clip"]
        assert len(world.sandbox.seen("submit")) == 1
        assert world.operator.history == []


@pytest.mark.parametrize(
    "fault", [Fault(on="put", status=403, times=None), Fault(on="put", reset=Reset.AFTER, times=None)]
)
async def test_f39_a_storage_that_takes_nothing_fails_nobody(tmp_path: Path, fault: Fault) -> None:
    async with studio_at_work(
        tmp_path, max_concurrent_jobs=1, waits=replace(QUICK, probe=0.05, longest_probe=0.05)
    ) as world:
        world.sandbox.faults.add(fault)
        ordered = [await world.order(f"scene {number}", member=number) for number in range(3)]
        await world.eventually(lambda: len(world.sandbox.seen("presign")) > 60)
        states = {(await world.job(job_id)).state for job_id in ordered}
        world.sandbox.faults.clear()

        await world.check()
        assert states <= {JobState.QUEUED, JobState.SUBMITTING}
        assert {world.outcome(job_id) for job_id in ordered} == {"clip"}


async def test_a_refusal_that_blames_the_content_ends_that_order_alone(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", status=403, body=unlisted("CONTENT_POLICY_VIOLATION")))

        refused = await world.order("refused")
        await world.until_closed(refused)
        await world.order("good", member=11)

        await world.check()
        assert world.outcome(refused) == "render_moderated"
        assert world.operator.history == []


async def test_an_order_that_alone_is_refused_again_and_again_ends_and_lets_the_others_pass(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        brand_new = Fault(on="submit", status=403, body=unlisted("BRAND_NEW"))
        # Whoever met the problem is not the next to find out whether it is over.
        world.sandbox.faults.add(brand_new, replace(brand_new, skip=1), replace(brand_new, skip=1))

        refused = await world.order("refused")
        await world.eventually(lambda: world.operator.about("BRAND_NEW"))
        others = [await world.order(f"other {number}", guild=2, member=11) for number in range(3)]

        await world.check()
        assert world.outcome(refused) == "provider_rejected_input"
        assert {world.outcome(job_id) for job_id in others} == {"clip"}
        assert world.operator.alarms == {}


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        pytest.param([Fault(on="put", status=403)], "clip", id="F39 expired"),
        pytest.param([Fault(on="put", status=500, times=3)], "clip", id="F39 5xx"),
        pytest.param([Fault(on="presign", drop=("uploadUrl",))], "clip", id="F39 no address"),
        pytest.param([Fault(on="put", status=413)], "provider_rejected_input", id="F39 413"),
        pytest.param([Fault(on="presign", merge={"maxSize": 10})], "provider_rejected_input", id="F39 small"),
        pytest.param(
            [Fault(on="presign", code="INVALID_CONTENT_TYPE")], "provider_rejected_input", id="F39 type"
        ),
    ],
)
async def test_f39_an_upload_that_fails_is_made_again_and_costs_nothing(
    tmp_path: Path, faults: list[Fault], outcome: str
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(*faults)

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == outcome
        assert len(world.sandbox.seen("submit")) == (outcome == "clip")
