"""Whole orders whose result is described, given out or made in odd ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fate, Fault, Sandbox
from studio.remarks import remarks_on
from tests import media_files, sandbox_world
from tests.studio_world import CHARGE, QUICK, World, studio_at_work

Shape = Callable[[str, str], Mapping[str, Any]]

SHAPES: list[Shape] = [
    lambda video, picture: {"output": video, "outputs": None},
    lambda video, picture: {"output": {"videoUrl": video, "thumbnail": picture}, "outputs": []},
    lambda video, picture: {"output": {"url": video}, "outputs": None},
    lambda video, picture: {"output": {"video": {"url": video}}, "outputs": None},
    lambda video, picture: {"output": None, "outputs": [{"url": video, "type": "video"}]},
    lambda video, picture: {
        "output": picture,
        "outputs": [{"url": picture, "type": "image"}, {"url": video, "type": "video"}],
    },
]


async def test_f28_the_video_is_found_in_every_shape_of_output(tmp_path: Path) -> None:
    shape_of: dict[str, Shape] = {}

    def shaped(body: dict[str, Any]) -> dict[str, Any]:
        if body.get("status") != "completed":
            return body
        shape = shape_of.setdefault(body["jobId"], SHAPES[len(shape_of) % len(SHAPES)])
        item = body["outputs"][0]
        return {**body, **shape(item["url"], item["posterImage"])}

    async with studio_at_work(tmp_path, max_concurrent_jobs=len(SHAPES)) as world:
        world.sandbox.faults.add(Fault(on="status", times=None, change=shaped))

        ordered = [await world.order(f"scene {number}", member=number) for number in range(len(SHAPES))]

        await world.check()
        assert {world.outcome(job_id) for job_id in ordered} == {"clip"}
        assert len(shape_of) == len(SHAPES)
        assert world.sandbox.seen("poster") == []


async def test_f40_inputs_that_expired_before_they_were_read_are_uploaded_again(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:

        def then_gone(body: dict[str, Any]) -> dict[str, Any]:
            world.sandbox.faults.add(Fault(on="file", code="NOT_FOUND", times=2))
            return body

        world.sandbox.faults.add(Fault(on="estimate", change=then_gone))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("presign")) == 4
        assert [job.status for job in world.sandbox.jobs] == ["completed", "failed"]
        assert world.sandbox.account.net == CHARGE


@pytest.mark.parametrize(
    ("faults", "downloads"),
    [
        pytest.param(
            [Fault(on="output", status=302, headers={"Location": "https://elsewhere.test/x.mp4"})],
            2,
            id="F49 another host",
        ),
        pytest.param(
            [Fault(on="output", status=302, headers={"Location": "http://127.0.0.1:9/x.mp4"})],
            2,
            id="F49 loopback",
        ),
        pytest.param([Fault(on="output", cut=0.5, chunked=True)], 2, id="F50 cut without a length"),
        pytest.param([Fault(on="output", cut=0.5, ranges=False)], 2, id="F50 cut without ranges"),
        pytest.param([Fault(on="output", cut=0.5, stall=True)], 2, id="F50 stalled"),
        pytest.param([Fault(on="output", bytes_per_second=30_000)], 1, id="F50 slow"),
        pytest.param([Fault(on="output", body=b"\0\0\0\x18ftypmp42" + b"\0" * 999)], 2, id="F51 corrupt"),
        pytest.param(
            [Fault(on="output", body=b'{"error": "x"}', content_type="video/mp4")], 2, id="F51 json"
        ),
    ],
)
async def test_a_result_that_is_hard_to_fetch_is_fetched_whole(
    tmp_path: Path, faults: list[Fault], downloads: int
) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_fetching=30)) as world:
        world.sandbox.faults.add(*faults)

        job_id = await world.order()

        await world.check()
        job = await world.job(job_id)
        assert job.clip is not None
        assert job.clip.size == await the_size_of(world)
        assert len(world.sandbox.seen("output")) == downloads + 1
        assert world.operator.history == []


async def the_size_of(world: World) -> int:
    """How large the clip is where the provider keeps it."""
    async with sandbox_world.customer_of(world.sandbox.api_url) as customer:
        item = (await customer.status(world.sandbox.jobs[0].id))["outputs"][0]
        return len((await customer.call("GET", item["url"])).body)


async def test_f51_a_result_that_is_no_video_is_told_as_paid_with_what_support_asks_for(
    tmp_path: Path,
) -> None:
    waits = replace(QUICK, give_up_fetching=0.5, late=3)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(Fault(on="output", times=None, body=b"<html>", content_type="video/mp4"))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "result_missing"
        [alarm] = world.operator.about("stays charged")
        assert world.sandbox.jobs[0].request_id in alarm
        assert (await world.job(job_id)).source_url is not None


async def test_f52_a_shorter_silent_smaller_result_is_taken_and_noted(tmp_path: Path) -> None:
    meagre = media_files.clip_mp4(tmp_path / "meagre.mp4", seconds=2, size=(1280, 720), fps=5, sound=False)
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fate(clip=meagre))

        job_id = await world.order()

        await world.check()
        job = await world.job(job_id)
        assert job.clip is not None
        assert (job.clip.width, job.clip.height, job.clip.has_sound) == (1280, 720, False)
        assert [remark.code for remark in remarks_on(job, job.clip)] == [
            "notice_result_shorter", "notice_result_silent",
        ]  # fmt: skip


async def test_f53_an_address_that_expires_soon_is_used_at_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="output", times=None, skip=1, status=410))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("output")) == 1


async def test_f55_orders_do_not_need_the_catalogue(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="catalogue", times=None, code="INTERNAL_ERROR"))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert world.operator.history == []


@pytest.mark.parametrize("endpoint", ["presign", "put", "estimate", "submit", "status", "list"])
async def test_f57_a_redirect_to_another_host_is_never_followed(tmp_path: Path, endpoint: str) -> None:
    async with (
        Sandbox(tmp_path / "older", key="pb_sandbox") as older,
        studio_at_work(tmp_path, waits=replace(QUICK, probe=0.05)) as world,
    ):
        away = {"Location": f"{older.api_url}/jobs/submit"}
        world.sandbox.faults.add(Fault(on=endpoint, status=308, headers=away))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert older.seen() == []
        assert world.sandbox.account.net == CHARGE


def odd(body: Any) -> Any:
    """The same, said as no page documents it."""
    if isinstance(body, list):
        return [odd(part) for part in body]
    if not isinstance(body, dict):
        return f"{body}" if isinstance(body, int) and not isinstance(body, bool) else body
    return {
        **{name: odd(value) for name, value in body.items()},
        "news": {"deep": [None, 10**40, 0.1, {"": None}]},
        "warnings": None,
    }


async def test_f58_odd_but_readable_answers_everywhere_change_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="*", times=None, change=odd))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert (await world.job(job_id)).cost_usd_micros == CHARGE
