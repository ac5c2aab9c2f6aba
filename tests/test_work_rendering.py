"""While the provider renders: odd states, failures of every kind, renders that stick, vanish or come late."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from providers.sandbox import Fate, Fault
from providers.sandbox.faults import Ring
from studio import display
from studio.errors import DeskUnavailable
from studio.models import Ending, JobState
from studio.storage import ObstoreFiles
from tests.studio_world import CHARGE, QUICK, studio_at_work


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault(on="status", status=502), Fault(on="status", status=520)], id="F20"),
        pytest.param([Fault(on="status", code="JOB_NOT_FOUND", times=3)], id="F21"),
        pytest.param([Fate(straight=True)], id="F23"),
        pytest.param(
            [
                Fault(on="list", times=None, merge={"jobs": []}),
                Fault(on="status", merge={"status": "processing", "progress": 50}),
                Fault(on="status", merge={"status": "pending", "progress": 0}, times=2),
            ],
            id="F24",
        ),
        pytest.param([Fault(on="status", merge={"status": "queued"}, times=2)], id="F25"),
        pytest.param([Fate(output_after=1.0)], id="F26"),
        pytest.param([Fault(on="list", times=None, code="INTERNAL_ERROR")], id="F38 list broken"),
        pytest.param([Fault(on="list", times=None, merge={"jobs": []})], id="F38 list empty"),
        pytest.param([Fault(on="output", status=404)], id="F49 404"),
        pytest.param([Fault(on="output", status=403, times=2)], id="F49 403"),
        pytest.param([Fault(on="output", cut=0.5)], id="F50"),
        pytest.param([Fault(on="output", cut=0.5, chunked=True, ranges=False)], id="F50 no ranges"),
        pytest.param([Fault(on="output", body=b"<html>", content_type="video/mp4")], id="F51 html"),
        pytest.param([Fault(on="output", body=b"", content_type="video/mp4")], id="F51 empty"),
        pytest.param(
            [Fault(on="output", status=302, headers={"Location": "http://169.254.169.254/x.mp4"})],
            id="F49 302",
        ),
    ],
)
async def test_in_the_end_there_is_a_clip(tmp_path: Path, faults: list[Any]) -> None:
    waits = replace(QUICK, give_up_fetching=30, slow=20)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(*faults)

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert world.operator.history == []


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (("GENERATION_FAILED", "Something."), "render_failed"),
        (("INTERNAL_ERROR", "x"), "render_failed"),
        (("X", "No complete upper body detected in the image"), "render_no_person_picture"),
        (("X", "Failure to pass the risk control system"), "render_moderated"),
        (("TIMEOUT", "generation timeout"), "render_timeout"),
    ],
)
async def test_f29_f30_a_failed_render_is_explained_and_costs_nothing(
    tmp_path: Path, failure: tuple[str, str], code: str
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fate(failure=failure))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == code
        assert world.sandbox.account.net == 0


@pytest.mark.parametrize(
    "error", [None, "generation timeout", {}, []], ids=["F29 null", "F29 text", "{}", "[]"]
)
async def test_f29_an_error_of_any_form_ends_the_order_for_nothing(tmp_path: Path, error: Any) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fate(failure=("X", "y")), Fault(on="status", times=None, merge={"error": error})
        )

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == ("render_timeout" if isinstance(error, str) else "render_failed")
        assert world.sandbox.account.net == 0


async def test_f30_a_renderer_that_is_out_of_money_itself_is_told_to_the_operator_once(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        broke = ("X", "Kling 1102: resource pack used up")
        world.sandbox.faults.add(Fate(failure=broke, times=2))
        failed = [await world.order(f"scene {number}") for number in range(2)]
        for job_id in failed:
            await world.until_closed(job_id)
        told = list(world.operator.alarms.values())

        await world.order("later")

        await world.check()
        assert {world.outcome(job_id) for job_id in failed} == {"render_supplier_problem"}
        assert len(told) == len(world.operator.history) == 1
        assert "resource pack used up" in told[0]
        assert world.operator.alarms == {}


async def test_f31_a_failure_that_comes_as_http_500(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(
            Fate(failure=("X", "y")), Fault(on="status", times=None, status=500, processed=True)
        )

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "render_failed"


async def test_f32_a_render_that_was_cancelled_at_the_dashboard(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=100) as world:
        job_id = await world.order()
        await world.until_in(job_id, JobState.RENDERING)

        world.sandbox.end_from_outside(world.sandbox.jobs[0].id)

        await world.check()
        assert world.outcome(job_id) == "cancelled_by_provider"


async def test_f40_inputs_that_the_provider_lost_are_sent_again_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fate(failure=("IMAGE_INACCESSIBLE", "download failed")))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("presign")) == 4
        assert world.sandbox.account.net == CHARGE


async def test_f40_but_not_for_ever(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fate(failure=("IMAGE_INACCESSIBLE", "download failed"), times=None))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "render_inputs_unreachable"
        assert len(world.sandbox.seen("submit")) == 2


async def test_f46_f47_the_status_wins_over_the_webhook_and_is_enough_without_one(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True) as world:
        world.sandbox.faults.add(
            Fate(failure=("X", "y")),
            Ring(merge={"status": "completed"}),
            Ring(merge={"status": "failed"}),
            Ring(silent=True),
        )

        ended = []
        for number in range(3):
            ended.append(await world.order(f"scene {number}"))
            await world.until_closed(ended[-1])

        await world.check()
        assert [world.outcome(job_id) for job_id in ended] == ["render_failed", "clip", "clip"]


async def test_f33_a_slow_render_is_called_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "TICK_SECONDS", 0.2)
    monkeypatch.setattr(display, "EDIT_EVERY_SECONDS", 0.2)
    waits = replace(QUICK, slow=0.5)
    async with studio_at_work(tmp_path, seconds=2, waits=waits) as world:
        job_id = await world.order()

        await world.until(job_id, lambda _: "render_slow" in world.desk.holdups.get(job_id, ()))

        await world.check()


async def test_f33_what_sticks_in_the_providers_queue_is_cancelled_there(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_render=1.0)) as world:
        world.sandbox.faults.add(Fate(stuck="pending"))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "took_too_long"
        assert world.sandbox.account.net == 0
        assert world.operator.history == []


async def test_f33_a_render_that_was_given_up_is_still_delivered_when_it_comes(tmp_path: Path) -> None:
    waits = replace(QUICK, give_up_render=1.0)
    async with studio_at_work(tmp_path, seconds=4, waits=waits) as world:
        job_id = await world.order()
        await world.until(job_id, lambda _: world.desk.of(job_id))
        told = world.outcome(job_id)
        given_up = await world.job(job_id)

        await world.check(messages=2)

        assert told == "took_too_long"
        assert given_up.ending is not None
        assert given_up.ending.cost_usd_micros == CHARGE
        assert world.outcome(job_id) == "clip"
        assert (await world.job(job_id)).state is JobState.DELIVERED
        assert len(world.operator.history) == 1
        assert world.operator.alarms == {}


async def test_the_refund_of_a_render_that_was_given_up_is_entered(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=2, waits=replace(QUICK, give_up_render=1.0)) as world:
        world.sandbox.faults.add(Fate(stuck="processing"))
        job_id = await world.order()
        await world.until(job_id, lambda _: world.desk.of(job_id))

        ending = world.desk.of(job_id)[0].ending
        told = ending and ending.cost_usd_micros
        world.sandbox.end_from_outside(world.sandbox.jobs[0].id, "failed")
        # Discord is away when the news comes.
        world.desk.fails = [DeskUnavailable(retry_after=0.1)]

        await world.check()
        assert await world.ledger_sum() == 0
        assert world.desk.concluded[job_id].price_usd_micros == 0
        [report] = world.desk.of(job_id)
        assert told == CHARGE
        assert report.ending == Ending("took_too_long", {}, 0)


async def test_after_a_day_a_render_that_never_came_stays_paid(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_render=1.0, late=2.0)) as world:
        world.sandbox.faults.add(Fate(stuck="processing", seconds=0.1))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "took_too_long"
        assert await world.ledger_sum() == CHARGE


async def test_f22_a_job_that_the_provider_no_longer_knows_is_lost_but_stays_in_the_books(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, late=4)) as world:
        world.sandbox.faults.add(
            Fault(on="status", code="JOB_NOT_FOUND", times=None),
            Fault(on="list", times=None, merge={"jobs": []}),
        )

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "lost_by_provider"
        assert await world.ledger_sum() == CHARGE
        assert world.operator.about("no longer known")


async def test_f27_a_result_that_never_appears_is_told_as_paid(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, late=4)) as world:
        world.sandbox.faults.add(Fate(output_after=math.inf))

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "result_missing"
        assert world.operator.about("stays charged")


async def test_f53_a_result_that_cannot_be_fetched_is_given_up_and_taken_later(tmp_path: Path) -> None:
    waits = replace(QUICK, give_up_fetching=1.0)
    async with studio_at_work(tmp_path, waits=waits) as world:
        world.sandbox.faults.add(Fault(on="output", status=410, times=5))

        job_id = await world.order()

        await world.check(messages=2)
        assert [message.ending is None for message in world.desk.of(job_id)] == [False, True]


# ── our own copy of the clip is gone ────────────────────────────────────────────────────────────


class Sieve(ObstoreFiles):
    """Storage that keeps no clip."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(prefix=folder), folder=folder)
        self._root = folder

    async def put(self, key: str, path: Path) -> None:
        await super().put(key, path)
        if key.endswith("/clip.mp4"):
            (self._root / key).unlink()


async def test_a_clip_that_is_missing_in_our_storage_is_fetched_again(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.desk.fails = [DeskUnavailable(retry_after=1.0)]
        job_id = await world.order()
        await world.until(job_id, lambda job: job.state is JobState.DELIVERING and job.wake_at)

        (tmp_path / "files" / "jobs" / job_id / "clip.mp4").unlink()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("output")) == 2


async def test_a_clip_that_vanishes_again_and_again_ends_in_a_stated_failure(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, waits=replace(QUICK, give_up_fetching=1.0, late=4.0)) as world:
        world.storage = Sieve(tmp_path / "files")
        await world.restart()
        job_id = await world.order()

        await world.until_closed(job_id)

        assert world.outcome(job_id) == "result_missing"
        assert world.operator.about("missing in our storage")
        assert await world.ledger_sum() == CHARGE
