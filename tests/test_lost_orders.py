"""The search for a lost order when clocks, lists and models are not what they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from providers import calls, wire
from providers.sandbox import Fault
from providers.sandbox.answers import stamp
from providers.sandbox.faults import Reset
from studio import explaining
from studio.explaining import Explained
from studio.models import JobState
from tests.studio_world import CHARGE, QUICK, World, studio_at_work

LOST = Fault(on="submit", reset=Reset.AFTER, processed=True)


def listing_besides(model: str | None) -> Callable[[Any], Any]:
    """Have the list show a render that is not ours, made just now."""
    line = {"jobId": "job_foreign", "status": "processing", "createdAt": stamp(datetime.now(UTC))}
    if model is not None:
        line["model"] = model

    def change(body: Any) -> Any:
        shown = dict(body.get("data", body))
        return {**shown, "jobs": [line, *shown["jobs"]]}

    return change


def between_submits(world: World) -> list[str]:
    """What was asked of the provider after the first submit and before the last."""
    asked = [seen.on for seen in world.sandbox.seen()]
    return asked[asked.index("submit") + 1 : len(asked) - asked[::-1].index("submit") - 1]


# ── clocks ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [2, 60, 600, -600])
async def test_f54_a_clock_that_was_set_between_two_orders_has_nothing_ordered_twice(
    tmp_path: Path, seconds: float
) -> None:
    async with studio_at_work(tmp_path) as world:
        await world.order("before")
        await world.check()
        world.ahead = timedelta(seconds=seconds)
        world.sandbox.faults.add(LOST)

        job_id = await world.order("lost")

        await world.eventually(lambda: world.operator.about("unexplained"))
        [question] = await explaining.questions(world.database, now=world.now())
        assert list(question.candidates) == world.renders_of("lost")
        assert question.is_disputed
        assert len(world.sandbox.seen("submit")) == 2

        [render] = question.candidates
        outcome = await explaining.adopt(world.database, job_id, render, now=world.now())

        assert outcome is Explained.RENDERING
        await world.check()
        assert world.outcome(job_id) == "clip"
        assert await world.ledger_sum() == 2 * CHARGE


async def test_f54_a_clock_that_lagged_by_hours_has_nothing_ordered_twice(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        await world.order("before")
        await world.check()
        world.ahead = timedelta(hours=-3)
        world.sandbox.faults.add(LOST)

        await world.order("lost")

        await world.eventually(lambda: world.operator.about("unexplained"))
        assert len(world.renders_of("lost")) == 1


@pytest.mark.parametrize("processed", [True, False])
async def test_f54_a_clock_that_was_put_right_during_the_search_has_nothing_ordered_twice(
    tmp_path: Path, processed: bool
) -> None:
    async with studio_at_work(tmp_path) as world:
        await world.order("before")
        await world.check()
        world.ahead = timedelta(hours=1)
        world.sandbox.faults.add(
            Fault(on="list", times=2, code="INVALID_INPUT"),
            Fault(on="submit", reset=Reset.AFTER, processed=processed),
        )
        job_id = await world.order("lost")
        await world.until_in(job_id, JobState.UNKNOWN)

        world.ahead = timedelta(0)

        if processed:
            await world.eventually(lambda: world.operator.about("is unexplained"))
        else:
            await world.check()
        assert len(world.renders_of("lost")) == 1


# ── models ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_render_of_another_model_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fault(on="list", times=None, change=listing_besides("acme/other-model")),
            Fault(on="submit", code="INTERNAL_ERROR"),
        )

        job_id = await world.order("lost")

        await world.check()
        assert [(await world.job(job_id)).provider_job_id] == world.renders_of("lost")
        assert len(world.sandbox.seen("submit")) == 2


@pytest.mark.parametrize("model", [None, wire.MODEL, f"{wire.MODEL}@1.2", "Kling 3.0 Pro Motion Control"])
async def test_a_render_that_may_be_of_our_model_is_a_candidate(tmp_path: Path, model: str | None) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fault(on="list", times=None, change=listing_besides(model)),
            Fault(on="submit", code="INTERNAL_ERROR"),
        )

        job_id = await world.order("lost")

        job = await world.until(job_id, lambda job: job.provider_job_id)
        assert job.provider_job_id == "job_foreign"


# ── lists that cannot be read ───────────────────────────────────────────────────────────────────

UNREADABLE = [
    pytest.param({"code": "INVALID_INPUT"}, id="refused"),
    pytest.param({"body": b'{"jobs": 7}', "content_type": "application/json"}, id="broken"),
    pytest.param({"code": "INTERNAL_ERROR"}, id="F20 failing"),
]


@pytest.mark.parametrize("fault", UNREADABLE)
async def test_an_order_that_cannot_be_looked_for_ends_and_the_others_pass(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    waits = replace(QUICK, give_up_render=8.0)
    async with studio_at_work(tmp_path, waits=waits, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(
            Fault(on="list", times=None, **fault), Fault(on="submit", code="INTERNAL_ERROR")
        )
        lost = await world.order("lost")
        await world.until_in(lost, JobState.UNKNOWN)
        other = await world.order("other", member=11)

        await world.eventually(lambda: world.operator.about("cannot be looked for"))
        told_while = (await world.job(lost)).state
        await world.until_closed(lost)
        await world.until_closed(other)

        assert told_while is JobState.UNKNOWN
        assert world.outcome(lost) == "order_unexplained"
        assert world.outcome(other) == "clip"
        await world.check()
        assert len(world.sandbox.seen("submit")) == 2
        await world.eventually(lambda: not world.operator.about("cannot be looked for"))


async def test_f59_one_bad_look_after_a_long_rest_gives_nothing_up(tmp_path: Path) -> None:
    waits = replace(QUICK, give_up_render=6.0)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(Fault(on="list", times=None, code="INVALID_INPUT"), LOST)
        job_id = await world.order("lost")
        await world.until_in(job_id, JobState.UNKNOWN)
        await world.stop()
        await asyncio.sleep(6.0)
        world.sandbox.faults.clear()
        world.sandbox.faults.add(Fault(on="list", code="INVALID_INPUT"))

        await world.start()

        await world.check()
        assert world.outcome(job_id) == "clip"


async def test_a_list_that_is_readable_again_explains_the_order(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="list", times=3, code="INVALID_INPUT"), LOST)

        job_id = await world.order("lost")

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert world.operator.alarms == {}
        assert len(world.sandbox.seen("submit")) == 1


# ── how long is searched ────────────────────────────────────────────────────────────────────────


async def test_f18_the_wait_for_an_answer_takes_nothing_from_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "SUBMIT_TIMEOUT", aiohttp.ClientTimeout(total=3))
    async with studio_at_work(tmp_path, reconcile_seconds=2.0) as world:
        world.sandbox.faults.add(Fault(on="submit", hang=True))

        await world.order()

        await world.check()
        assert between_submits(world).count("list") >= 3


async def test_f59_nor_does_the_time_in_which_nobody_searched(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, reconcile_seconds=2.0) as world:
        world.sandbox.faults.add(Fault(on="submit", hang=True))
        job_id = await world.order()
        await world.until_in(job_id, JobState.SUBMITTING)
        await world.eventually(lambda: world.sandbox.seen("submit"))
        await world.stop()
        await asyncio.sleep(2.2)

        await world.start()

        await world.check()
        assert between_submits(world).count("list") >= 3


async def test_f59_a_search_that_was_interrupted_looks_twice_at_least(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, reconcile_seconds=2.0) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR"))
        job_id = await world.order()
        await world.until_in(job_id, JobState.UNKNOWN)
        await world.stop()
        before = len(world.sandbox.seen("list"))
        await asyncio.sleep(2.2)

        await world.start()

        await world.until_in(job_id, JobState.QUEUED, JobState.SUBMITTING, JobState.RENDERING)
        assert len(world.sandbox.seen("list")) - before >= 2
        await world.check()
