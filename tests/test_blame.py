"""An order that is refused for an unknown reason ends only where nothing but itself can be the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fault
from tests.studio_world import World, studio_at_work


def unlisted(status: int, on: str = "submit", **options: Any) -> Fault:
    """A refusal with a code that nobody knows, so that only the status says anything."""
    body = json.dumps({"success": False, "error": {"code": "BRAND_NEW", "message": "m"}}).encode()
    return Fault(on=on, status=status, body=body, **options)


def a_crowd(**options: Any) -> Fault:
    return Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": 1}, **options)


def in_turn(fault: Fault, times: int) -> list[Fault]:
    """The first order meets it each time: whoever met it lets another pass before the next try."""
    return [fault, *[replace(fault, skip=1)] * (times - 1)]


async def order_among_others(world: World) -> tuple[str, set[str]]:
    """Have one order refused, then others ordered; return its outcome and theirs."""
    refused = await world.order("refused")
    await world.eventually(lambda: world.sandbox.seen("submit"))
    others = [await world.order(f"other {number}", guild=2, member=11) for number in range(4)]
    await world.check()
    return world.outcome(refused), {world.outcome(job_id) for job_id in others}


@pytest.mark.parametrize("status", [403, 404])
async def test_a_third_refusal_that_nobody_can_read_ends_the_order(tmp_path: Path, status: int) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(*in_turn(unlisted(status), 3))

        assert await order_among_others(world) == ("provider_rejected_input", {"clip"})


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([*in_turn(a_crowd(), 3), unlisted(403, skip=1)], id="a crowd before"),
        # Two files for each of three tries, and for each of the three others in between.
        pytest.param([*in_turn(a_crowd(), 3), unlisted(403, "presign", skip=12)], id="at the upload"),
        pytest.param(
            [*in_turn(Fault(on="submit", code="INSUFFICIENT_BALANCE"), 3), unlisted(403, skip=1)],
            id="no balance before",
        ),
        pytest.param(in_turn(unlisted(401), 3), id="the key"),
        pytest.param(in_turn(unlisted(402), 3), id="the balance"),
    ],
)
async def test_trouble_that_is_everybodys_ends_no_order(tmp_path: Path, faults: list[Fault]) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(*faults)

        assert await order_among_others(world) == ("clip", {"clip"})
