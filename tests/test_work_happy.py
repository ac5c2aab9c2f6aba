"""A job's life through the paid provider when nothing goes wrong, and how much it asks of the provider."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from providers.sandbox import Fault
from studio import queue
from studio.database import Database
from studio.models import JobState
from tests import sandbox_world
from tests.studio_world import CHARGE, studio_at_work


@pytest.mark.parametrize("wrapped", [True, False], ids=["F02 wrapped", "F01 flat"])
async def test_an_order_ends_in_one_clip_and_one_charge(tmp_path: Path, wrapped: bool) -> None:
    async with studio_at_work(tmp_path) as world:
        world.sandbox.faults.add(Fault(on="*", times=None, wrapped=wrapped))

        job_id = await world.order()

        job = await world.until_closed(job_id)
        assert job.state is JobState.DELIVERED
        assert job.cost_usd_micros == CHARGE == world.sandbox.account.net
        await world.check()


async def test_the_same_on_both_databases(tmp_path: Path, database: Database) -> None:
    async with studio_at_work(tmp_path, database=database) as world:
        for number in range(4):
            await world.order(f"scene {number}", guild=number % 2 + 1, member=number)

        await world.check()

        assert world.sandbox.account.net == 4 * CHARGE


async def test_two_attachments_become_a_clip(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path) as world:
        job_id = await world.order_from_scratch(sandbox_world.picture(), sandbox_world.clip())

        await world.check()

        assert world.outcome(job_id) == "clip"


async def test_a_codec_that_breaks_down_is_told_as_our_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox_world.picture(), sandbox_world.clip()
    # The children's program, started as usual, whose workers end like one of a codec with a bug.
    broken = (
        "import os, signal, sys; from media import foreman, worker; "
        "worker.carry_out = lambda *_, **__: os.kill(os.getpid(), signal.SIGSEGV); "
        "foreman.main(int(sys.argv[-1]))"
    )
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{broken}" "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    async with studio_at_work(tmp_path) as world:
        with capture_logs() as logged:
            job_id = await world.order_from_scratch(sandbox_world.picture(), sandbox_world.clip())
            await world.until_closed(job_id)

        assert world.outcome(job_id) == "media_crashed"
        assert [entry["log_level"] for entry in logged if entry["event"] == "codec_crashed"] == ["error"]
        assert world.sandbox.seen() == []


async def test_a_finished_job_has_asked_little_of_the_provider(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, poll_interval_seconds=60) as world:
        await world.order()

        await world.check()

        asked = {on: len(world.sandbox.seen(on)) for on in ("presign", "put", "estimate", "submit", "output")}
        assert asked == {"presign": 2, "put": 2, "estimate": 1, "submit": 1, "output": 1}
        assert len(world.sandbox.seen("status")) == 1
        # Besides these the sandbox has read the inputs itself.
        assert len(world.sandbox.seen()) - len(world.sandbox.seen("file")) == 8


async def test_a_waiting_job_gets_its_slot_as_soon_as_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "LOOK_SECONDS", 10_000)
    async with studio_at_work(tmp_path, max_concurrent_jobs=1) as world:
        for number in range(3):
            await world.order(f"scene {number}")

        await world.check()
