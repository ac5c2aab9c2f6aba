"""Cancelling at every moment, and processes that end at any: always one outcome, and the money is right."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from providers.sandbox import Fate, Fault
from providers.sandbox.faults import Reset
from studio import display, endings, jobs
from studio.database import Database
from studio.errors import DeskGone, DeskUnavailable
from studio.keeping import is_showable
from studio.models import JobState
from tests.studio_world import CHARGE, QUICK, studio_at_work


async def test_a_waiting_job_is_gone_at_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        world.sandbox.faults.add(Fate(seconds=2))
        await world.order("rendering")
        waiting = await world.order("waiting")

        answer = await world.cancel(waiting)

        assert answer == "cancelled"
        await world.check()
        assert world.outcome(waiting) == "cancelled"
        assert world.desk.concluded[waiting].price_usd_micros == 0
        assert len(world.sandbox.seen("submit")) == 1


async def test_a_job_that_is_still_uploading_is_not_ordered(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="estimate", delay=1.0, processed=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("estimate"))

        answer = await world.cancel(job_id)

        assert answer == "asked"
        await world.check()
        assert world.outcome(job_id) == "cancelled"
        assert not world.sandbox.seen("submit")


async def test_a_job_whose_submit_is_in_the_air_is_cancelled_after_it(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=100) as world:
        world.sandbox.faults.add(Fault(on="submit", delay=1.0, processed=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("submit"))

        await world.cancel(job_id)

        await world.check()
        assert world.outcome(job_id) == "cancelled"
        assert world.sandbox.account.charged == CHARGE
        assert world.sandbox.account.net == 0


async def test_a_job_that_comes_back_to_the_queue_is_not_forgotten_to_be_cancelled(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", delay=1.0, code="INSUFFICIENT_BALANCE", times=None))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("submit"))

        await world.cancel(job_id)

        await world.check()
        assert world.outcome(job_id) == "cancelled"


@pytest.mark.parametrize("ghost", [True, False])
async def test_a_job_in_doubt_is_cancelled_as_soon_as_it_is_explained(tmp_path: Path, ghost: bool) -> None:
    async with studio_at_work(tmp_path, seconds=100, reconcile_seconds=1.5) as world:
        world.sandbox.faults.add(
            Fault(on="submit", reset=Reset.AFTER, processed=ghost),
            Fault(on="list", delay=0.7, processed=True),
        )
        job_id = await world.order()
        await world.until_in(job_id, JobState.UNKNOWN)

        await world.cancel(job_id)

        await world.check()
        assert world.outcome(job_id) == "cancelled"
        assert len(world.sandbox.seen("submit")) == 1
        assert world.sandbox.account.net == 0


async def test_a_pending_render_is_cancelled_with_its_refund(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=100) as world:
        job_id = await world.order()
        await world.until_in(job_id, JobState.RENDERING)

        await world.cancel(job_id)

        await world.check()
        assert world.outcome(job_id) == "cancelled"
        assert world.sandbox.account.net == 0


async def test_f34_a_render_that_has_begun_is_delivered_and_its_member_told_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "TICK_SECONDS", 0.2)
    monkeypatch.setattr(display, "EDIT_EVERY_SECONDS", 0.2)
    async with studio_at_work(tmp_path, seconds=4) as world:
        job_id = await world.order()
        await world.eventually(lambda: any(job.status == "processing" for job in world.sandbox.jobs))

        await world.cancel(job_id)
        await world.until(job_id, lambda job: job.cancel == "too_late")
        again = await world.cancel(job_id)

        await world.check()
        assert again == "too_late"
        assert world.outcome(job_id) == "clip"
        assert "cancel_too_late" in world.desk.holdups[job_id]


@pytest.mark.parametrize("fault", [{"status": 504}, {"reset": Reset.AFTER}], ids=["proxy", "reset"])
async def test_f35_a_cancel_without_an_answer_is_decided_by_the_status(
    tmp_path: Path, fault: dict[str, object]
) -> None:
    async with studio_at_work(tmp_path, seconds=100) as world:
        world.sandbox.faults.add(Fault(on="cancel", processed=True, **fault))  # type: ignore[arg-type]
        job_id = await world.order()
        await world.until_in(job_id, JobState.RENDERING)

        await world.cancel(job_id)

        await world.check()
        assert world.outcome(job_id) == "cancelled"
        assert world.sandbox.account.net == 0


async def test_cancels_that_race_with_the_end_have_one_outcome(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, seconds=0.6, max_concurrent_jobs=8) as world:
        ordered = [await world.order(f"scene {number}", member=10) for number in range(8)]

        for job_id in ordered:
            await asyncio.sleep(0.25)
            await world.cancel(job_id)

        await world.check()
        assert {world.outcome(job_id) for job_id in ordered} <= {"clip", "cancelled"}


# ── F59: the process ends ───────────────────────────────────────────────────────────────────────


async def test_f59_a_process_that_ends_during_the_submit_pays_once(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="submit", hang=True, processed=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.jobs)

        await world.restart()

        await world.check()
        assert world.outcome(job_id) == "clip"
        assert len(world.sandbox.seen("submit")) == 1


async def test_f59_a_process_that_ends_while_in_doubt_goes_on_searching(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, reconcile_seconds=2.0) as world:
        world.sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR"))
        job_id = await world.order()
        await world.until_in(job_id, JobState.UNKNOWN)

        await world.restart()

        await world.check()
        assert world.outcome(job_id) == "clip"


async def test_f59_a_process_that_ends_during_the_download_leaves_no_half_file(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="output", cut=0.5, stall=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("output"))

        await world.restart()

        await world.check()
        assert world.outcome(job_id) == "clip"


# ── Discord ─────────────────────────────────────────────────────────────────────────────────────


async def test_discord_that_is_away_for_a_while_gets_the_clip_later(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.desk.fails = [DeskUnavailable(retry_after=0.2) for _ in range(3)]

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "clip"


async def test_a_thread_that_is_gone_ends_the_job_with_what_it_cost(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        world.desk.fails = [DeskGone()]

        job_id = await world.order()

        await world.check()
        assert world.outcome(job_id) == "nowhere_to_deliver"
        job = await world.job(job_id)
        assert job.cost_usd_micros == CHARGE
        # It is paid for, so it is kept for its member to have it shown elsewhere.
        assert is_showable(job)
        assert job.clip is not None
        assert await world.storage.keys(f"jobs/{job_id}")


# ── races, forced ───────────────────────────────────────────────────────────────────────────────


async def test_a_job_that_goes_back_to_the_queue_just_then_is_withdrawn(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        world.sandbox.faults.add(Fault(on="estimate", delay=2.0, processed=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("estimate"))
        async with database.write() as connection:
            job = await jobs.get(connection, job_id)
            assert job is not None
            await endings.put_back(connection, job, now=world.now())
            # The press comes while the job is on its way back, and has to wait for it.
            press = asyncio.create_task(world.cancel(job_id))
            await asyncio.sleep(0.3)
            assert not press.done()

        answer = await press

        assert answer == "cancelled"
        await world.check()
        assert world.outcome(job_id) == "cancelled"


async def test_a_cancel_at_the_moment_of_completion_leaves_one_outcome(
    tmp_path: Path, database: Database
) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        world.sandbox.faults.add(Fate(stuck="processing"))
        job_id = await world.order()
        await world.until_in(job_id, JobState.RENDERING)
        async with database.write() as connection:
            job = await jobs.get(connection, job_id, locked=True)
            assert job is not None
            await jobs.move(connection, job, JobState.FETCHING, now=world.now(), source_url="x")
            press = asyncio.create_task(world.cancel(job_id))
            await asyncio.sleep(0.3)
            assert not press.done()

        answer = await press

        world.sandbox.release(world.sandbox.jobs[0].id)
        await world.check()
        assert answer == "too_late"
        assert world.outcome(job_id) == "clip"


async def test_a_wish_that_comes_while_the_status_is_being_read_does_not_undo_the_clip(
    tmp_path: Path,
) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="status", delay=1.0, processed=True))
        job_id = await world.order()
        await world.eventually(lambda: world.sandbox.seen("status"))

        answer = await world.cancel(job_id)

        await world.check()
        assert answer == "asked"
        assert world.outcome(job_id) == "clip"
        assert await world.ledger_sum() == CHARGE


async def test_f33_a_slow_render_offers_a_cancel_only_while_it_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(display, "EDIT_EVERY_SECONDS", 0.1)
    async with studio_at_work(tmp_path, waits=replace(QUICK, slow=0.5)) as world:
        world.sandbox.faults.add(Fate(stuck="pending"), Fate(stuck="processing"))
        pending = await world.order("pending")
        await world.until_in(pending, JobState.RENDERING)
        begun = await world.order("begun")

        cards = world.desk.cards
        await world.until(begun, lambda _: begun in cards and not cards[begun].can_cancel)
        for slow in (pending, begun):
            await world.until(slow, lambda job: "render_slow" in world.desk.holdups.get(job.id, ()))
        offered = cards[pending].can_cancel
        answers = [await world.cancel(pending), await world.cancel(begun)]
        await world.until_closed(pending)
        world.sandbox.release(world.renders_of("begun")[0])

        await world.check()
        assert offered
        assert "render_slow" in world.desk.holdups[begun]
        assert answers == ["asked", "too_late"]
        assert (world.outcome(pending), world.outcome(begun)) == ("cancelled", "clip")
        assert len(world.sandbox.seen("cancel")) == 1
