"""Whole orders while the doorbell is rung wrongly, late, never, or by a clock that is off."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Ring
from providers.sandbox.webhooks import DELAYS
from tests import sandbox_world
from tests.studio_world import World, studio_at_work

ONE_TRY: dict[str, Any] = {"webhook_delays": ()}
BELL_ONLY = 300.0
"""A poll interval that no test lives to see: then the webhook alone can have ended an order."""


async def each_ends_in_a_clip(world: World, rings: list[Ring]) -> list[int | None]:
    """Give as many orders as there are rings; return what the receiver answered, sorted."""
    world.sandbox.faults.add(*rings)
    ordered = [await world.order(f"scene {number}", member=number) for number in range(len(rings))]
    await world.check()
    assert {world.outcome(job_id) for job_id in ordered} == {"clip"}
    assert world.operator.history == []
    await world.eventually(lambda: len(world.sandbox.rung) == len(rings))
    return sorted((rung.status for rung in world.sandbox.rung), key=str)


async def test_f42_wrong_signatures_are_refused_and_polling_ends_the_orders(tmp_path: Path) -> None:
    options = sandbox_world.shared(**ONE_TRY)
    rings = [
        Ring(secret="whsec_other"),
        Ring(headers={"X-PixelByte-Signature": None}),
        Ring(headers={"X-PixelByte-Timestamp": None}),
        Ring(respell=lambda right: right[:-1]),
        Ring(respell=lambda right: right + "0"),
        Ring(respell=lambda right: "sha256=" + right.removeprefix("sha256=").upper()),
        Ring(respell=lambda right: right.removeprefix("sha256=")),
        Ring(respell=lambda right: right.replace("sha256=", "sha256=é中")),
    ]
    async with studio_at_work(tmp_path, webhooks=True, options=options, max_concurrent_jobs=8) as world:
        answered = await each_ends_in_a_clip(world, rings)

    assert answered == [401] * len(rings)


async def test_f43_odd_stamps_ring_or_are_refused_but_harm_no_order(tmp_path: Path) -> None:
    options = sandbox_world.shared(**ONE_TRY)
    rung = [Ring(age=age) for age in (301, 600, -240, -590)]
    stamps = ("abc", "-5", "1772366400000", "1772366400.5", "")
    refused = [Ring(age=1000), *(Ring(stamp=stamp) for stamp in stamps)]
    async with studio_at_work(tmp_path, webhooks=True, options=options, max_concurrent_jobs=8) as world:
        answered = await each_ends_in_a_clip(world, rung + refused)

    assert Counter(answered) == {204: len(rung), 401: len(refused)}


async def test_f44_odd_bodies_are_judged_by_their_raw_bytes(tmp_path: Path) -> None:
    options = sandbox_world.shared(**ONE_TRY)
    rings = [
        Ring(encode=lambda payload: json.dumps(payload, indent=3, ensure_ascii=True).encode()),
        Ring(
            encode=lambda payload: gzip.compress(json.dumps(payload).encode()),
            headers={"Content-Encoding": "gzip"},
        ),
        Ring(encode=lambda payload: b"\xff\xfe" + json.dumps(payload).encode()),
        Ring(body=b"hello"),
        Ring(body=b""),
    ]
    async with studio_at_work(
        tmp_path, webhooks=True, options=options, poll_interval_seconds=BELL_ONLY, max_concurrent_jobs=8
    ) as world:
        answered = await each_ends_in_a_clip(world, rings)

    assert answered == [204] * len(rings)


async def test_f44_a_body_of_five_megabytes_is_refused_and_polling_ends_the_order(tmp_path: Path) -> None:
    options = sandbox_world.shared(**ONE_TRY)
    huge = Ring(encode=lambda payload: json.dumps({**payload, "more": "x" * 5_000_000}).encode())
    async with studio_at_work(tmp_path, webhooks=True, options=options) as world:
        [answered] = await each_ends_in_a_clip(world, [huge])

    # Cut off at the cap: whether the answer still reaches the sender, its TCP decides.
    assert answered in (413, None)


async def test_f48_a_receiver_that_fails_hangs_and_redirects_is_rung_again(tmp_path: Path) -> None:
    options = sandbox_world.shared(
        webhook_delays=tuple(delay / 1000 for delay in DELAYS), webhook_seconds=0.5
    )
    async with studio_at_work(
        tmp_path, webhooks=True, options=options, poll_interval_seconds=BELL_ONLY
    ) as world:
        world.hindrances += ["500", "hang", "302"]

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        await world.eventually(lambda: world.sandbox.jobs[0].webhook_state == "sent")
        assert [rung.status for rung in world.sandbox.rung] == [500, None, 302, 204]
        assert len(world.sandbox.seen("submit")) == 1


async def test_f48_a_receiver_that_takes_too_long_is_rung_twice_and_delivers_once(tmp_path: Path) -> None:
    options = sandbox_world.shared(webhook_delays=(0.01,), webhook_seconds=0.5)
    async with studio_at_work(
        tmp_path, webhooks=True, options=options, poll_interval_seconds=BELL_ONLY
    ) as world:
        world.hindrances += ["late"]

        await world.order()

        await world.check()
        await world.eventually(lambda: [rung.status for rung in world.sandbox.rung] == [None, 204])
        assert world.operator.history == []


async def test_f48_when_every_retry_was_in_vain_polling_ends_the_order(tmp_path: Path) -> None:
    delays = tuple(delay / 1000 for delay in DELAYS)
    async with studio_at_work(
        tmp_path, webhooks=True, options=sandbox_world.shared(webhook_delays=delays)
    ) as world:
        world.hindrances += ["500"] * 100

        await world.order()

        await world.check()
        await world.eventually(lambda: world.sandbox.jobs[0].webhook_state == "failed")
        assert [rung.status for rung in world.sandbox.rung] == [500] * 6


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_f54_a_clock_that_is_ten_minutes_off_still_hears_the_bell(tmp_path: Path, minutes: int) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=BELL_ONLY) as world:
        world.ahead = timedelta(minutes=minutes)

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        await world.eventually(lambda: [rung.status for rung in world.sandbox.rung] == [204])
