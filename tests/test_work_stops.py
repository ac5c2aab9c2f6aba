"""What stops the whole queue: money, keys, crowds and prices; nothing fails, and it goes on by itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fate, Fault
from studio import queue, resuming, slots
from studio.models import JobState
from studio.repricing import DEARER
from tests import sandbox_world
from tests.studio_world import CHARGE, QUICK, studio_at_work

OPERATORS = [
    "UNAUTHORIZED", "INVALID_API_KEY", "API_KEY_INACTIVE", "API_KEY_EXPIRED",
    "INSUFFICIENT_BALANCE",
    "IP_NOT_WHITELISTED", "OPERATION_NOT_ALLOWED", "MODEL_ACCESS_DENIED",
    "MODEL_NOT_FOUND",
]  # fmt: skip


async def test_f08_to_f11_what_the_operator_must_mend_is_told_once_and_passes(tmp_path: Path) -> None:
    waits = replace(QUICK, probe=0.05, longest_probe=0.05)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(*(Fault(on="submit", code=code, times=2) for code in OPERATORS))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert sorted(world.operator.history) == [
            "provider: access", "provider: balance", "provider: key", "provider: model",
        ]  # fmt: skip
        assert world.operator.alarms == {}
        assert len(world.sandbox.seen("submit")) == 2 * len(OPERATORS) + 1


async def test_f09_without_money_everybody_waits_for_the_operator_and_nothing_fails(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=4) as world:
        world.sandbox.account.credit = CHARGE
        ordered = [await world.order(f"scene {number}", member=number) for number in range(5)]
        await world.eventually(lambda: world.operator.about("balance"))
        await asyncio.sleep(1)
        states = [(await world.job(job_id)).state for job_id in ordered]
        submits = len(world.sandbox.seen("submit"))

        world.sandbox.account.credit = None

        await world.check()
        assert not {JobState.FAILED, JobState.REFUSED} & set(states)
        # One probe at a time, not one for each job that waits.
        assert submits <= 7
        assert {world.outcome(job_id) for job_id in ordered} == {"clip"}
        assert any("waiting_for_operator" in said for said in world.desk.holdups.values())
        assert world.operator.history == ["provider: balance"]


async def test_probes_become_rarer(tmp_path: Path) -> None:
    waits = replace(QUICK, probe=0.2, longest_probe=100)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.account.credit = 0
        job_id = await world.order()
        await world.eventually(lambda: len(world.sandbox.seen("submit")) >= 4)
        # The fourth refusal has been written down when the job is back in the queue.
        await world.until_in(job_id, JobState.QUEUED)

        async with world.database.read() as connection:
            pause = await queue.read_pause(connection)

        assert pause is not None
        assert (pause.until - pause.since).total_seconds() >= 0.2 * 2**3
        world.sandbox.account.credit = None
        await world.check()


async def test_f56_a_rotated_key_loses_no_job(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=2.0, max_concurrent_jobs=1) as world:
        rendering = await world.order("rendering")
        await world.until_in(rendering, JobState.RENDERING)
        waiting = await world.order("waiting")

        world.sandbox.key = world.key = "pb_new"
        await world.eventually(lambda: world.operator.about("INVALID_API_KEY"))
        await world.restart()

        await world.check()
        assert {world.outcome(rendering), world.outcome(waiting)} == {"clip"}
        assert world.operator.alarms == {}


async def test_f56_another_key_lets_a_held_queue_go_on_at_once(tmp_path: Path) -> None:
    waits = replace(QUICK, probe=600, longest_probe=600)
    async with studio_at_work(tmp_path, waits=waits, key_mark="old") as world:
        world.sandbox.key = "pb_new"
        job_id = await world.order()
        await world.eventually(lambda: world.operator.about("INVALID_API_KEY"))
        await world.restart()
        await asyncio.sleep(0.5)
        still_held = (await world.job(job_id)).state

        world.key, world.terms = "pb_new", replace(world.terms, key_mark="new")
        await world.restart()

        await world.check()
        assert still_held is JobState.QUEUED
        assert world.outcome(job_id) == "clip"


@pytest.mark.parametrize("problem", ["another key", "command"])
async def test_the_pause_for_a_price_is_ended_by_command_only(tmp_path: Path, problem: str) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1, key_mark="old") as world:
        world.sandbox.faults.add(Fate(cost=CHARGE * 3))
        dear = await world.order("dear")
        waiting = await world.order("waiting")
        await world.until_closed(dear)
        await world.until_in(waiting, JobState.QUEUED)

        if problem == "command":
            pause = await resuming.resume(world.database, now=world.now())
            again = await resuming.resume(world.database, now=world.now())
            await world.check()
            assert pause is not None
            assert pause.problem == "price"
            assert again is None
        else:
            world.terms = replace(world.terms, key_mark="new")
            await world.restart()
            await asyncio.sleep(0.5)
            assert (await world.job(waiting)).state is JobState.QUEUED


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"details": {"retryAfter": 1}}, id="F12 1"),
        pytest.param({"details": {"retryAfter": 0}}, id="F12 0"),
        pytest.param({"details": {"retryAfter": -5}}, id="F12 negative"),
        pytest.param({"headers": {"Retry-After": "1"}}, id="F12 header"),
    ],
)
async def test_f12_a_busy_provider_is_given_its_time(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", **fault))

        await world.order()

        await world.check()
        assert len(world.sandbox.seen("submit")) == 2
        assert world.operator.history == []


async def test_f13_as_many_renders_as_the_provider_takes_and_more_again_later(tmp_path: Path) -> None:
    options = sandbox_world.shared(most_jobs=2)
    async with studio_at_work(
        tmp_path, seconds=1.5, options=options, max_concurrent_jobs=6, waits=replace(QUICK, slot=300)
    ) as world:
        for number in range(7):
            await world.order(f"scene {number}", member=number)

        await world.check()

        refused = len(world.sandbox.seen("submit")) - 7
        assert 1 <= refused <= 4
        async with world.database.read() as connection:
            now = world.now()
            at_once = await slots.allowed(connection, most=6, now=now, recovery=300)
            passed = [
                await slots.allowed(connection, most=6, now=now, recovery=seconds) for seconds in (1e9, 1e-3)
            ]
        assert at_once == passed[0] <= 2
        assert passed[1] == 6


@pytest.mark.parametrize(
    ("error", "left"),
    [
        pytest.param({"code": "RATE_LIMITED", "details": {"retryAfter": 1}}, 6, id="rate"),
        pytest.param({"message": "slow down", "details": {"retryAfter": 1}}, 1, id="no code"),
        pytest.param({"code": "QUOTA", "message": "Too many parallel tasks", "retryAfter": 1}, 1, id="words"),
    ],
)
async def test_f12_being_asked_too_often_says_nothing_about_slots(
    tmp_path: Path, error: dict[str, Any], left: int
) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=6) as world:
        body = json.dumps({"success": False, "error": error}).encode()
        world.sandbox.faults.add(Fault(on="submit", status=429, body=body))

        await world.order()

        await world.check()
        async with world.database.read() as connection:
            assert await slots.allowed(connection, most=6, now=world.now(), recovery=300) == left


async def test_after_a_refusal_the_free_slots_are_used_although_others_render(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=0.3, max_concurrent_jobs=2) as world:
        world.sandbox.faults.add(
            Fate(stuck="processing"),
            Fault(on="submit", skip=1, code="CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": 1}),
        )
        stuck = await world.order("stuck")
        await world.until_in(stuck, JobState.RENDERING)
        other = await world.order("other", member=11)
        await world.eventually(lambda: len(world.sandbox.seen("submit")) == 2)
        world.sandbox.end_from_outside(world.renders_of("stuck")[0])

        await world.check()
        assert world.outcome(other) == "clip"
        assert world.outcome(stuck) == "cancelled_by_provider"


async def test_f36_a_price_above_the_hold_stops_the_queue(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(Fate(cost=CHARGE * 3))
        dear = await world.order("dear")
        waiting = await world.order("waiting")

        await world.until_closed(dear)
        await world.eventually(lambda: world.operator.about("provider: price"))
        await asyncio.sleep(0.5)

        assert (await world.job(waiting)).state is JobState.QUEUED
        assert len(world.sandbox.seen("submit")) == 1
        assert await world.ledger_sum() == CHARGE * 3 + CHARGE
        async with world.database.write() as connection:
            await queue.resume(connection)
        await world.engine.studio.acknowledged(waiting, answer_id=5)
        await world.check()
        assert world.sandbox.account.net == CHARGE * 4


async def test_f37_a_dearer_estimate_raises_the_hold_and_a_missing_one_does_not(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        dearer = {"estimatedCostMicroCents": CHARGE * 2}
        world.sandbox.faults.add(
            Fault(on="estimate", merge=dearer),
            Fate(cost=CHARGE * 2),
            # Repeated three times before it counts as missing.
            Fault(on="estimate", code="INTERNAL_ERROR", times=4),
            Fault(on="estimate", merge={"estimatedCostMicroCents": 0}),
            Fault(on="estimate", wrapped=True, change=as_on_the_pricing_page),
        )

        first = await world.order("first")
        await world.until_closed(first)
        others = []
        for prompt in ("missing", "zero", "another shape"):
            others.append(await world.order(prompt))
            await world.until_closed(others[-1])

        await world.check()
        assert (await world.job(first)).held_usd_micros == CHARGE * 2
        assert [(await world.job(job_id)).held_usd_micros for job_id in others] == [CHARGE] * 3
        assert {world.outcome(job_id) for job_id in [first, *others]} == {"clip"}
        assert world.operator.history == [DEARER]


def as_on_the_pricing_page(body: dict[str, Any]) -> dict[str, Any]:
    """The estimate under the other names that PixelByte gives it."""
    stated = body["data"]
    price = {"estimatedCost": stated["estimatedCostMicroCents"], "baseCost": stated["baseCostMicroCents"]}
    return {**body, "data": {**price, "currency": "micro_cents"}}


@pytest.mark.parametrize(
    ("fault", "code", "fact"),
    [
        pytest.param({"status": 200, "code": "INVALID_INPUT"}, "provider_rejected_input", None, id="F03"),
        pytest.param(
            {"code": "INVALID_INPUT", "details": {"field": "prompt"}},
            "provider_rejected_input",
            "prompt",
            id="F06",
        ),
    ],
)
async def test_an_input_that_is_refused_ends_the_job_for_nothing(
    tmp_path: Path, fault: dict[str, Any], code: str, fact: str | None
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", **fault))

        job_id = await world.order()

        job = await world.until_closed(job_id)
        await world.check()
        assert world.outcome(job_id) == code
        assert job.ending is not None
        assert job.ending.facts.get("field") == fact
        assert world.sandbox.account.charged == 0
